// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ChallengeStatus } from "./Types.sol";

struct Challenge {
    ChallengeStatus status;
    /// Who asked first.
    address challenger;
    /// Last second in which it can be answered; of an output that was revealed, in which it can be disputed.
    uint64 answerBy;
    /// Of each challenger.
    uint128 bond;
}

/// A challenger's bond that is still held, or part of a stake that it has not taken.
struct OpenBond {
    uint256 layer;
    address challenger;
    /// Who gets the bond; zero as long as the claim is not over.
    address winner;
}

/// @title Challenges of single layers, and of withheld output
/// @notice A layer is asked for once, and any number of challengers may join, each with a bond. A layer that is proven is
/// closed for good. Silence loses. All whose challenge is open when a claim is defeated share the challengers' part of
/// the stake equally, whoever came first: else a provider would be first. Money moves once the claim is over (`resolve`).
/// The challenge of the output has the number of layers as its layer.
interface ILayerDispute {
    event Challenged(
        bytes32 indexed claim, uint256 indexed layer, address indexed challenger, uint64 answerBy, uint256 bond
    );
    event ChallengeEnded(bytes32 indexed claim, uint256 indexed layer, ChallengeStatus status);
    /// @notice A challenger's bond went to `winner`, and the challenger got its part of the stake.
    event ChallengeResolved(
        bytes32 indexed claim, uint256 indexed layer, address indexed challenger, address winner, uint256 reward
    );
    /// @notice The generated tokens, three bytes each, published because the requester said it did not get them.
    event OutputRevealed(bytes32 indexed claim, uint256 salt, bytes tokens);

    error NoSuchLayer(uint256 layer, uint256 layers);
    error LayerIsProven(bytes32 claim, uint256 layer);
    /// @notice The layer is closed, or the caller challenges it already.
    error AlreadyChallenged(bytes32 claim, uint256 layer);
    error NotChallenged(bytes32 claim, uint256 layer);
    error ChallengeWindowOver(uint64 challengeBy);
    error AnswerWindowOver(uint64 answerBy);
    error AnswerWindowOpen(uint64 answerBy);
    /// @notice The claim is not over: the challenge goes on.
    error Undecided(bytes32 claim, uint256 layer);
    error NotRequester(address expected, address got);
    /// @notice The ordered tokens have `expected` bytes, three each.
    error WrongOutputLength(uint256 expected, uint256 got);
    error OutputMismatch(bytes32 expected, bytes32 got);
    /// @notice Nothing was published that could be disputed.
    error OutputNotRevealed(bytes32 claim);
    /// @notice The output could be disputed until then.
    error DisputeWindowOver(uint64 disputeBy);
    /// @notice Other tokens, or another salt, were published.
    error NotTheRevealedOutput(bytes32 claim);
    /// @notice The digest of what was published is the claimed one.
    error OutputIsRight(bytes32 claim);

    /// @notice Challenges a layer with the version's challenge bond out of the caller's free balance, or joins those who
    /// did, until the same deadline. Not in the lane of proofs, where every layer must be proven anyhow. If the layer is
    /// proven by a proof of its own, the bond goes to the claim's recipient.
    function challenge(bytes32 claim, uint256 layer) external;
    /// @notice Answers a challenge by the layer's proof; anybody may send it.
    function answer(bytes32 claim, uint256 layer, bytes calldata proof) external;
    /// @notice Ends a layer's challenge, if there is one, since the layer is proven. Settlement only.
    /// @param grace Until then at least a challenge can be answered.
    function close(bytes32 claim, uint256 layer, uint64 grace) external;
    /// @notice Opens a challenge of withheld output, in any lane until `challengeBy`. Requester only, once, without a bond:
    /// either side pays for its own transaction. The answer is public.
    function demandOutput(bytes32 claim) external;
    /// @notice Answers it: publishes salt and tokens. From the provider, or with its signature (`IClaimBook.revealDigest`),
    /// they are believed unless the requester disputes them within a challenge window; the claim waits for that. From
    /// anybody else their digest is computed at once, 13 M gas for 4,096 positions, and must be the claimed one.
    /// @param tokens Three bytes each, the most significant first.
    function revealOutput(bytes32 claim, uint256 salt, bytes calldata tokens, bytes calldata signature) external;
    /// @notice Computes the digest of what was published, at the caller's expense. If it is not the claimed one the claim
    /// is defeated, as by silence; else this reverts, and nothing changes. Requester only.
    function disputeOutput(bytes32 claim, uint256 salt, bytes calldata tokens) external;
    /// @notice Says that the output arrived: it cannot be demanded, nor disputed, any more, so that proofs settle at once.
    /// Requester only.
    function acceptOutput(bytes32 claim) external;
    /// @notice Defeats the claim by a challenge whose time is over.
    function timeout(bytes32 claim, uint256 layer) external;
    /// @notice Pays out one challenger's bond once the claim is over: to the claim's recipient if the layer was proven by a
    /// proof of its own and the claim was not voided, else back; with its part of the stake if the claim was defeated
    /// while the challenge was open. Anybody may send it.
    function resolve(bytes32 claim, uint256 layer, address challenger) external;

    /// @notice A challenge, with its deadline as it is after freezes of verifiers.
    function challengeOf(bytes32 claim, uint256 layer) external view returns (Challenge memory);
    function challengersOf(bytes32 claim, uint256 layer) external view returns (address[] memory);
    /// @notice Layers, and the output, whose challenge is open, also those that an aggregate answered.
    function openCount(bytes32 claim) external view returns (uint256);
    /// @notice Earliest deadline of the open challenges of layers, before `ISettlement.graceUntil`; zero if there is none.
    function firstDeadline(bytes32 claim) external view returns (uint64);
    /// @notice Bonds and parts of the stake that `resolve` has not paid out.
    function openBonds(bytes32 claim) external view returns (OpenBond[] memory);
}
