// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Claim, ClaimProof, IClaimBook } from "../interfaces/IClaimBook.sol";
import { IFinalVerifier } from "../interfaces/IFinalVerifier.sol";
import { ClaimStatus, Mode, Tree } from "../interfaces/Types.sol";
import { ClaimWords } from "../libraries/ClaimWords.sol";
import { FinalInputs } from "../libraries/FinalInputs.sol";
import { LayerSet } from "../libraries/LayerSet.sol";
import { Claims } from "./Claims.sol";

/// @title Proofs of layers, and challenges that they answer
abstract contract Proofs is Claims {
    using ClaimWords for Claim;

    struct Record {
        /// Last second in which the challenge can be answered; zero: there was none.
        uint64 answerBy;
        /// Challengers whose bond is held.
        uint64 challengers;
    }

    /// A target is asked for once, by any number of challengers: whatever ends that closes the target, or ends the claim.
    mapping(bytes32 claim => mapping(uint256 target => Record)) internal _records;

    /// @inheritdoc IClaimBook
    function prove(ClaimProof[] calldata proofs, Tree calldata tree, bytes calldata proof) external {
        bytes32[] memory ids = _idsOf(proofs);
        address verifier = proofs[0].claim.verifier;
        if (!registry.verifierUsable(verifier)) revert VerifierUnusable(verifier);
        (uint256[4] memory publicInputs, uint256[] memory sets) = FinalInputs.compute(proofs, tree);
        // Reverts unless the proof is valid; without gas too, so that this decides nothing.
        IFinalVerifier(verifier).verify(proof, publicInputs);

        bool any = false;
        for (uint256 i = 0; i < proofs.length; ++i) {
            if (_mark(proofs[i].claim, ids[i], sets[i])) any = true;
        }
        if (!any) revert ClaimIsOver(ids[0], _kept[ids[0]].status);
    }

    /// All are claims that were posted, with one verifier.
    function _idsOf(ClaimProof[] calldata proofs) private view returns (bytes32[] memory ids) {
        if (proofs.length == 0) revert NothingToProve();
        ids = new bytes32[](proofs.length);
        address verifier = proofs[0].claim.verifier;
        for (uint256 i = 0; i < proofs.length; ++i) {
            Claim calldata claim = proofs[i].claim;
            ids[i] = claim.id();
            _known(ids[i]);
            if (claim.verifier != verifier) revert VerifierMismatch(verifier, claim.verifier);
        }
    }

    /// @return Whether the claim was not over.
    function _mark(Claim calldata claim, bytes32 id, uint256 set) private returns (bool) {
        Kept storage kept = _kept[id];
        if (kept.status != ClaimStatus.Posted) return false;
        uint64 provenBy = claim.provenBy();
        if (block.timestamp > provenBy) revert ProvingIsOver(id, provenBy);
        bool all = kept.allProven || _add(claim, id, set);
        if (all) {
            (bool demanded, uint64 until) = _output(claim, kept.output, kept.outputBy);
            if (!demanded && block.timestamp > until) {
                _settle(claim, id, kept, ClaimStatus.Proven);
                return true;
            }
            if (!kept.allProven) kept.allProven = true;
        }
        emit LayersProven(id, set);
        return true;
    }

    /// Notes layers as proven, but where all are, which is noted elsewhere.
    /// @return all Whether all are.
    function _add(Claim calldata claim, bytes32 id, uint256 set) private returns (bool all) {
        uint256 whole = LayerSet.all(claim.layers());
        // There are none in the mode of proofs.
        uint256 challenged = claim.mode() == Mode.Proofs ? 0 : _challenged[id];
        // A proof of all layers needs no other, and most claims have no challenge.
        uint256 before = set == whole && challenged == 0 ? 0 : _proven[id];
        all = before | set == whole;
        if (challenged != 0) _requireNoneOverdue(id, challenged & ~before & (all ? type(uint256).max : set));
        if (!all && before | set != before) _proven[id] = before | set;
    }

    /// Of challenges that are answered now.
    function _requireNoneOverdue(bytes32 id, uint256 targets) private view {
        for (; targets != 0; targets &= targets - 1) {
            uint256 target = LayerSet.first(targets);
            uint64 answerBy = _records[id][target].answerBy;
            if (block.timestamp > answerBy) revert AnswerWindowOver(id, target, answerBy);
        }
    }
}
