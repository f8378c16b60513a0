// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IStatementVerifier, Session } from "../interfaces/IStatementVerifier.sol";
import { IProofVerifier } from "../interfaces/external/IERC8274.sol";
import { Adapter } from "./Adapter.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Proofs of whole sessions for whoever speaks ERC-8274
/// @notice `inputHash` and `outputHash` are the session's digests; `metadata` is
/// `abi.encode(version, claim, recipient)`, so that a proof is of the model, the purpose and the provider that the
/// consumer means.
contract ProofVerifier is Adapter, IProofVerifier, ERC165 {
    /// @notice What a verification may take. Without it a verdict would depend on who pays for the gas.
    uint256 public constant GAS = 3_000_000;

    string public constant name = "nanozk";
    string public constant version = "1";

    error TooLittleGas(uint256 needed);

    constructor(IStatementVerifier statements_) Adapter(statements_) { }

    /// @notice Whether a proof shows that the model turned the input into the output. Reverts only for want of gas.
    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool)
    {
        // A sixty-fourth stays behind (EIP-150), and some to say what was found.
        uint256 needed = GAS + GAS / 63 + 10_000;
        if (gasleft() < needed) revert TooLittleGas(needed);
        try this.check{ gas: GAS }(inputHash, outputHash, metadata, proof) {
            return true;
        } catch {
            return false;
        }
    }

    /// @notice As `verify`, and says why not: reverts with it.
    function check(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof) external view {
        (Session memory session,) = _verified(proof);
        bool same = session.inputDigest == inputHash && session.outputDigest == outputHash;
        bytes32 meant = keccak256(metadata);
        bytes32 own = keccak256(abi.encode(session.version, session.claim, session.recipient));
        if (!same || meant != own) revert AnotherSession();
    }

    /// @inheritdoc IProofVerifier
    function proofProfile() external view returns (bytes32) {
        return keccak256(abi.encode(name, version, block.chainid, statements));
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IProofVerifier).interfaceId || super.supportsInterface(id);
    }
}
