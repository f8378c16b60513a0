// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { PageHead } from "../libraries/EpochPage.sol";
import { AnswerReceipt, Epoch, FixedDraws, Openings } from "./EpochTypes.sol";
import { Program } from "./Types.sol";

/// Moves forward only: Committed → Fixed → Proven → Settled, or from any of the first three to Voided. An epoch of a
/// line that is over stays where it was, for ever.
enum EpochStatus {
    None,
    Committed,
    /// The activation commitments of the drawn answers are fixed.
    Fixed,
    Proven,
    Settled,
    Voided
}

/// A provider with a version: its bond, and its epochs by number.
struct Line {
    /// Bond and what vouchers paid, in the version's asset.
    uint88 balance;
    /// Of which open epochs expose so much.
    uint88 exposed;
    /// Number of the next epoch.
    uint24 next;
    /// Epochs that are committed and not settled, the last ones: all before them are settled.
    uint8 open;
    /// It was slashed: none of its open epochs is settled any more.
    bool over;
    /// Answers of settled epochs that no voucher paid for yet.
    uint40 answers;
}

/// Prepaid money of a requester for one line.
struct Channel {
    uint88 deposited;
    uint88 redeemed;
    /// Answers that were paid for in this round.
    uint32 answers;
    /// Vouchers are of one round; another starts when the requester took its money back.
    uint16 round;
    /// Last second in which vouchers can be redeemed; zero: it is not being closed.
    uint32 closeBy;
}

/// What a requester signs (EIP-712) to pay: all that it owes on a channel up to an epoch.
struct Voucher {
    address requester;
    address provider;
    bytes32 version;
    uint16 round;
    /// Number of the epoch that has to be settled.
    uint24 epoch;
    /// All that the channel has paid in this round when this is redeemed, and for how many answers.
    uint88 amount;
    uint32 answers;
}

/// A voucher, and its requester's signature of `voucherDigest`; a requester that sends it itself needs none.
struct Payment {
    Voucher voucher;
    bytes signature;
}

