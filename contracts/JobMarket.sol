// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "./interfaces/IAuditBeacon.sol";
import { IBondEscrow, Share } from "./interfaces/IBondEscrow.sol";
import { IJobMarket, Job, JobRequest } from "./interfaces/IJobMarket.sol";
import { IModelRegistry, Policy } from "./interfaces/IModelRegistry.sol";
import { JobStatus, Mode } from "./interfaces/Types.sol";
import { Economics } from "./libraries/Economics.sol";
import { Signatures } from "./libraries/Signatures.sol";
import { Statement } from "./libraries/Statement.sol";
import { EIP712 } from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import { Hashes } from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import { ERC165 } from "@openzeppelin/contracts/utils/introspection/ERC165.sol";

/// @title Jobs with escrowed payment
/// @dev Calls untrusted code (signers) only by `staticcall`, so nothing can enter again.
contract JobMarket is IJobMarket, EIP712, ERC165 {
    bytes32 public constant JOB_REQUEST_TYPEHASH = keccak256(
        "JobRequest(address requester,address provider,bytes32 version,bytes32 inputDigest,uint32 promptTokens,"
        "uint32 newTokens,bytes32 decoding,uint8 mode,uint128 price,uint64 lockBy,uint64 claimBy,"
        "uint32 challengeWindow,uint32 answerWindow,uint256 nonce)"
    );
    bytes32 public constant LOCK_TYPEHASH = keccak256("Lock(bytes32 job,address provider,uint64 deadline)");

    uint256 public constant MAX_AHEAD = 30 days;
    /// @notice Least time from the last moment to take a job to the last moment to claim it: enough for a transaction
    /// that has to be sent again, so that nobody takes a job in another's name when it cannot be claimed any more.
    uint256 public constant MIN_CLAIM_TIME = 10 minutes;
    uint256 public constant MIN_WINDOW = 1 minutes;
    uint256 public constant MAX_WINDOW = 7 days;

    IBondEscrow public immutable escrow;
    IModelRegistry public immutable registry;
    address public immutable claimBook;
    /// @notice Draws the layers of audited claims. Zero where the chain has no `prevrandao` to draw from: then there are
    /// no audited jobs.
    IAuditBeacon public immutable beacon;

    mapping(bytes32 job => Job) private _jobs;

    /// @inheritdoc IJobMarket
    mapping(address requester => mapping(uint256 nonce => bool)) public nonceUsed;

    /// @inheritdoc IJobMarket
    mapping(address provider => mapping(bytes32 job => bool)) public lockCancelled;

    modifier onlyClaimBook() {
        if (msg.sender != claimBook) revert NotAuthorized(msg.sender);
        _;
    }

    constructor(IBondEscrow escrow_, IModelRegistry registry_, address claimBook_, IAuditBeacon beacon_)
        EIP712("nanozk JobMarket", "1")
    {
        escrow = escrow_;
        registry = registry_;
        claimBook = claimBook_;
        beacon = beacon_;
    }

    // ---------------------------------------------------------------- requester and provider

    /// @inheritdoc IJobMarket
    function open(JobRequest calldata request, bytes calldata signature) external returns (bytes32 id) {
        id = jobIdOf(request);
        if (!Signatures.consents(request.requester, id, signature)) revert BadSignature(request.requester);
        Policy memory policy = registry.policy(request.version);
        _check(request, policy.maxPrice);
        _useNonce(request.requester, request.nonce);

        Job memory opened;
        opened.status = JobStatus.Open;
        opened.mode = request.mode;
        opened.requester = request.requester;
        opened.provider = request.provider;
        opened.version = request.version;
        opened.inputDigest = request.inputDigest;
        opened.promptTokens = request.promptTokens;
        opened.newTokens = request.newTokens;
        opened.decoding = request.decoding;
        opened.lockBy = request.lockBy;
        opened.claimBy = request.claimBy;
        opened.challengeWindow = request.challengeWindow;
        opened.answerWindow = request.answerWindow;
        opened.asset = policy.asset;
        opened.price = request.price;
        opened.stake = policy.stake;
        opened.challengeBond = policy.challengeBond;
        _jobs[id] = opened;

        emit JobOpened(
            id, request.requester, request.version, request.provider, request.mode, policy.asset, request.price
        );
        escrow.holdFree(_priceHold(id), request.requester, policy.asset, request.price);
    }

    /// @inheritdoc IJobMarket
    function lock(bytes32 id, address provider, uint64 deadline, bytes calldata signature) external {
        Job storage taken = _at(id, JobStatus.Open);
        if (block.timestamp > taken.lockBy) revert DeadlinePassed(taken.lockBy);
        // The provider's own bound, which holds for its own transaction too: one that was delayed takes nothing.
        if (block.timestamp > deadline) revert DeadlinePassed(deadline);
        if (lockCancelled[provider][id]) revert LockIsCancelled(provider, id);
        if (taken.provider != address(0) && taken.provider != provider) revert NotProvider(taken.provider, provider);
        if (!Signatures.consents(provider, lockDigest(id, provider, deadline), signature)) {
            revert BadSignature(provider);
        }
        if (!registry.usable(taken.version)) revert VersionUnusable(taken.version);

        taken.status = JobStatus.Locked;
        taken.provider = provider;
        emit JobLocked(id, provider, taken.stake);
        escrow.holdBond(_stakeHold(id), provider, taken.asset, taken.stake);
    }

    /// @inheritdoc IJobMarket
    function cancel(bytes32 id) external {
        Job storage cancelled = _at(id, JobStatus.Open);
        if (msg.sender != cancelled.requester && block.timestamp <= cancelled.lockBy) {
            revert NotRequester(cancelled.requester, msg.sender);
        }
        cancelled.status = JobStatus.Refunded;
        emit JobRefunded(id);
        escrow.release(_priceHold(id));
    }

    /// @inheritdoc IJobMarket
    function expire(bytes32 id) external {
        Job storage expired = _at(id, JobStatus.Locked);
        // Nobody can claim under a version with a frozen verifier: the provider is let go, at once and unharmed.
        bool usable = registry.usable(expired.version);
        if (usable && block.timestamp <= expired.claimBy) revert DeadlineNotPassed(expired.claimBy);
        uint256 penalty = usable ? Economics.noShowPenalty(expired.price) : 0;

        expired.status = JobStatus.Expired;
        emit JobExpired(id, penalty);
        escrow.release(_priceHold(id));
        if (usable) {
            Share[] memory shares = new Share[](2);
            shares[0] = Share(expired.requester, penalty);
            shares[1] = Share(expired.provider, expired.stake - penalty);
            escrow.share(_stakeHold(id), shares);
        } else {
            escrow.release(_stakeHold(id));
        }
    }

    /// @inheritdoc IJobMarket
    function cancelLock(bytes32 id) external {
        if (lockCancelled[msg.sender][id]) return;
        lockCancelled[msg.sender][id] = true;
        emit LockCancelled(msg.sender, id);
    }

    /// @inheritdoc IJobMarket
    function cancelNonce(uint256 nonce) external {
        _useNonce(msg.sender, nonce);
        emit NonceCancelled(msg.sender, nonce);
    }

    // ---------------------------------------------------------------- the protocol's contracts

    /// @inheritdoc IJobMarket
    function claimed(bytes32 id) external onlyClaimBook returns (Job memory) {
        Job storage done = _at(id, JobStatus.Locked);
        if (block.timestamp > done.claimBy) revert DeadlinePassed(done.claimBy);
        done.status = JobStatus.Claimed;
        emit JobClaimed(id);
        return done;
    }

    /// @inheritdoc IJobMarket
    function settle(bytes32 id, address recipient) external onlyClaimBook {
        _end(id, JobStatus.Settled);
        emit JobSettled(id);
        escrow.payAndRelease(_priceHold(id), recipient, _stakeHold(id));
    }

    /// @inheritdoc IJobMarket
    function slash(bytes32 id, bool challenged) external onlyClaimBook returns (uint256 toChallengers) {
        Job storage slashed = _end(id, JobStatus.Slashed);
        uint256 toRequester = Economics.requesterShare(slashed.stake);
        toChallengers = challenged ? Economics.challengerShare(slashed.stake) : 0;
        emit JobSlashed(id, toChallengers, toRequester, slashed.stake - toChallengers - toRequester);

        escrow.release(_priceHold(id));
        // The rest is burned.
        Share[] memory shares = new Share[](2);
        shares[0] = Share(slashed.requester, toRequester);
        shares[1] = Share(claimBook, toChallengers);
        escrow.share(_stakeHold(id), shares);
    }

    /// @inheritdoc IJobMarket
    function refund(bytes32 id) external onlyClaimBook {
        _end(id, JobStatus.Refunded);
        emit JobRefunded(id);
        escrow.release(_priceHold(id));
        escrow.release(_stakeHold(id));
    }

    // ---------------------------------------------------------------- views

    /// @inheritdoc IJobMarket
    function job(bytes32 id) external view returns (Job memory) {
        if (_jobs[id].status == JobStatus.None) revert UnknownJob(id);
        return _jobs[id];
    }

    /// @inheritdoc IJobMarket
    function jobIdOf(JobRequest calldata request) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(JOB_REQUEST_TYPEHASH, request)));
    }

    /// @inheritdoc IJobMarket
    function lockDigest(bytes32 id, address provider, uint64 deadline) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(LOCK_TYPEHASH, id, provider, deadline)));
    }

    /// @inheritdoc IJobMarket
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    /// @inheritdoc ERC165
    function supportsInterface(bytes4 id) public view override returns (bool) {
        return id == type(IJobMarket).interfaceId || super.supportsInterface(id);
    }

    // ---------------------------------------------------------------- internal

    function _check(JobRequest calldata request, uint128 maxPrice) private view {
        if (!registry.usable(request.version)) revert VersionUnusable(request.version);
        if (request.price == 0) revert PriceZero();
        if (request.price > maxPrice) revert PriceTooHigh(maxPrice, request.price);
        if (!Statement.isReduced(request.inputDigest)) revert DigestNotReduced(request.inputDigest);
        if (request.decoding != Statement.GREEDY) revert DecodingNotGreedy(request.decoding);

        uint256 positions = registry.header(request.version).tokens;
        bool empty = request.promptTokens == 0 || request.newTokens == 0;
        if (empty || uint256(request.promptTokens) + request.newTokens > positions) {
            revert BadTokens(request.promptTokens, request.newTokens, positions);
        }

        uint256 earliest = block.timestamp + MIN_CLAIM_TIME;
        _checkBounds("claimBy", earliest, block.timestamp + MAX_AHEAD, request.claimBy);
        _checkBounds("lockBy", block.timestamp, request.claimBy - MIN_CLAIM_TIME, request.lockBy);
        _checkBounds("answerWindow", MIN_WINDOW, MAX_WINDOW, request.answerWindow);
        // Zero only where nothing but the output could be challenged: the requester waives that.
        if (request.mode != Mode.Proofs || request.challengeWindow != 0) {
            uint256 least = request.mode == Mode.Audited ? _drawTime() : MIN_WINDOW;
            _checkBounds("challengeWindow", least, MAX_WINDOW, request.challengeWindow);
        }
    }

    function _checkBounds(string memory field, uint256 min, uint256 max, uint256 got) private pure {
        if (got < min || got > max) revert BadDuration(field, min, max, got);
    }

    /// An audited claim's layers are drawn while it may be challenged, so that its provider has the whole answer window
    /// to prove them. If both windows ended before the draw, an honest provider would owe proofs of all layers.
    function _drawTime() private view returns (uint256) {
        if (address(beacon) == address(0)) revert AuditsDisabled();
        uint256 drawTime = beacon.maxDrawTime();
        return drawTime < MIN_WINDOW ? MIN_WINDOW : drawTime;
    }

    function _useNonce(address requester, uint256 nonce) private {
        if (nonceUsed[requester][nonce]) revert NonceUsed(requester, nonce);
        nonceUsed[requester][nonce] = true;
    }

    function _at(bytes32 id, JobStatus expected) private view returns (Job storage found) {
        found = _jobs[id];
        JobStatus status = found.status;
        if (status == JobStatus.None) revert UnknownJob(id);
        if (status != expected) revert WrongJobStatus(id, expected, status);
    }

    /// Every end of a claimed job.
    function _end(bytes32 id, JobStatus status) private returns (Job storage ended) {
        ended = _at(id, JobStatus.Claimed);
        ended.status = status;
    }

    function _priceHold(bytes32 id) private pure returns (bytes32) {
        return Hashes.efficientKeccak256("price", id);
    }

    function _stakeHold(bytes32 id) private pure returns (bytes32) {
        return Hashes.efficientKeccak256("stake", id);
    }
}
