// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The ways a claim ends
/// @notice Proofs of all layers end a claim of any lane. They do not show that the requester got the tokens: until
/// `challengeBy` it may demand them. So proofs settle at once if the output is closed: the requester waived the demand
/// (a challenge window of zero) or accepted the output, or the output was revealed, or the time to demand it is over;
/// otherwise `finalize` settles as soon as it is.
/// Layers are proven one by one (`proveLayers`), or all at once by one aggregate proof (`proveAll`).
/// Once a verifier of the version is frozen, `voidClaim` is the only end: nobody loses by silence, nobody is paid.
/// Once the verifier of an aggregate is frozen, what it showed counts as not proven: challenges that it answered are open
/// again, layers may be challenged for another challenge window, and be proven, one by one or by another aggregate, for
/// another answer window at least.
interface ISettlement {
    error CommitmentMismatch(bytes32 claim, uint256 layer, string which, bytes32 expected, bytes32 got);
    error NothingToProve();
    error NotYet(uint64 from);
    /// @notice Layers could be proven until then.
    error ProvingIsOver(uint64 provenBy);
    /// @notice No layer that had to be proven is missing.
    error NothingMissing(bytes32 claim);
    error VersionUnusable(bytes32 version);
    error ChallengesOpen(bytes32 claim, uint256 count);
    error NotRevealed(bytes32 claim);
    error DrawnLayersMissing(bytes32 claim, uint256 missing);
    error NotInThisLane(bytes32 claim);
    /// @notice All verifiers of the claim's version can be used: there is no reason to void it.
    error StillUsable(bytes32 claim);
    error NotDispute(address caller);
    /// @notice The verifier of the key returned boundaries: it is that of a layer.
    error NotAnAggregate(bytes32 aggregateKey);
    /// @notice The aggregate's setup is not the model's.
    error AggregateSetupMismatch(bytes32 aggregateKey, bytes32 expected, bytes32 got);
    /// @notice The proof is of other circuits or weights, or of another order of them, than the version's layers.
    error AggregateMismatch(bytes32 claim, bytes32 expected, bytes32 got);

    /// @notice Proves consecutive layers, `first` and on; a layer that is proven already is verified again and stays so.
    /// Until `provenBy`. Closes the challenges of these layers; one whose time is over cannot be answered any more.
    /// When none is left, and the output is closed, the claim is settled in the same transaction: status Proven.
    function proveLayers(bytes32 claim, uint256 first, bytes[] calldata proofs) external;
    /// @notice Proves all layers by one aggregate proof, in any lane, until `provenBy`, unless a challenge of a layer is
    /// overdue. As long as the key is not frozen no layer can be challenged, and no challenge of a layer be lost. Their
    /// bonds return to the challengers in the end, for the proof does not say that they were wrong. If the output is
    /// closed, the claim is settled in the same transaction: status Proven.
    ///
    /// The caller names the aggregate's verifying key, for there may be several circuits that aggregate a version. Any
    /// that the router knows will do, if its setup is the model's:
    /// * An aggregate proof shows that there are valid proofs, of circuits and weights with the aggregation digest that
    ///   is one of its public inputs, which are linked and are about the statement and the digests that are the others.
    ///   The digest binds the verifying key and the weights of each layer in order, and it must be the one that the
    ///   registry computed from the version's. So whatever the aggregate's circuit looks like, nothing is left open but
    ///   whether its verifier is honest, which is asked of the router's verifiers anyhow.
    /// * A layer's verifier does not pass for an aggregate's: it returns a commitment at a side at least, where an
    ///   aggregate's returns zeros. A commitment is never zero, as no point of the curve has x = 0 (3 is not a square).
    ///   Besides, its third word is a Keccak digest, the aggregation digest one of Poseidon. Nor does an aggregate's pass
    ///   for a layer's, whose boundaries are not zero.
    ///
    /// What it does not show is that the posted boundaries are those of the computation: statement and digests are, and
    /// with them input and output.
    function proveAll(bytes32 claim, bytes32 aggregateKey, bytes calldata proof) external;
    /// @notice Ends a claim with no open challenge: if all layers are proven once the output is closed, status Proven;
    /// an optimistic or audited one otherwise after `challengeBy`, with its drawn layers proven, status Finalized.
    function finalize(bytes32 claim) external;
    /// @notice Defeats a claim whose layers that had to be proven (all, or those drawn) were not until `provenBy`. A draw
    /// that nobody revealed draws all layers. Open challenges come first.
    function expire(bytes32 claim) external;
    /// @notice Voids a claim of which a verifier was frozen: everybody gets back what they put in.
    function voidClaim(bytes32 claim) external;
    /// @notice Defeats a claim by an unanswered challenge; the dispute gets what is for challengers. Dispute only.
    function defeat(bytes32 claim) external;

    /// @notice Reverts unless the proof is valid for this layer of this claim.
    function checkLayer(bytes32 claim, uint256 layer, bytes calldata proof) external view;
    /// @notice Reverts unless the aggregate proof is valid for this claim.
    function checkAggregate(bytes32 claim, bytes32 aggregateKey, bytes calldata proof) external view;
    /// @notice Both inclusive.
    /// @return challengeBy Until when layers may be challenged (not in the lane of proofs) and the output be demanded: the
    /// challenge window after the claim was posted; zero if the window is zero, that is never.
    /// @return provenBy Until when layers may be proven: the answer window after `challengeBy`, in the lane of proofs after
    /// the claim was posted. No challenge of a layer ends later, and one of the output at most the answer window after
    /// `challengeBy`. Both are later after a freeze: `challengeBy` if it is of the aggregate that showed the claim's
    /// layers, to the challenge window after it; `provenBy` after any, to `graceUntil`.
    function deadlines(bytes32 claim) external view returns (uint64 challengeBy, uint64 provenBy);
    /// @notice No layer has to be proven, for a challenge or for the lane, before then: the answer window after the last
    /// freeze of a verifier under the model's setup; zero if there was none.
    function graceUntil(bytes32 claim) external view returns (uint64);
    /// @notice Layers, as a set, that count as proven: by proofs of their own, and all of them by an aggregate whose key is
    /// not frozen.
    function provenLayers(bytes32 claim) external view returns (uint256);
    /// @notice Layers, as a set, that must be proven by `provenBy` whatever is challenged, and are not yet.
    function missingLayers(bytes32 claim) external view returns (uint256);
}