/// @title Epochs: many answers behind one bond and one proof
/// @notice A provider signs a receipt for each answer. At the end of an epoch it commits to all of them by two Merkle
/// roots. A block that nobody knows yet draws some answers; the provider fixes their activation commitments by one
/// word; another such block draws a layer of each; one final proof shows all of these layers. Silence loses the bond
/// that the line's open epochs expose, and ends the line.
///
/// Vouchers of a channel pay up to an epoch, once it is settled: proven, not disputed any more, and all before it
/// settled. docs/epochs.md has the formats, the deadlines and the argument.
///
/// Deadlines are inclusive. `challengeWindow` after the commitment ends the time to fix activation commitments, to
/// demand and to challenge. Draws are proven until `proveWindow` after activation commitments were fixed. A dispute's
/// turns are `answerWindow` each.
///
/// Once the page's verifier is frozen `voidEpoch` is the only end of its epochs: nobody loses by silence, nobody is
/// paid.
interface IEpochBook {
    event Enrolled(bytes32 indexed version, address indexed page);
    event LineBonded(address indexed provider, bytes32 indexed version, uint256 amount);
    event LineWithdrawn(address indexed provider, bytes32 indexed version, uint256 amount);
    /// @notice The line is over.
    /// @param toReporter What whoever showed it got; the rest is burned.
    event LineSlashed(
        address indexed provider, bytes32 indexed version, address indexed reporter, uint256 toReporter, uint256 burned
    );
    event ChannelFunded(
        address indexed requester, address indexed provider, bytes32 indexed version, uint16 round, uint256 amount
    );
    event ChannelClosing(
        address indexed requester, address indexed provider, bytes32 indexed version, uint16 round, uint32 closeBy
    );
    event ChannelReclaimed(
        address indexed requester, address indexed provider, bytes32 indexed version, uint16 round, uint256 amount
    );
    event VoucherRedeemed(
        address indexed requester,
        address indexed provider,
        bytes32 indexed version,
        uint16 round,
        uint256 amount,
        uint256 answers
    );
    /// @notice Everything that later calls need.
    event EpochCommitted(bytes32 indexed epoch, address indexed provider, bytes32 indexed version, Epoch committed);
    /// @notice What later calls need besides.
    event EpochFixed(bytes32 indexed epoch, FixedDraws fixed_);
    event LayersDrawn(bytes32 indexed epoch, bytes32 seed);
    event EpochMoved(bytes32 indexed epoch, EpochStatus status);
    error BadSignature(address signer);
    error BadDuration(string field, uint256 min, uint256 max, uint256 got);
    /// @notice The contract was deployed without a beacon, for the chain has no `prevrandao` to draw from.
    error EpochsDisabled();
    error NotAuthorized(address caller);
    error AmountZero();
    error AmountTooLarge(uint256 max, uint256 got);
    error UnknownPage(address page, bytes32 version);
    error NoPrograms(uint256 max, uint256 got);
    error LayersMissing(uint256 missing);
    /// @notice The line was slashed.
    error LineIsOver(address provider, bytes32 version);
    /// @notice Of the line's balance less is free.
    error LineBondTooLow(uint256 needed, uint256 available);
    error ChannelIsClosing(uint32 closeBy);
    error ChannelNotClosing();
    error ChannelStillOpen(uint32 closeBy);
    error WrongRound(uint16 expected, uint16 got);
    error NotSettled(uint256 epoch, uint256 settled);
    /// @notice It pays no more than what was paid already.
    error VoucherSpent(uint256 redeemed, uint256 got);
    error VoucherExceedsDeposit(uint256 deposited, uint256 got);
    /// @notice The line's settled epochs have too few answers for that.
    error VoucherExceedsAnswers(uint256 available, uint256 got);
    /// @notice It pays for fewer answers than were paid for already.
    error FewerAnswers(uint256 paid, uint256 got);
    error WrongEpochNumber(uint256 expected, uint256 got);
    error BadCounts(uint256 maxCount, uint256 count, uint256 maxDraws, uint256 draws);
    error UnknownEpoch(bytes32 epoch);
    error WrongEpochStatus(bytes32 epoch, EpochStatus expected, EpochStatus got);
    error EpochIsOver(bytes32 epoch, EpochStatus status);
    error DeadlinePassed(uint256 deadline);
    error DeadlineNotPassed(uint256 deadline);
    /// @notice What was fixed are other activation commitments, draws or times.
    error NotWhatWasFixed(bytes32 epoch);
    error NotDrawnYet(bytes32 epoch);
    error VerifierUnusable(address verifier);
    error VerifierStillUsable(address verifier);
    error OpenDisputes(bytes32 epoch, uint256 count);
    error TooManyEpochs(uint256 next, uint256 open);
    error OutOfOrder(uint256 settled, uint256 got);
    error NothingMissing(bytes32 epoch);

    // ---------------------------------------------------------------- versions

    /// @notice Writes a page of a version: what epochs need of it, and programs of its model. Anybody may write any
    /// number of pages; each has right programs only, and a provider commits under one that has what it needs.
    /// @param programs In the order in which records name them; together they prove all layers.
    /// @param paths Of each program to the model's root.
    function enroll(bytes32 version, Program[] calldata programs, bytes32[][] calldata paths)
        external
        returns (address page);

    // ---------------------------------------------------------------- lines

    /// @notice Adds to the caller's bond for a version, out of its free balance in the escrow.
    function bond(bytes32 version, uint256 amount) external;
    /// @notice Takes what no open epoch exposes of the caller's line, to its free balance in the escrow.
    function withdraw(bytes32 version, uint256 amount) external;

    // ---------------------------------------------------------------- channels

    /// @notice Adds to the caller's channel, out of its free balance in the escrow. Not while it is being closed.
    function fund(address provider, bytes32 version, uint256 amount) external;
    /// @notice Starts to close the caller's channel: vouchers can be redeemed for `closeDelay` still, which is as long
    /// as an epoch that is committed within a day can last.
    function close(address provider, bytes32 version) external;
    /// @notice Takes what is left of a channel whose time is over, to the requester's free balance. Anybody may.
    function reclaim(address requester, address provider, bytes32 version) external;
    /// @notice Pays what vouchers add to what was paid, each to its provider's line. Anybody may send them.
    function redeem(Payment[] calldata payments) external;

