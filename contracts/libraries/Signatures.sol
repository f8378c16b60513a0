// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IERC1271 } from "@openzeppelin/contracts/interfaces/IERC1271.sol";
import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title Consent of an account: it calls, or it signed
library Signatures {
    /// @notice Most that a signer's contract may burn of the gas of whoever sends its signature. A passkey's signature
    /// (P-256, where the chain has no precompile for it) takes 240,000 to 330,000.
    uint256 internal constant ERC1271_GAS = 400_000;

    /// @notice Whether `signer` is the caller, or signed `digest`: by its key (one form only, `s` in the lower half),
    /// or by its contract (ERC-1271) within the gas cap.
    /// @dev The key counts although the account has code: then the code was delegated by that key (EIP-7702), which may
    /// delegate to other code at any time, so the key can do whatever the code can. Nobody has the key of a contract's
    /// address.
    function consents(address signer, bytes32 digest, bytes calldata signature) internal view returns (bool) {
        if (msg.sender == signer) return true;
        (address recovered, ECDSA.RecoverError err,) = ECDSA.tryRecoverCalldata(digest, signature);
        if (err == ECDSA.RecoverError.NoError && recovered == signer) return true;
        return signer.code.length != 0 && _contractConsents(signer, digest, signature);
    }

    /// In assembly because a high-level call copies all that is returned, at the caller's expense.
    function _contractConsents(address signer, bytes32 digest, bytes calldata signature)
        private
        view
        returns (bool valid)
    {
        bytes memory data = abi.encodeCall(IERC1271.isValidSignature, (digest, signature));
        bytes32 magic = bytes32(IERC1271.isValidSignature.selector);
        assembly ("memory-safe") {
            let success := staticcall(ERC1271_GAS, signer, add(data, 0x20), mload(data), 0, 0x20)
            // What is shorter than a word leaves the rest of it as it was in memory: it is no answer.
            valid := and(success, and(gt(returndatasize(), 0x1f), eq(mload(0), magic)))
        }
    }
}
