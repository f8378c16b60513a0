// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimProof, IClaimBook } from "../interfaces/IClaimBook.sol";
import { Tree } from "../interfaces/Types.sol";
import { ClaimWords } from "./ClaimWords.sol";
import { NodeTree } from "./NodeTree.sol";

/// @title Public inputs of a final proof about claims
/// @notice All of it follows from the claims, whose ids the caller compares, but for digests of lists, which are bound
/// together with the lists.
library FinalInputs {
    using ClaimWords for Claim;

    /// @return publicInputs Of the proof over the topmost node.
    /// @return sets Layers that it proves, of each entry.
    function compute(ClaimProof[] calldata proofs, Tree calldata tree)
        internal
        pure
        returns (uint256[4] memory publicInputs, uint256[] memory sets)
    {
        uint256 count = 0;
        for (uint256 i = 0; i < proofs.length; ++i) {
            uint256 leaves = proofs[i].leaves.length;
            if (leaves == 0) revert IClaimBook.NothingToProve();
            count += leaves;
        }
        uint256[] memory nodes = NodeTree.room(count);
        sets = new uint256[](proofs.length);
        uint256[] memory list = NodeTree.sessionRoom();
        uint256 next = 0;
        for (uint256 i = 0; i < proofs.length; ++i) {
            ClaimProof calldata entry = proofs[i];
            Claim calldata claim = entry.claim;
            claim.fillSession(list);
            sets[i] = NodeTree.add(nodes, next, list, entry.leaves, claim.programs, claim.layers());
            next += entry.leaves.length;
        }
        publicInputs = NodeTree.top(nodes, tree);
    }
}
