// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { JobStatus, Mode } from "./Types.sol";

/// What a requester signs (EIP-712). The job's id is its EIP-712 digest.
struct JobRequest {
    /// Pays.
    address requester;
    /// May take the job; zero: anybody with the stake.
    address provider;
    /// Registered model version.
    bytes32 version;
    /// Salted digest of the prompt: the requester chose the salt, so it knows that the claim is about its prompt.
    bytes32 inputDigest;
    /// Tokens in the prompt, and tokens to generate.
    uint32 promptTokens;
    uint32 newTokens;
    /// How tokens are chosen. Zero, greedily: programs prove nothing else, and do not see this word, so that any other is
    /// refused. Part of the statement.
    bytes32 decoding;
    /// How the claim is settled.
    Mode mode;
    /// Price, in the asset of the version's policy; not zero.
    uint128 price;
    /// Until when the job may be taken, and until when it must be claimed (inclusive, seconds): at least 10 minutes later,
    /// at most 30 days ahead.
    uint64 lockBy;
    uint64 claimBy;
    /// How long layers may be challenged, and the output be demanded, after the claim was posted, in seconds: 60 to 7
    /// days. Zero in the mode of proofs only: the requester needs no time to demand the output, and proofs settle at once.
    /// In the audited mode at least the beacon's `maxDrawTime`.
    uint32 challengeWindow;
    /// How long a provider has to prove a challenged (or drawn, or every) layer, in seconds: 60 to 7 days.
    uint32 answerWindow;
    /// Each is used once per requester, in any order.
    uint256 nonce;
}

/// A job; the version's policy as it was is part of it. In the order in which storage is packed.
struct Job {
    JobStatus status;
    Mode mode;
    uint32 challengeWindow;
    uint32 answerWindow;
    uint128 price;
    uint128 stake;
    uint128 challengeBond;
    address requester;
    uint32 promptTokens;
    uint32 newTokens;
    /// Who may take it (zero: anybody), then who took it. May be the requester: a stake too small for that is refused.
    address provider;
    uint64 lockBy;
    address asset;
    uint64 claimBy;
    bytes32 version;
    bytes32 inputDigest;
    bytes32 decoding;
}

/// @title Jobs with escrowed payment
interface IJobMarket {
    event JobOpened(
        bytes32 indexed job,
        address indexed requester,
        bytes32 indexed version,
        address provider,
        Mode mode,
        address asset,
        uint256 price
    );
    event JobLocked(bytes32 indexed job, address indexed provider, uint256 stake);
    event JobClaimed(bytes32 indexed job);
    /// @notice The price is the recipient's (`IBondEscrow.Shared`), and the stake is released.
    event JobSettled(bytes32 indexed job);
    /// @param toChallengers What all challengers get, who share it at the claim book; zero: nobody challenged.
    event JobSlashed(bytes32 indexed job, uint256 toChallengers, uint256 toRequester, uint256 burned);
    event JobRefunded(bytes32 indexed job);
    event JobExpired(bytes32 indexed job, uint256 penalty);
    event NonceCancelled(address indexed requester, uint256 nonce);
    event LockCancelled(address indexed provider, bytes32 indexed job);

    error BadSignature(address signer);
    error NonceUsed(address requester, uint256 nonce);
    error UnknownJob(bytes32 job);
    error WrongJobStatus(bytes32 job, JobStatus expected, JobStatus got);
    error PriceZero();
    error PriceTooHigh(uint256 max, uint256 got);
    error VersionUnusable(bytes32 version);
    /// @notice `field` is out of its bounds.
    error BadDuration(string field, uint256 min, uint256 max, uint256 got);
    error BadTokens(uint256 promptTokens, uint256 newTokens, uint256 positions);
    error DigestNotReduced(bytes32 digest);
    /// @notice No program proves that tokens were chosen in this way.
    error DecodingNotGreedy(bytes32 decoding);
    error DeadlinePassed(uint64 deadline);
    error DeadlineNotPassed(uint64 deadline);
    error NotProvider(address expected, address got);
    error NotRequester(address expected, address got);
    error NotAuthorized(address caller);
    /// @notice The provider said that it does not take this job.
    error LockIsCancelled(address provider, bytes32 job);
    /// @notice The contracts were deployed without a beacon, for the chain has no `prevrandao`.
    error AuditsDisabled();

    /// @notice Opens a job and holds its price. Anybody may send the requester's signature; the requester needs none.
    /// @param request What the requester orders.
    /// @param signature Of `jobIdOf(request)`.
    /// @return job Its id.
    function open(JobRequest calldata request, bytes calldata signature) external returns (bytes32 job);
    /// @notice Takes a job and holds the stake. Anybody may send the provider's signature (EIP-712 `Lock`).
    /// @param job An open one.
    /// @param provider Whose stake is held.
    /// @param deadline Last second, chosen by the provider, in which this takes the job, whoever sends it. A signature
    /// that was given away, or a transaction that hangs, is worth nothing afterwards.
    /// @param signature Of `lockDigest`.
    function lock(bytes32 job, address provider, uint64 deadline, bytes calldata signature) external;
    /// @notice Makes the caller's signatures to take this job worth nothing, for ever; it cannot take the job itself
    /// either. The job need not be open yet. Once it was taken this changes nothing.
    function cancelLock(bytes32 job) external;
    /// @notice Takes an open job back. Requester only; anybody once `lockBy` has passed.
    function cancel(bytes32 job) external;
    /// @notice Ends a locked job that was not claimed in time: refund, and as much as the price of the stake to the
    /// requester. If the version became unusable meanwhile: at any time, and the provider keeps its stake.
    function expire(bytes32 job) external;
    /// @notice Makes one of the caller's nonces unusable.
    function cancelNonce(uint256 nonce) external;

    /// @notice Locked → Claimed. Claim book only.
    /// @return claimed_ The job as it is then.
    function claimed(bytes32 job) external returns (Job memory claimed_);
    /// @notice Claimed → Settled: the price to the recipient, the stake back. Claim book only.
    function settle(bytes32 job, address recipient) external;
    /// @notice Claimed → Slashed: the price back, the stake shared out. Claim book only.
    /// @param challenged Whether anybody challenged: then the claim book gets what is for all challengers.
    /// @return toChallengers How much that is.
    function slash(bytes32 job, bool challenged) external returns (uint256 toChallengers);
    /// @notice Claimed → Refunded: price and stake back. Claim book only.
    function refund(bytes32 job) external;

    /// @notice Reverts if there is no such job.
    function job(bytes32 id) external view returns (Job memory);
    function jobIdOf(JobRequest calldata request) external view returns (bytes32);
    function nonceUsed(address requester, uint256 nonce) external view returns (bool);
    function lockCancelled(address provider, bytes32 job) external view returns (bool);
    function lockDigest(bytes32 job, address provider, uint64 deadline) external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
}
