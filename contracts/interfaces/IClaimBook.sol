// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { ChallengeStatus, ClaimStatus, Leaf, Tree } from "./Types.sol";

/// What a provider signs (EIP-712) and posts before anything is proved.
struct ClaimHeader {
    /// A job that the provider has locked.
    bytes32 job;
    /// Salted digest of the generated tokens.
    bytes32 outputDigest;
    /// Gets the price, and the bonds of failed challenges. Part of the statement, so of every proof.
    address recipient;
    /// keccak256 of the session's seed: whoever is given the seed knows whether it is the session's.
    bytes32 seedDigest;
    /// Digest of the activation commitments (Poseidon, docs/recursion.md); below the order of the scalar field.
    bytes32 activations;
    /// The activation commitments' words, three a point, each below the order of the scalar field. Contracts keep what
    /// binds them: `Claim.activations`, `Claim.point` and `Claim.fingerprint`.
    uint256[] points;
}

/// A claim. It travels in calldata: the contract keeps its id, which is keccak256(abi.encode(claim)), and what happened to
/// it.
struct Claim {
    /// Which has the requester, the provider and the version.
    bytes32 job;
    address recipient;
    /// Verifies final proofs of this claim (`IFinalVerifier`).
    address verifier;
    /// Merkle root of the model's programs.
    bytes32 programs;
    /// Digest of the statement that every proof is about.
    bytes32 statement;
    bytes32 inputDigest;
    bytes32 outputDigest;
    /// What says the activation commitments' words: their digest, a number drawn from it and from the words, and the
    /// words' fingerprint there.
    bytes32 activations;
    uint256 point;
    uint256 fingerprint;
    bytes32 seedDigest;
    /// Asset of price, stake and bonds; zero is ETH.
    address asset;
    /// From the least significant bit: prompt tokens (32 bits), new tokens (32), layers (16), mode (8), challenge bond
    /// (128). `IClaimLens.termsOf` takes it apart.
    uint256 terms;
    /// From the least significant bit: when it was posted (64 bits), challenge window (32), answer window (32), block
    /// that layers are drawn from (64; zero: none are).
    uint256 times;
}

/// What happened to a claim.
struct ClaimState {
    ClaimStatus status;
    /// The challenge of the output.
    ChallengeStatus output;
    /// All layers are proven; then `proven` may lack some.
    bool allProven;
    /// The requester took its part of the stake, of a claim that its challenge of the output helped to defeat.
    bool outputResolved;
    /// Last second in which the output can be revealed; if it was revealed, in which it can be disputed.
    uint64 outputBy;
    /// Of a defeated claim: challengers that have not been paid, and what is left for them of the stake.
    uint32 challengers;
    uint128 reward;
    /// Bit `l`: layer `l` is proven.
    uint256 proven;
    /// Bit `l`: layer `l` was challenged; bit 255: the whole claim was.
    uint256 challenged;
    /// Bit `l`: layer `l` was drawn; meaningless before `revealed`.
    uint256 drawn;
    bool revealed;
}

/// A challenge of a layer, of the whole claim, or of the output.
struct Challenge {
    ChallengeStatus status;
    /// Last second in which it can be answered; of an output that was revealed, in which it can be disputed.
    uint64 answerBy;
    /// Challengers whose bond, or part of a stake, is still held. Of the output: the requester, if it has a part to take.
    uint64 challengers;
}

/// What a proof says of one claim: some of its layers are proven, by these leaves of the tree of nodes.
struct ClaimProof {
    Claim claim;
    Leaf[] leaves;
}

