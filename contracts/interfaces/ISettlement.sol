// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The ways a claim ends
interface ISettlement {
    error CommitmentMismatch(bytes32 claim, uint256 layer, string which, bytes32 expected, bytes32 got);
    error NothingToProve();
    error NotYet(uint64 from);
    error ChallengesOpen(bytes32 claim, uint256 count);
    error NotRevealed(bytes32 claim);
    error DrawnLayersMissing(bytes32 claim, uint256 missing);
    error NotInThisLane(bytes32 claim);
    /// @notice All verifiers of the claim's version can be used: there is no reason to void it.
    error StillUsable(bytes32 claim);
    error NotDispute(address caller);

    /// @notice Proves consecutive layers, `first` and on; a layer that is proven already is verified again and stays so.
    /// When none is left the claim is settled in the same transaction: status Proven.
    function proveLayers(bytes32 claim, uint256 first, bytes[] calldata proofs) external;
    /// @notice Ends an optimistic or audited claim after its windows: status Finalized.
    function finalize(bytes32 claim) external;
    /// @notice Defeats a claim that missed a deadline without a challenge: layers that had to be proven are not.
    function expire(bytes32 claim) external;
    /// @notice Voids a claim of which a verifier was frozen: everybody gets back what they put in.
    function voidClaim(bytes32 claim) external;
    /// @notice Defeats a claim by an unanswered challenge. Dispute only.
    function defeat(bytes32 claim, address challenger) external;

    /// @notice Reverts unless the proof is valid for this layer of this claim.
    function checkLayer(bytes32 claim, uint256 layer, bytes calldata proof) external view;
    /// @notice Until when challenges may be opened (inclusive), and when all open ones are decided.
    function deadlines(bytes32 claim) external view returns (uint64 challengeBy, uint64 provenBy);
}
