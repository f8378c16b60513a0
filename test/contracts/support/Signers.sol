// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../../contracts/interfaces/IBondEscrow.sol";
import { IJobMarket, JobRequest } from "../../../contracts/interfaces/IJobMarket.sol";
import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title A wallet of one owner, that deposits what it is sent
contract Wallet is IERC1271 {
    address public immutable owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function depositTo(IBondEscrow escrow, bool bond) external payable {
        escrow.deposit{ value: msg.value }(address(0), msg.value);
        if (bond) escrow.bond(address(0), msg.value);
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view virtual returns (bytes4) {
        return ECDSA.recover(digest, signature) == owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @title Burns all gas it gets
contract BurningSigner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        assembly {
            invalid()
        }
    }
}

/// @title Says yes, in a megabyte
contract VerboseSigner {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        assembly {
            return(0, 100000)
        }
    }
}

/// @title Opens another job while its signature is checked
contract ReenteringSigner is Wallet {
    IJobMarket private immutable _market;
    JobRequest private _other;

    constructor(IJobMarket market_) Wallet(msg.sender) {
        _market = market_;
    }

    function setOther(JobRequest calldata other) external {
        _other = other;
    }

    function isValidSignature(bytes32, bytes calldata) external view override returns (bytes4) {
        // As a static call, since this function is one; a state change below fails.
        (bool ok,) = address(_market).staticcall(abi.encodeCall(IJobMarket.open, (_other, "")));
        return ok ? bytes4(0) : IERC1271.isValidSignature.selector;
    }
}

/// @title Takes its money, and tries to take it again while it is paid
contract ReenteringRecipient {
    IBondEscrow private immutable _escrow;
    bytes private _again;
    address private _target;
    bool public refused;

    constructor(IBondEscrow escrow_) {
        _escrow = escrow_;
    }

    function take(uint256 amount, address target, bytes calldata again) external {
        (_target, _again) = (target, again);
        _escrow.withdraw(address(0), amount, address(this));
    }

    receive() external payable {
        (bool ok,) = _target.call(_again);
        refused = !ok;
    }
}