/// @title Claims: proofs, challenges, draws, ends
/// @notice A claim is posted before anything is proved. `prove` takes one final proof for any layers of any claims: that is
/// an answer to challenges, to an audit, and a settlement.
///
/// Proofs of all layers end a claim of any mode. They do not show that the requester got the tokens: until `challengeBy`
/// it may demand them. So proofs settle at once if the output is closed: the requester waived the demand (a challenge
/// window of zero) or accepted the output, or the output was revealed and cannot be disputed any more, or the time to
/// demand it is over; otherwise `finalize` settles as soon as it is.
///
/// A layer is asked for once, and any number of challengers may join, each with a bond. A layer that is proven is closed
/// for good. Silence loses. All whose challenge is open when a claim is defeated share the challengers' part of the stake
/// equally, whoever came first: else a provider would be first. Money moves once the claim is over (`resolve`).
///
/// Deadlines are inclusive. `challengeBy` is the challenge window after the claim was posted, until when layers may be
/// challenged (not in the mode of proofs) and the output be demanded; zero if the window is zero, that is never.
/// `provenBy` is the answer window after `challengeBy`, in the mode of proofs after the claim was posted; until then layers
/// may be proven.
///
/// Once the claim's verifier is frozen `voidClaim` is the only end: nobody loses by silence, nobody is paid.
///
/// A target is a layer, `WHOLE` (255: the whole claim) or `OUTPUT` (256).
interface IClaimBook {
    /// @notice Everything that later calls need, and the activation commitments for watchers.
    event ClaimPosted(
        bytes32 indexed claim, bytes32 indexed job, address indexed provider, Claim posted, uint256[] points
    );
    /// @notice Some layers were proven, and the claim is not settled by that; if it is, `ClaimEnded` says so.
    /// @param layers Bit `l`: layer `l` is proven by this proof, whether it was before or not.
    event LayersProven(bytes32 indexed claim, uint256 layers);
    event ClaimEnded(bytes32 indexed claim, ClaimStatus status);
    /// @param drawn Bit `l`: layer `l` was drawn.
    event DrawRevealed(bytes32 indexed claim, bytes32 seed, uint256 drawn);
    /// @param seed The session's seed, if the challenger was given it; zero if not. With it anybody computes the
    /// activation commitments again.
    event Challenged(
        bytes32 indexed claim,
        uint256 indexed target,
        address indexed challenger,
        uint64 answerBy,
        uint256 bond,
        bytes32 seed
    );
    /// @notice The challenge of the output moved. Challenges of layers end with `LayersProven` or `ClaimEnded`.
    event OutputChallengeMoved(bytes32 indexed claim, ChallengeStatus status);
    /// @notice The generated tokens, three bytes each, published because the requester said it did not get them.
    event OutputRevealed(bytes32 indexed claim, uint256 salt, bytes tokens);
    /// @notice A challenger's bond went to `winner`, and the challenger got its part of the stake.
    event ChallengeResolved(
        bytes32 indexed claim, uint256 indexed target, address indexed challenger, address winner, uint256 reward
    );

    error BadSignature(address signer);
    error DigestNotReduced(bytes32 digest);
    error ZeroRecipient();
    /// @notice A point has three words, and there is at least one point.
    error BadPoints(uint256 words);
    error VersionUnusable(bytes32 version);
    /// @notice The claim's verifier was frozen, or its code is another: `voidClaim`.
    error VerifierUnusable(address verifier);
    /// @notice No claim has this id: some field is not as it was posted.
    error UnknownClaim(bytes32 claim);
    error ClaimIsOver(bytes32 claim, ClaimStatus status);
    error NotInThisMode(bytes32 claim);
    error NotYet(uint64 from);

    /// @notice No claims, or no leaves of one.
    error NothingToProve();
    /// @notice All claims of a proof have the same verifier.
    error VerifierMismatch(address expected, address got);
    /// @notice Layers could be proven until then.
    error ProvingIsOver(bytes32 claim, uint64 provenBy);

    /// @notice There is no such layer, and it is not `WHOLE`.
    error NoSuchTarget(uint256 target, uint256 layers);
    error SeedMismatch(bytes32 expected, bytes32 got);
    error LayerIsProven(bytes32 claim, uint256 target);
    /// @notice The output was challenged, or accepted, before.
    error AlreadyChallenged(bytes32 claim, uint256 target);
    error NotChallenged(bytes32 claim, uint256 target);
    error ChallengeWindowOver(uint64 challengeBy);
    error AnswerWindowOver(bytes32 claim, uint256 target, uint64 answerBy);
    error AnswerWindowOpen(uint64 answerBy);
    /// @notice The claim is not over: the challenge goes on.
    error Undecided(bytes32 claim, uint256 target);

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

    /// @notice No layers of this claim are drawn.
    error NotAudited(bytes32 claim);
    error AlreadyRevealed(bytes32 claim);
    error NotRevealed(bytes32 claim);
    error ChallengesOpen(bytes32 claim, uint256 count);
    error DrawnLayersMissing(bytes32 claim, uint256 missing);
    /// @notice No layer that had to be proven is missing.
    error NothingMissing(bytes32 claim);
    /// @notice The claim's verifier can be used: there is no reason to void it.
    error StillUsable(bytes32 claim);

    /// @notice Posts a claim for a locked job. Anybody may send the provider's signature; the provider needs none.
    /// @param header What the provider claims.
    /// @param signature Of `headerDigest(header)`.
    /// @return claim Its id; the event has the claim.
    function post(ClaimHeader calldata header, bytes calldata signature) external returns (bytes32 claim);

