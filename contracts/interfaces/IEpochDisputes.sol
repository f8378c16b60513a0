// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AnswerReceipt, Epoch } from "./EpochTypes.sol";
import { Leaf, Tree } from "./Types.sol";

/// Moves forward only: Open → Fixed → Asked → Answered, to Answered from any of them, Fixed → Dropped.
enum DisputeStatus {
    None,
    /// The provider has to fix activation commitments, or to answer in full.
    Open,
    /// The challenger has to ask for layers.
    Fixed,
    /// The provider has to prove them.
    Asked,
    Answered,
    /// The challenger asked for nothing.
    Dropped
}

/// A demand to show a receipt in the trees, or a challenge to prove an answer.
struct Dispute {
    address challenger;
    DisputeStatus status;
    /// Last second for whoever has to act.
    uint40 until;
    /// The challenger's bond is held.
    bool bonded;
    bytes32 epoch;
    /// keccak256(abi.encode(statement, digest, point, fingerprint)): what was fixed.
    bytes32 commitments;
    /// Layers that were asked for, as a set.
    uint256 asked;
}

/// An answer in its place of the epoch's tree of statements.
struct Placed {
    uint256 index;
    bytes32 inputDigest;
    bytes32 outputDigest;
    uint32 promptTokens;
    uint32 newTokens;
    /// Siblings from the leaf to the root.
    bytes siblings;
}

/// What says activation commitments: digest, point, fingerprint.
struct Activations {
    bytes32 digest;
    uint256 point;
    uint256 fingerprint;
}

/// @title Disputes about epochs: demands of receipts, and challenges of answers
/// @notice A requester that holds a signed receipt may demand to see it in the epoch's trees. Anybody may challenge an
/// answer, with a bond. Turns are the book's `answerWindow` each. A provider that does not answer loses the bond that its open
/// epochs expose, of which whoever asked has a part, and its line is over.
///
/// Bonds of challenges rise with the number that the line has against it (`bondOf`), and move once the epoch is settled or void
/// (`resolve`). If the line is over, a challenge goes on by itself, and its bond moves when it has ended.
interface IEpochDisputes {
    /// @notice A demand.
    event Demanded(bytes32 indexed epoch, bytes32 indexed receipt, address indexed requester, uint40 until);
    event Challenged(
        bytes32 indexed epoch, uint256 indexed index, address indexed challenger, uint40 until, uint256 bond
    );
    /// @notice For whoever challenged: the activation commitments, with their words.
    event CommitmentsFixed(
        bytes32 indexed epoch, uint256 indexed index, address indexed challenger, Activations fixed_, uint256[] words
    );
    event LayersAsked(
        bytes32 indexed epoch, uint256 indexed index, address indexed challenger, uint256 layers, uint40 until
    );
    event DisputeMoved(bytes32 indexed dispute, DisputeStatus status);
    /// @notice The bond of a challenge went to the provider, or back.
    event BondMoved(bytes32 indexed dispute, address indexed to);

    error BadSignature(address signer);
    error DeadlinePassed(uint256 deadline);
    error DeadlineNotPassed(uint256 deadline);
    error VerifierUnusable(address verifier);
    /// @notice What was fixed are other activation commitments.
    error NotWhatWasFixed(bytes32 dispute);
    /// @notice A challenge needs a greater bond than its challenger would risk.
    error BondAbove(uint256 most, uint256 needed);
    error NoBond(bytes32 dispute);
    error NoSuchAnswer(uint256 count, uint256 index);
    error ReceiptOfAnother(bytes32 epoch);
    error NotRequester(address expected, address got);
    error DecodingNotGreedy(bytes32 decoding);
    error NotAContradiction();
    error DisputeExists(bytes32 dispute);
    error UnknownDispute(bytes32 dispute);
    error WrongDisputeStatus(bytes32 dispute, DisputeStatus expected, DisputeStatus got);
    error BadPoints(uint256 words);
    error NoSuchLayers(uint256 layers, uint256 asked);
    error LayersNotProven(uint256 missing);
    error StillOpen(bytes32 epoch);

