// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ChallengeStatus } from "./Types.sol";

struct Challenge {
    ChallengeStatus status;
    address challenger;
    /// Last second in which it can be answered.
    uint64 answerBy;
    uint128 bond;
}

/// @title Challenges of single layers, and of withheld output
/// @notice One open challenge per claim and layer. A layer that is proven is closed for good. Silence loses.
/// The challenge of the output has the number of layers as its layer.
interface ILayerDispute {
    event Challenged(
        bytes32 indexed claim, uint256 indexed layer, address indexed challenger, uint64 answerBy, uint256 bond
    );
    event ChallengeEnded(bytes32 indexed claim, uint256 indexed layer, ChallengeStatus status);
    /// @notice The generated tokens, published because the requester said it did not get them.
    event OutputRevealed(bytes32 indexed claim, uint256 salt, uint32[] tokens);

    error NoSuchLayer(uint256 layer, uint256 layers);
    error LayerIsProven(bytes32 claim, uint256 layer);
    error AlreadyChallenged(bytes32 claim, uint256 layer);
    error NotChallenged(bytes32 claim, uint256 layer);
    error ChallengeWindowOver(uint64 challengeBy);
    error AnswerWindowOver(uint64 answerBy);
    error AnswerWindowOpen(uint64 answerBy);
    /// @notice The claim still stands and the layer is not proven: the challenge goes on.
    error Undecided(bytes32 claim, uint256 layer);
    error NotRequester(address expected, address got);
    error WrongTokenCount(uint256 expected, uint256 got);
    error TokenTooLarge(uint256 index);
    error OutputMismatch(bytes32 expected, bytes32 got);

    /// @notice Opens a challenge with the version's challenge bond out of the caller's free balance. Not in the lane of
    /// proofs, where every layer must be proven anyhow. A failed one pays the claim's recipient.
    function challenge(bytes32 claim, uint256 layer) external;
    /// @notice Answers a challenge by the layer's proof; anybody may send it.
    function answer(bytes32 claim, uint256 layer, bytes calldata proof) external;
    /// @notice Opens a challenge of withheld output, in any lane until `challengeBy`. Requester only, once, without a bond:
    /// either side pays for its own transaction. The answer is public.
    function demandOutput(bytes32 claim) external;
    /// @notice Answers it: publishes tokens and salt, whose digest must be the claimed one. Anybody may send them.
    function revealOutput(bytes32 claim, uint256 salt, uint32[] calldata tokens) external;
    /// @notice Says that the output arrived: it cannot be demanded any more, so that proofs settle at once. Requester only.
    function acceptOutput(bytes32 claim) external;
    /// @notice Defeats the claim by a challenge whose time is over.
    function timeout(bytes32 claim, uint256 layer) external;
    /// @notice Ends a challenge that was decided elsewhere: its layer was proven, or its claim is over.
    function resolve(bytes32 claim, uint256 layer) external;

    function challengeOf(bytes32 claim, uint256 layer) external view returns (Challenge memory);
    function openCount(bytes32 claim) external view returns (uint256);
}