    /// @notice Proves layers, until each claim's `provenBy`. Closes the challenges of these layers; one whose time is over
    /// cannot be answered any more, and no layer of its claim be proven by a proof that covers it. A claim whose layers are
    /// all proven, and whose output is closed, is settled in the same transaction: status Proven.
    /// Claims that are over are passed over, so that one that somebody ended makes no proof of many worthless; if all are,
    /// this reverts. A claim may be named more than once.
    /// @param proofs The claims, and the leaves of each.
    /// @param tree How nodes lie over these leaves, in their order.
    /// @param proof Final proof over the topmost node.
    function prove(ClaimProof[] calldata proofs, Tree calldata tree, bytes calldata proof) external;
    /// @notice Ends a claim with no open challenge: if all layers are proven once the output is closed, status Proven;
    /// an optimistic or audited one otherwise after `challengeBy`, with its drawn layers proven, status Finalized.
    function finalize(Claim calldata claim) external;
    /// @notice Defeats a claim whose layers that had to be proven (all, or those drawn) were not until `provenBy`. A draw
    /// that nobody revealed draws all layers. Open challenges come first.
    function expireClaim(Claim calldata claim) external;
    /// @notice Voids a claim whose verifier was frozen: everybody gets back what they put in.
    function voidClaim(Claim calldata claim) external;
    /// @notice Draws the layers of an audited claim, by audit weight, from the RANDAO of its block.
    /// @param header RLP of the block's header.
    function revealDraw(Claim calldata claim, bytes calldata header) external;

    /// @notice Challenges a layer, or the whole claim, with a bond out of the caller's free balance, or joins those who
    /// did, until the same deadline. Not in the mode of proofs, where every layer must be proven anyhow. If the target is
    /// proven the bond goes to the claim's recipient.
    /// @param target A layer, or `WHOLE`, which a proof of all layers answers and whose bond is that of all layers.
    /// @param seed The session's seed, or zero.
    function challenge(Claim calldata claim, uint256 target, bytes32 seed) external;
    /// @notice Opens a challenge of withheld output, in any mode until `challengeBy`. Requester only, once, without a bond:
    /// either side pays for its own transaction. The answer is public.
    function demand(Claim calldata claim) external;
    /// @notice Answers it: publishes salt and tokens. From the provider, or with its signature (`revealDigest`), they are
    /// believed unless the requester disputes them within a challenge window; the claim waits for that. From anybody else
    /// their digest is computed at once, 13 M gas for 4,096 positions, and must be the claimed one.
    /// @param tokens Three bytes each, the most significant first.
    function reveal(Claim calldata claim, uint256 salt, bytes calldata tokens, bytes calldata signature) external;
    /// @notice Computes the digest of what was published, at the caller's expense. If it is not the claimed one the claim
    /// is defeated, as by silence; else this reverts, and nothing changes. Requester only.
    function dispute(Claim calldata claim, uint256 salt, bytes calldata tokens) external;
    /// @notice Says that the output arrived: it cannot be demanded, nor disputed, any more, so that proofs settle at once.
    /// Requester only.
    function acceptOutput(Claim calldata claim) external;
    /// @notice Defeats the claim by a challenge whose time is over.
    function timeout(Claim calldata claim, uint256 target) external;
    /// @notice Pays out one challenger's bond once the claim is over: to the claim's recipient if the target was proven
    /// and the claim was not voided, else back; with its part of the stake if the claim was defeated while the challenge
    /// was open. Anybody may send it.
    function resolve(Claim calldata claim, uint256 target, address challenger) external;

    function idOf(Claim calldata claim) external pure returns (bytes32);
    /// @notice `None` if there is no such claim.
    function status(bytes32 claim) external view returns (ClaimStatus);
    /// @notice All zero if there is no such claim.
    function stateOf(bytes32 claim) external view returns (ClaimState memory);
    function challengeOf(bytes32 claim, uint256 target) external view returns (Challenge memory);
    /// @notice Layers, as a set, that must be proven by `provenBy` whatever is challenged, and are not yet.
    function missingLayers(Claim calldata claim) external view returns (uint256);
    function headerDigest(ClaimHeader calldata header) external view returns (bytes32);
    /// @notice What a provider signs so that anybody can answer a demand with its tokens: a job has one claim, so this can be
    /// signed before the claim is posted.
    /// @param output keccak256(salt ‖ tokens), tokens of three bytes each.
    function revealDigest(bytes32 job, bytes32 output) external view returns (bytes32);
    function domainSeparator() external view returns (bytes32);
}