    // ---------------------------------------------------------------- epochs

    /// @notice Commits to the next epoch of a line, and exposes bond for it.
    /// @param epoch Of which `terms` are those that the caller wants: number, answers and draws; the rest of the word
    /// is zero and is filled in.
    /// @param signature The provider's, of `commitDigest`.
    /// @return id Of the epoch as it was committed, which is in the event.
    function commit(Epoch calldata epoch, bytes calldata signature) external returns (bytes32 id);
    /// @notice Draws the answers, and fixes their activation commitments. Whoever is not the provider needs its
    /// signature.
    /// @param header Of the block that answers are drawn from.
    /// @param commitments keccak256 of the digests of the drawn answers' activation commitments, by rising index. What
    /// is under it is seen when it is opened: what cannot be opened is silence.
    /// @param signature The provider's, of `fixDigest`.
    function fixCommitments(Epoch calldata epoch, bytes calldata header, bytes32 commitments, bytes calldata signature)
        external;
    /// @notice Notes the RANDAO that layers are drawn from, for proofs that take longer than the chain knows the block.
    function drawLayers(Epoch calldata epoch, FixedDraws calldata fixed_, bytes calldata header) external;
    /// @notice Proves all draws of an epoch, and settles it if nothing is left to wait for.
    /// @param openings What was drawn, and what leads to the proof's public inputs.
    /// @param proof Final proof over the topmost node.
    /// @param payments To be redeemed afterwards, in the same transaction: if the proof settles the epoch, of this one
    /// too.
    function prove(Epoch calldata epoch, Openings calldata openings, bytes calldata proof, Payment[] calldata payments)
        external;
    /// @notice Settles an epoch that is proven, once it cannot be disputed any more and all before it are settled.
    function settle(Epoch calldata epoch) external;
    /// @notice Slashes a line for an epoch that was not fixed in time, or not proven in time. The caller is the
    /// reporter.
    /// @param fixed_ As in `EpochFixed`, if it was fixed; else anything.
    function expire(Epoch calldata epoch, FixedDraws calldata fixed_) external;
    /// @notice Ends an epoch whose verifier is frozen: its bond is exposed no more, and it is never settled.
    function voidEpoch(Epoch calldata epoch) external;

    // ---------------------------------------------------------------- the contract of disputes

    /// @notice One more open dispute: the epoch is not settled until it is closed. `EpochDisputes` only.
    function opened(bytes32 epoch) external;
    /// @notice One dispute less. `EpochDisputes` only.
    function closed(bytes32 epoch) external;
    /// @notice Slashes a line. `EpochDisputes` only.
    function slash(address provider, bytes32 version, address reporter) external;

    // ---------------------------------------------------------------- views

    function line(address provider, bytes32 version) external view returns (Line memory);
    function channel(address requester, address provider, bytes32 version) external view returns (Channel memory);
    function statusOf(bytes32 epoch) external view returns (EpochStatus);
    function openDisputes(bytes32 epoch) external view returns (uint256);
    /// @notice Version of a page; zero: it is none.
    function versionOf(address page) external view returns (bytes32);
    function pageOf(address page) external view returns (PageHead memory);
    /// @notice What an epoch of so many answers and draws exposes under a page.
    function exposureOf(address page, uint256 count, uint256 draws) external view returns (uint256);
    /// @notice EIP-712 digests of what is signed.
    function voucherDigest(Voucher calldata voucher) external view returns (bytes32);
    function commitDigest(Epoch calldata epoch) external view returns (bytes32);
    function fixDigest(bytes32 target, bytes32 commitments) external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
    function challengeWindow() external view returns (uint40);
    function answerWindow() external view returns (uint40);
    function proveWindow() external view returns (uint40);
    function closeDelay() external view returns (uint40);
}
