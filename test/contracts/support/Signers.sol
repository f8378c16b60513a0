// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IBondEscrow } from "../../../contracts/interfaces/IBondEscrow.sol";
import { IJobMarket, JobRequest } from "../../../contracts/interfaces/IJobMarket.sol";
import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { P256 } from "@openzeppelin/contracts/utils/cryptography/P256.sol";

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

/// @title A wallet of a passkey, on a chain without a precompile for its curve; it can also burn a fixed amount of gas
contract PasskeyWallet is IERC1271 {
    bytes32 private immutable _x;
    bytes32 private immutable _y;
    uint256 private immutable _burn;
    address private _owner;

    constructor(bytes32 x, bytes32 y, uint256 burn) {
        (_x, _y, _burn) = (x, y, burn);
    }

    function setOwner(address owner) external {
        _owner = owner;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        uint256 until = gasleft() > _burn ? gasleft() - _burn : 0;
        while (gasleft() > until) { }
        bool valid = signature.length == 64
            ? P256.verifySolidity(digest, bytes32(signature[:32]), bytes32(signature[32:]), _x, _y)
            : ECDSA.recover(digest, signature) == _owner;
        return valid ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}

/// @title Answers any call by the same bytes
contract RawSigner {
    bytes private _returned;

    constructor(bytes memory returned) {
        _returned = returned;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return _returned;
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