    // ---------------------------------------------------------------- disputes

    /// @notice Demands that a receipt is shown in the epoch's trees. Its requester only, and without a bond: who holds
    /// a signed receipt must not pay for a provider that withholds its tree.
    /// @param signature The provider's, of `receiptDigest`.
    function demand(Epoch calldata epoch, AnswerReceipt calldata receipt, bytes calldata signature) external;
    /// @notice Answers a demand. Anybody may.
    /// @param inStatements Siblings from the receipt's statement to the root of statements.
    /// @param inReceipts Siblings from the receipt's digest to the root of receipts.
    function show(
        Epoch calldata epoch,
        AnswerReceipt calldata receipt,
        bytes calldata inStatements,
        bytes calldata inReceipts
    ) external;
    /// @notice Slashes a line for two receipts of one place of an epoch that is not settled. The caller is the
    /// reporter.
    function contradict(
        AnswerReceipt calldata one,
        bytes calldata signatureOfOne,
        AnswerReceipt calldata other,
        bytes calldata signatureOfOther
    ) external;
    /// @notice Challenges an answer, with the bond that `bondOf` says. Others may challenge it too, each by itself.
    /// @param mostBond The greatest bond that the caller would risk.
    function challenge(Epoch calldata epoch, uint256 index, uint256 mostBond) external;
    /// @notice Fixes activation commitments for a challenger, before it says which layers it wants. Whoever is not the
    /// provider needs its signature.
    /// @param words Three for each point.
    /// @param signature The provider's, of `fixDigest` of the dispute and of keccak256(abi.encodePacked(digest,
    /// words)).
    function fixAnswer(
        Epoch calldata epoch,
        Placed calldata answer,
        address challenger,
        bytes32 digest,
        uint256[] calldata words,
        bytes calldata signature
    ) external;
    /// @notice Asks for layers, after activation commitments were fixed. Its challenger only.
    function ask(Epoch calldata epoch, uint256 index, uint256 layers) external;
    /// @notice Proves layers of an answer: those that were asked for, of the activation commitments that were fixed;
    /// or, at any time until the deadline, all of them, of any activation commitments.
    function prove(
        Epoch calldata epoch,
        Placed calldata answer,
        address challenger,
        Activations calldata activations,
        Leaf[] calldata leaves,
        Tree calldata tree,
        bytes calldata proof
    ) external;
    /// @notice Slashes a line for a dispute that the provider did not answer in time; drops it if it was the
    /// challenger's turn, also of a line that is over.
    function timeout(Epoch calldata epoch, bytes32 dispute) external;
    /// @notice Moves the bond of a challenge: to the provider's free balance in the escrow if the epoch is settled, back if
    /// it is void. If the line is over: to the provider if the challenge was answered or its challenger was silent, back if the
    /// provider was silent or the verifier is frozen.
    function resolve(Epoch calldata epoch, bytes32 dispute) external;

    // ---------------------------------------------------------------- views

    function disputeOf(bytes32 dispute) external view returns (Dispute memory);
    /// @notice Several at once, in the same order.
    function disputesOf(bytes32[] calldata disputes) external view returns (Dispute[] memory);
    /// @notice Bond of the next challenge of an epoch that is open: `challengeBond` of all layers for the first that the
    /// line has against it, twice, three times… as much for the next, at most a fifth of the line's bond.
    function bondOf(Epoch calldata epoch) external view returns (uint256);
    function demandId(bytes32 epoch, bytes32 receipt) external pure returns (bytes32);
    function challengeId(bytes32 epoch, uint256 index, address challenger) external pure returns (bytes32);
    /// @notice Digest of an answer's statement, the leaf of the tree of statements.
    function statementOf(Epoch calldata epoch, Placed calldata answer) external view returns (bytes32);
    /// @notice EIP-712 digests of what is signed.
    function receiptDigest(AnswerReceipt calldata receipt) external view returns (bytes32);
    function fixDigest(bytes32 dispute, bytes32 commitments) external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
}
