// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Signatures } from "../../contracts/libraries/Signatures.sol";
import { Wallet } from "./support/Signers.sol";
import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { Test } from "forge-std/Test.sol";

/// @title Asks whether somebody consents, with the answer in memory already
contract Asking {
    function consents(address signer, bytes32 digest, bytes calldata signature) external view returns (bool) {
        bytes4 yes = IERC1271.isValidSignature.selector;
        assembly ("memory-safe") {
            mstore(0, yes)
        }
        return Signatures.consents(signer, digest, signature);
    }
}

/// @title Answers every call in a way of its own
contract OddSigner {
    bool private immutable _fails;
    uint256 private immutable _size;
    bytes32 private immutable _answer;

    constructor(bool fails, uint256 size, bytes32 answer) {
        (_fails, _size, _answer) = (fails, size, answer);
    }

    fallback() external {
        (bool fails, uint256 size, bytes32 answer) = (_fails, _size, _answer);
        assembly {
            mstore(0, answer)
            if fails { revert(0, size) }
            return(0, size)
        }
    }
}

contract ContractSignersTest is Test {
    bytes32 private constant YES = bytes32(IERC1271.isValidSignature.selector);
    bytes32 private constant DIGEST = keccak256("what is signed");
    Asking private asking = new Asking();

    function _consents(bool fails, uint256 size, bytes32 answer) private returns (bool) {
        return asking.consents(address(new OddSigner(fails, size, answer)), DIGEST, "");
    }

    function test_OneAnswerIsConsent() public {
        assertTrue(_consents(false, 32, YES));
        assertFalse(_consents(false, 32, bytes32(uint256(1))), "true is not the answer");
        assertFalse(_consents(false, 32, YES | bytes32(uint256(1))), "nor is more than it");
        assertFalse(_consents(false, 32, 0));
    }

    /// What lay in memory before is nobody's answer.
    function test_NothingIsNoConsent() public {
        assertFalse(_consents(false, 0, YES));
        assertFalse(_consents(false, 4, YES));
        assertFalse(_consents(false, 31, YES));
    }

    function test_AFailedCallIsNoConsent() public {
        assertFalse(_consents(true, 32, YES));
        assertFalse(_consents(true, 0, YES));
    }

    function test_AnAccountWithoutCodeSignsByItsKey() public {
        (address signer, uint256 key) = makeAddrAndKey("signer");
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, DIGEST);
        bytes memory signature = abi.encodePacked(r, s, v);
        assertTrue(asking.consents(signer, DIGEST, signature));
        assertFalse(asking.consents(makeAddr("another"), DIGEST, signature));
        assertFalse(asking.consents(signer, keccak256("something else"), signature));
        assertFalse(asking.consents(signer, DIGEST, ""));
        assertTrue(asking.consents(address(new Wallet(signer)), DIGEST, signature), "by its contract");
    }
}
