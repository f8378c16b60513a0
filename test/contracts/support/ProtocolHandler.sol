// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../../contracts/ClaimBook.sol";
import { ClaimLens } from "../../../contracts/ClaimLens.sol";
import { JobMarket } from "../../../contracts/JobMarket.sol";
import { Share } from "../../../contracts/interfaces/IBondEscrow.sol";
import {
    Challenge,
    Claim,
    ClaimHeader,
    ClaimProof,
    ClaimState,
    IClaimBook
} from "../../../contracts/interfaces/IClaimBook.sol";
import { Job, JobRequest } from "../../../contracts/interfaces/IJobMarket.sol";
import {
    ChallengeStatus,
    ClaimStatus,
    JobStatus,
    Mode,
    OUTPUT,
    Tree,
    WHOLE
} from "../../../contracts/interfaces/Types.sol";
import { Base } from "../Base.t.sol";
import { Headers } from "./Headers.sol";
import { ScriptedVerifier } from "./ScriptedVerifier.sol";

/// @title What everybody does, in any order, over many jobs in two assets
/// @notice Each action picks something to which it applies, and does nothing if there is nothing: none may revert. The
/// handler keeps what was paid in and out, and which states it saw; all else follows from the contracts' states.
contract ProtocolHandler is Base {
    uint256 internal constant FAMILIES = 3;
    uint256 internal constant MAX_JOBS = 20;

    /// Targets of challenges: layers, the whole claim, the output.
    uint256 internal constant TARGETS = LAYERS + 2;

    bytes32[] public jobs;
    /// Zero: there is none yet.
    mapping(bytes32 job => bytes32) public claimOf;
    /// By family (each with a verifier of its own), for ETH and for the token.
    bytes32[2][FAMILIES] internal versions;
    address[FAMILIES] internal verifiers;
    uint256 public frozenFamilies;

    mapping(bytes32 job => JobStatus) public lastJob;
    mapping(bytes32 claim => ClaimStatus) public lastClaim;
    mapping(bytes32 claim => uint256) public lastProven;
    mapping(bytes32 claim => mapping(uint256 target => ChallengeStatus)) public lastChallenge;
    /// A job that expired with a penalty.
    mapping(bytes32 job => bool) public noShow;
    /// When a job was taken, and whether the provider had renounced it before.
    mapping(bytes32 job => uint256) public lockedAt;
    mapping(bytes32 job => bool) public renounced;

    /// Free balances and bonds, but for jobs and challenges.
    mapping(address account => mapping(address asset => uint256)) public baseFree;
    mapping(address account => mapping(address asset => uint256)) public baseBond;
    mapping(address asset => uint256) public paidIn;
    mapping(address asset => uint256) public paidOut;

    /// How often each end was reached.
    mapping(JobStatus => uint256) public jobEnds;
    mapping(ClaimStatus => uint256) public claimEnds;
    mapping(ChallengeStatus => uint256) public challengeEnds;
    uint256 public done;
    uint256 public skipped;
    uint256 public thefts;
    uint256 public renunciations;
    uint256 public disputes;
    /// Proofs of several claims, and of claims of which one was over.
    uint256 public batches;
    uint256 public passedOver;

    /// A claim that was posted when its verifier was frozen.
    mapping(bytes32 claim => bool) public frozenWhilePosted;
    /// Who challenged what, and whose bonds are paid out.
    mapping(bytes32 claim => mapping(uint256 target => address[])) internal _challengers;
    mapping(bytes32 claim => mapping(uint256 target => mapping(address account => bool))) public resolved;
    /// Challengers that shared a stake, how many of them took their part, and what they were paid.
    mapping(bytes32 claim => uint256) public sharers;
    mapping(bytes32 claim => uint256) public sharesTaken;
    mapping(bytes32 claim => uint256) public rewardPaid;
    mapping(bytes32 claim => mapping(address account => uint256)) public rewards;
    mapping(bytes32 claim => bool) public wrongOutput;

    function setUp() public override {
        super.setUp();
        for (uint256 f = 0; f < FAMILIES; ++f) {
            _addFamily(f);
        }
        address[5] memory all = accounts();
        for (uint256 i = 0; i < all.length; ++i) {
            for (uint256 a = 0; a < 2; ++a) {
                address asset = assetAt(a);
                baseFree[all[i]][asset] = escrow.free(all[i], asset);
                baseBond[all[i]][asset] = escrow.bonded(all[i], asset);
                paidIn[asset] += baseFree[all[i]][asset] + baseBond[all[i]][asset];
            }
        }
    }

    function accounts() public view returns (address[5] memory) {
        return [requester, provider, challenger, thief, recipient];
    }

    function assetAt(uint256 i) public view returns (address) {
        return i == 0 ? ETH : address(token);
    }

    function contracts() external view returns (BondEscrow, JobMarket, ClaimBook, AuditBeacon, ClaimLens) {
        return (escrow, market, book, beacon, lens);
    }

    function claimAt(bytes32 id) external view returns (Claim memory) {
        return _claim(id);
    }

    function challengersOf(bytes32 id, uint256 target) external view returns (address[] memory) {
        return _challengers[id][target];
    }

    function targetAt(uint256 i) public pure returns (uint256) {
        return i < LAYERS ? i : i == LAYERS ? WHOLE : OUTPUT;
    }

    function bondOf(uint256 target) public pure returns (uint256) {
        return target == WHOLE ? LAYERS * BOND : BOND;
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function _addFamily(uint256 family) private {
        verifiers[family] = address(new ScriptedVerifier(10 + family));
        for (uint256 a = 0; a < 2; ++a) {
            versions[family][a] =
                registry.register(_modelHeader("model"), _layers(), _policy(assetAt(a)), verifiers[family], "");
        }
    }

    // ---------------------------------------------------------------- bookkeeping

    modifier counted() {
        uint256 before = skipped;
        _;
        if (skipped == before) ++done;
        if ((done + skipped) % 4 == 0) observe();
    }

    /// States never go back, and an end is never left. Looks at all jobs, so not after each action.
    function observe() public {
        for (uint256 i = 0; i < jobs.length; ++i) {
            _observeJob(jobs[i], market.job(jobs[i]).status);
            bytes32 id = claimOf[jobs[i]];
            if (id == 0) continue;
            _observeClaim(id, book.status(id));
            for (uint256 t = 0; t < TARGETS; ++t) {
                _observeChallenge(id, targetAt(t), book.challengeOf(id, targetAt(t)).status);
            }
        }
    }

    function _observeJob(bytes32 id, JobStatus status) private {
        JobStatus last = lastJob[id];
        if (status == last) return;
        assertLt(uint256(last), uint256(JobStatus.Settled), "a job ends once");
        assertGt(uint256(status), uint256(last), "a job moves forward");
        lastJob[id] = status;
        ++jobEnds[status];
    }

    function _observeClaim(bytes32 id, ClaimStatus status) private {
        uint256 proven = _provenSet(id);
        assertEq(proven & lastProven[id], lastProven[id], "what is proven stays so");
        lastProven[id] = proven;
        ClaimStatus last = lastClaim[id];
        if (status == last) return;
        assertLe(uint256(last), uint256(ClaimStatus.Posted), "a claim ends once");
        lastClaim[id] = status;
        ++claimEnds[status];
    }

    function _observeChallenge(bytes32 id, uint256 layer, ChallengeStatus status) private {
        ChallengeStatus last = lastChallenge[id][layer];
        if (status == last) return;
        assertLt(uint256(last), uint256(ChallengeStatus.Answered), "a challenge ends once");
        assertGt(uint256(status), uint256(last), "a challenge moves forward");
        lastChallenge[id][layer] = status;
        ++challengeEnds[status];
    }

    /// Where an action applies to nothing, a new claim is made, so that more will apply.
    function _instead(uint256 seed) private {
        if (!_start(uint256(keccak256(abi.encode(seed))))) _skip();
    }

    function _skip() private {
        ++skipped;
    }

    /// The first job, or claim, from a place of the seed's choice to which `applies`.
    function _pickJob(uint256 seed, function(bytes32) view returns (bool) applies) private view returns (bytes32) {
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 job = jobs[addmod(seed, i, jobs.length)];
            if (applies(job)) return job;
        }
        return 0;
    }

    function _pick(uint256 seed, function(bytes32) view returns (bool) applies) private view returns (bytes32) {
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = claimOf[jobs[addmod(seed, i, jobs.length)]];
            if (id != 0 && applies(id)) return id;
        }
        return 0;
    }

    function _pickChallenge(uint256 seed, function(bytes32, uint256) view returns (bool) applies)
        private
        view
        returns (bytes32, uint256)
    {
        for (uint256 i = 0; i < jobs.length * TARGETS; ++i) {
            uint256 place = addmod(seed, i, jobs.length * TARGETS);
            bytes32 id = claimOf[jobs[place / TARGETS]];
            uint256 target = targetAt(place % TARGETS);
            if (id != 0 && applies(id, target)) return (id, target);
        }
        return (0, 0);
    }

    function _provenSet(bytes32 id) private view returns (uint256) {
        ClaimState memory state = book.stateOf(id);
        return state.allProven ? ALL : state.proven;
    }

    // ---------------------------------------------------------------- jobs

    function open(uint256 seed) external counted {
        if (!_openJob(seed)) _skip();
    }

    /// A job with a claim, so that there is something to act on.
    function start(uint256 seed) external counted {
        if (!_start(seed)) _skip();
    }

    function _openJob(uint256 seed) private returns (bool) {
        uint256 family = seed % FAMILIES;
        bytes32 v = versions[family][(seed >> 8) % 2];
        JobRequest memory request = _request(Mode((seed >> 16) % 3));
        request.version = v;
        request.price = uint128(bound(seed >> 24, 1, 0.5 ether));
        if ((seed >> 90) % 4 == 0) request.provider = provider;
        if ((seed >> 95) % 2 == 0) request.claimBy = request.lockBy + 10 minutes;
        if ((seed >> 100) % 2 == 0 && request.mode == Mode.Proofs) request.challengeWindow = 0;
        bool funded = escrow.free(requester, registry.policy(v).asset) >= request.price;
        if (jobs.length == MAX_JOBS || !registry.usable(v) || !funded) return false;
        jobs.push(_open(request));
        return true;
    }

    function _start(uint256 seed) private returns (bool) {
        if (!_openJob(seed)) return false;
        bytes32 id = jobs[jobs.length - 1];
        if (_canLock(id)) _take(id);
        // Some are taken and not claimed, so that there are no-shows.
        if (_canPost(id) && (seed >> 110) % 4 != 0) claimOf[id] = _post(_header(id));
        return true;
    }

    function lock(uint256 seed) external counted {
        bytes32 id = _pickJob(seed, _canLock);
        if (id == 0) return _instead(seed);
        _take(id);
    }

    function _take(bytes32 id) private {
        _lock(id);
        lockedAt[id] = block.timestamp;
    }

    /// The provider takes its signature back; somebody who has it tries to use it all the same.
    function _renounce(uint256 seed) private {
        bytes32 id = _pickJob(seed, _canLock);
        if (id == 0) return _instead(seed);
        vm.prank(provider);
        market.cancelLock(id);
        renounced[id] = true;
        ++renunciations;
        bytes memory signature = _sign(providerKey, market.lockDigest(id, provider, FAR));
        vm.prank(requester);
        (bool taken,) = address(market).call(abi.encodeCall(market.lock, (id, provider, FAR, signature)));
        assertFalse(taken, "renounced");
    }

    function post(uint256 seed) external counted {
        bytes32 id = _pickJob(seed, _canPost);
        if (id == 0) return _instead(seed);
        claimOf[id] = _post(_header(id));
    }

    function cancel(uint256 seed) external counted {
        if (seed % 6 == 1) return _renounce(seed);
        bytes32 id = _pickJob(seed, _isOpen);
        if (id == 0 || seed % 3 != 0) return _instead(seed);
        vm.prank(block.timestamp > market.job(id).lockBy ? thief : requester);
        market.cancel(id);
    }

    function expireJob(uint256 seed) external counted {
        bytes32 id = _pickJob(seed, _canExpireJob);
        if (id == 0) return _instead(seed);
        noShow[id] = registry.usable(market.job(id).version);
        vm.prank(thief);
        market.expire(id);
    }

    // ---------------------------------------------------------------- claims

    /// Some layers of a claim, or all of them; one in two with others under the same verifier, of which some may be over.
    function prove(uint256 seed) external counted {
        bytes32 first = _pick(seed, _canProve);
        uint256 set = (seed >> 32) % 2 == 0 ? ALL : 1 + (seed >> 8) % ALL;
        if (first == 0 || _coversOverdue(first, set)) return _instead(seed);
        ClaimProof[] memory proofs = new ClaimProof[](3);
        proofs[0] = _proofOf(first, set);
        uint256 count = 1;
        bool over = false;
        for (uint256 i = 0; i < jobs.length && count < 3 && (seed >> 40) % 2 == 0; ++i) {
            bytes32 id = claimOf[jobs[addmod(seed >> 48, i, jobs.length)]];
            if (id == 0 || id == first || _claim(id).verifier != _claim(first).verifier) continue;
            if (_isPosted(id) && (!_canProve(id) || _coversOverdue(id, set))) continue;
            if (!_isPosted(id)) over = true;
            proofs[count++] = _proofOf(id, set);
        }
        assembly ("memory-safe") {
            mstore(proofs, count)
        }
        if (count > 1) ++batches;
        if (over) ++passedOver;
        Tree memory tree = _treeOver(proofs);
        bytes memory proof = ScriptedVerifier(_claim(first).verifier).script(lens.publicInputsOf(proofs, tree));
        vm.prank(relayer);
        book.prove(proofs, tree, proof);
    }

    /// Whether a proof of these layers would answer a challenge whose time is over.
    function _coversOverdue(bytes32 id, uint256 set) private view returns (bool) {
        bool all = _provenSet(id) | set == ALL;
        for (uint256 t = 0; t <= LAYERS; ++t) {
            bool covered = all || (t < LAYERS && set >> t & 1 == 1);
            if (covered && _isOverdue(id, targetAt(t))) return true;
        }
        return false;
    }

    function revealDraw(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canDraw);
        if (id == 0) return _instead(seed);
        uint64 number = _terms(id).drawBlock;
        bytes memory header = Headers.encode(number, keccak256(abi.encode(seed)));
        if (block.number <= number) vm.roll(number + 1);
        if (block.number - number > 255) return _skip();
        vm.setBlockhash(number, keccak256(header));
        vm.prank(thief);
        book.revealDraw(_claim(id), header);
    }

    function finalize(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canFinalize);
        if (id == 0) return _instead(seed);
        _finalize(id);
    }

    function expireClaim(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canExpireClaim);
        if (id == 0) return _instead(seed);
        _expireClaim(id);
    }

    function voidClaim(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canVoid);
        if (id == 0) return _instead(seed);
        _void(id);
        // Whoever undoes a claim collects, most of the time.
        if ((seed >> 40) % 4 != 0) _resolveAll(id);
    }

    // ---------------------------------------------------------------- challenges

    /// One target, or that and the next: some challenges are open when another one ends the claim.
    function challenge(uint256 seed) external counted {
        (bytes32 id, uint256 target) = _pickChallenge(seed, _canChallenge);
        // The thief challenges, too, and so does the provider itself.
        address[3] memory all = [challenger, thief, provider];
        address by = all[(seed >> 200) % 3];
        if (id == 0 || !_challengeAs(id, target, by)) return _skip();
        if ((seed >> 210) % 2 == 0 && target < LAYERS) {
            uint256 next = targetAt(target + 1);
            if (_canChallenge(id, next)) _challengeAs(id, next, by);
        }
        _challengeAs(id, target, all[(seed >> 220) % 3]);
    }

    /// If the account can and did not yet.
    function _challengeAs(bytes32 id, uint256 target, address by) private returns (bool) {
        if (escrow.free(by, _claim(id).asset) < bondOf(target)) return false;
        address[] storage list = _challengers[id][target];
        for (uint256 i = 0; i < list.length; ++i) {
            if (list[i] == by) return false;
        }
        _challenge(id, target, by);
        list.push(by);
        return true;
    }

    function demand(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canDemand);
        if (id == 0) return _skip();
        _demand(id);
    }

    function acceptOutput(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canAccept);
        if (id == 0 || seed % 3 != 0) return _instead(seed);
        _accept(id);
    }

    function answer(uint256 seed) external counted {
        (bytes32 id, uint256 target) = _pickChallenge(seed, _canAnswer);
        if (id == 0) return _instead(seed);
        if (target == OUTPUT) return _answerDemand(id, seed);
        uint256 set = target == WHOLE ? ALL : 1 << target;
        if (_coversOverdue(id, set)) return _skip();
        ClaimProof[] memory proofs = _one(_proofOf(id, set));
        Tree memory tree = _treeOver(proofs);
        bytes memory proof = ScriptedVerifier(_claim(id).verifier).script(lens.publicInputsOf(proofs, tree));
        vm.prank(provider);
        book.prove(proofs, tree, proof);
    }

    /// Right or wrong tokens with the provider's signature, or right ones from anybody.
    function _answerDemand(bytes32 id, uint256 seed) private {
        bytes memory tokens = _pack(_tokens());
        if ((seed >> 8) % 3 == 0) {
            book.reveal(_claim(id), SALT, tokens, "");
            return;
        }
        wrongOutput[id] = (seed >> 8) % 3 == 1;
        _reveal(id, wrongOutput[id] ? SALT + 1 : SALT, tokens);
    }

    function disputeOutput(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canDispute);
        if (id == 0) return _instead(seed);
        bytes memory tokens = _pack(_tokens());
        if (wrongOutput[id]) sharers[id] = 1 + _openChallengers(id);
        vm.prank(requester);
        if (!wrongOutput[id]) vm.expectRevert(abi.encodeWithSelector(IClaimBook.OutputIsRight.selector, id));
        book.dispute(_claim(id), wrongOutput[id] ? SALT + 1 : SALT, tokens);
        ++disputes;
    }

    function timeout(uint256 seed) external counted {
        (bytes32 id, uint256 target) = _pickChallenge(seed, _canTimeout);
        if (id == 0) return _instead(seed);
        sharers[id] = _openChallengers(id);
        _timeout(id, target);
    }

    function resolve(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canResolve);
        if (id == 0) return _instead(seed);
        // One of them, or all.
        if ((seed >> 40) % 4 != 0) return _resolveAll(id);
        for (uint256 i = 0; i < TARGETS; ++i) {
            if (_resolveTarget(id, targetAt(addmod(seed, i, TARGETS)), true)) return;
        }
    }

    function _resolveAll(bytes32 id) private {
        for (uint256 t = 0; t < TARGETS; ++t) {
            _resolveTarget(id, targetAt(t), false);
        }
    }

    /// One, or all, who have something to get of a challenge.
    function _resolveTarget(bytes32 id, uint256 target, bool one) private returns (bool) {
        if (target == OUTPUT) {
            if (_outputChallenge(id).challengers == 0) return false;
            _resolveOne(id, OUTPUT, requester);
            return true;
        }
        address[] memory list = _challengers[id][target];
        bool any = false;
        for (uint256 i = 0; i < list.length && !(any && one); ++i) {
            if (resolved[id][target][list[i]]) continue;
            _resolveOne(id, target, list[i]);
            any = true;
        }
        return any;
    }

    function _resolveOne(bytes32 id, uint256 target, address who) private {
        address asset = _claim(id).asset;
        uint256 before = escrow.free(address(book), asset);
        _resolve(id, target, who);
        resolved[id][target][who] = true;
        uint256 reward = before - escrow.free(address(book), asset);
        if (sharers[id] == 0 || book.challengeOf(id, target).status != ChallengeStatus.TimedOut) {
            assertEq(reward, 0, "no reward without a defeat");
        } else {
            assertApproxEqAbs(reward, uint256(STAKE) * 4 / 10 / sharers[id], 1, "equal shares");
            rewards[id][who] += reward;
            rewardPaid[id] += reward;
            ++sharesTaken[id];
        }
    }

    function _openChallengers(bytes32 id) private view returns (uint256 n) {
        for (uint256 t = 0; t < TARGETS; ++t) {
            uint256 target = targetAt(t);
            if (book.challengeOf(id, target).status != ChallengeStatus.Open) continue;
            n += target == OUTPUT ? 1 : _challengers[id][target].length;
        }
    }

    // ---------------------------------------------------------------- the world

    function warp(uint256 seed) external counted {
        vm.warp(block.timestamp + bound(seed, 1, 80 minutes));
        vm.roll(block.number + bound(seed >> 128, 1, 20));
    }

    /// One family is never frozen.
    function freeze(uint256 seed) external counted {
        if (seed % 4 != 0 || frozenFamilies == FAMILIES - 1) return _instead(seed);
        address frozen = verifiers[frozenFamilies];
        _challengeFamily(frozen, (seed >> 16) % LAYERS);
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = claimOf[jobs[i]];
            if (id != 0 && _isPosted(id) && _claim(id).verifier == frozen) frozenWhilePosted[id] = true;
        }
        vm.prank(guardian);
        registry.freeze(frozen, "a flaw");
        ++frozenFamilies;
    }

    /// What is about to be frozen is challenged, where it can be.
    function _challengeFamily(address frozen, uint256 target) private {
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = claimOf[jobs[i]];
            if (id == 0 || !_isPosted(id) || _claim(id).verifier != frozen) continue;
            if (_canChallenge(id, target) && _challengeAs(id, target, challenger)) return;
        }
    }

    function moveMoney(uint256 seed, uint256 amount) external counted {
        address account = accounts()[seed % 5];
        address asset = assetAt((seed >> 8) % 2);
        uint256 what = (seed >> 16) % 4;
        amount = bound(amount, 0.1 ether, STAKE);
        vm.startPrank(account);
        if (what == 0) _deposit(account, asset, amount);
        else if (what == 1) _withdraw(account, asset, amount);
        else if (what == 2) _bond(account, asset, amount);
        else _unbond(account, asset, amount);
        vm.stopPrank();
    }

    function sweep(uint256 seed) external counted {
        address asset = assetAt(seed % 2);
        uint256 amount = escrow.burned(asset);
        if (amount == 0 || (seed >> 8) % 4 != 0) return _skip();
        escrow.sweepBurned(asset);
        paidOut[asset] += amount;
    }

    /// What nobody but the protocol's contracts, or the account's owner, may do.
    function steal(uint256 seed) external counted {
        bytes32 job = jobs.length == 0 ? bytes32(seed) : jobs[seed % jobs.length];
        bytes32 hold = keccak256(abi.encode(seed % 2 == 0 ? bytes32("price") : bytes32("stake"), job));
        _refusedBy(address(market), abi.encodeCall(market.settle, (job, thief)));
        _refusedBy(address(market), abi.encodeCall(market.slash, (job, true)));
        _refusedBy(address(market), abi.encodeCall(market.refund, (job)));
        _refusedBy(address(market), abi.encodeCall(market.claimed, (job)));
        _refusedBy(address(escrow), abi.encodeCall(escrow.release, (hold)));
        _refusedBy(address(escrow), abi.encodeCall(escrow.pay, (hold, thief)));
        _refusedBy(address(escrow), abi.encodeCall(escrow.payAndRelease, (hold, thief, hold)));
        _refusedBy(address(escrow), abi.encodeCall(escrow.share, (hold, new Share[](0))));
        _refusedBy(address(escrow), abi.encodeCall(escrow.holdFree, (bytes32(seed), requester, ETH, 1)));
        _refusedBy(address(escrow), abi.encodeCall(escrow.holdBond, (bytes32(seed), provider, ETH, 1)));
        _refusedBy(address(registry), abi.encodeCall(registry.freeze, (verifiers[FAMILIES - 1], "")));
        _stealClaim(job);
        ++thefts;
    }

    function _stealClaim(bytes32 job) private {
        ClaimHeader memory header = _header(job);
        header.recipient = thief;
        _refusedBy(address(book), abi.encodeCall(book.post, (header, "")));
        Claim memory c = _claim(claimOf[job]);
        bytes memory tokens = _pack(_tokens());
        _refusedBy(address(book), abi.encodeCall(book.demand, (c)));
        _refusedBy(address(book), abi.encodeCall(book.acceptOutput, (c)));
        _refusedBy(address(book), abi.encodeCall(book.reveal, (c, SALT + 1, tokens, "")));
        _refusedBy(address(book), abi.encodeCall(book.dispute, (c, SALT, tokens)));
        _refusedBy(address(book), abi.encodeCall(book.resolve, (c, OUTPUT, thief)));
        ClaimProof[] memory proofs = _one(_proofOf(claimOf[job], ALL));
        _refusedBy(address(book), abi.encodeCall(book.prove, (proofs, _tree(1), new bytes(1152))));
        c.recipient = thief;
        _refusedBy(address(book), abi.encodeCall(book.finalize, (c)));
    }

    function _refusedBy(address target, bytes memory call) private {
        vm.prank(thief);
        (bool ok,) = target.call(call);
        assertFalse(ok, "a theft");
    }

    function _deposit(address account, address asset, uint256 amount) private {
        if (asset == ETH) {
            vm.deal(account, account.balance + amount);
            escrow.deposit{ value: amount }(ETH, amount);
        } else {
            token.mint(account, amount);
            token.approve(address(escrow), amount);
            escrow.deposit(asset, amount);
        }
        unchecked {
            baseFree[account][asset] += amount;
        }
        paidIn[asset] += amount;
    }

    /// The books are kept modulo 2^256: what jobs and challenges earned can be withdrawn, too.
    function _withdraw(address account, address asset, uint256 amount) private {
        if (escrow.free(account, asset) < amount) return _skip();
        escrow.withdraw(asset, amount, account);
        unchecked {
            baseFree[account][asset] -= amount;
        }
        paidOut[asset] += amount;
    }

    function _bond(address account, address asset, uint256 amount) private {
        if (escrow.free(account, asset) < amount) return _skip();
        escrow.bond(asset, amount);
        unchecked {
            baseFree[account][asset] -= amount;
            baseBond[account][asset] += amount;
        }
    }

    /// Into the queue, or out of it once the delay is over.
    function _unbond(address account, address asset, uint256 amount) private {
        (uint256 queued, uint64 availableAt) = escrow.queued(account, asset);
        if (queued != 0 && block.timestamp >= availableAt) {
            escrow.unbond(asset);
            unchecked {
                baseFree[account][asset] += queued;
            }
        } else if (escrow.bonded(account, asset) >= amount) {
            escrow.requestUnbond(asset, amount);
            unchecked {
                baseBond[account][asset] -= amount;
            }
        } else {
            _skip();
        }
    }

    // ---------------------------------------------------------------- what applies

    function _isOpen(bytes32 id) private view returns (bool) {
        return market.job(id).status == JobStatus.Open;
    }

    function _canLock(bytes32 id) private view returns (bool) {
        Job memory j = market.job(id);
        bool stake = escrow.bonded(provider, j.asset) >= STAKE;
        bool isOpen = j.status == JobStatus.Open && block.timestamp <= j.lockBy && !renounced[id];
        return isOpen && stake && registry.usable(j.version);
    }

    function _canPost(bytes32 id) private view returns (bool) {
        Job memory j = market.job(id);
        return j.status == JobStatus.Locked && block.timestamp <= j.claimBy && registry.usable(j.version);
    }

    function _canExpireJob(bytes32 id) private view returns (bool) {
        Job memory j = market.job(id);
        return j.status == JobStatus.Locked && (block.timestamp > j.claimBy || !registry.usable(j.version));
    }

    function _isPosted(bytes32 id) private view returns (bool) {
        return book.status(id) == ClaimStatus.Posted;
    }

    /// Posted, under a verifier that can be used.
    function _isLive(bytes32 id) private view returns (bool) {
        return _isPosted(id) && registry.verifierUsable(_claim(id).verifier);
    }

    function _canVoid(bytes32 id) private view returns (bool) {
        return _isPosted(id) && !_isLive(id);
    }

    function _canProve(bytes32 id) private view returns (bool) {
        return _isLive(id) && block.timestamp <= _provenBy(id);
    }

    function _canDraw(bytes32 id) private view returns (bool) {
        return _isPosted(id) && _terms(id).drawBlock != 0 && !book.stateOf(id).revealed;
    }

    function _outputIsClosed(bytes32 id) private view returns (bool) {
        Challenge memory c = _outputChallenge(id);
        if (c.status == ChallengeStatus.None) return block.timestamp > _challengeBy(id);
        if (c.status == ChallengeStatus.Revealed) return block.timestamp > c.answerBy;
        return c.status != ChallengeStatus.Open;
    }

    function _canFinalize(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || !_outputIsClosed(id)) return false;
        ClaimState memory state = book.stateOf(id);
        if (state.allProven) return true;
        if (_openChallengers(id) != 0) return false;
        Mode mode = _terms(id).mode;
        if (block.timestamp <= _challengeBy(id) || mode == Mode.Proofs) return false;
        return mode == Mode.Optimistic || (state.revealed && state.drawn & ~state.proven == 0);
    }

    function _canExpireClaim(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || _openChallengers(id) != 0 || block.timestamp <= _provenBy(id)) return false;
        return book.missingLayers(_claim(id)) != 0;
    }

    function _canChallenge(bytes32 id, uint256 target) private view returns (bool) {
        if (target == OUTPUT || !_isPosted(id) || _terms(id).mode == Mode.Proofs) return false;
        Challenge memory c = book.challengeOf(id, target);
        bool proven = target == WHOLE ? _provenSet(id) == ALL : _provenSet(id) >> target & 1 == 1;
        bool joins = c.status == ChallengeStatus.Open && block.timestamp <= c.answerBy;
        return !proven && (joins || c.status == ChallengeStatus.None) && block.timestamp <= _challengeBy(id);
    }

    function _canAccept(bytes32 id) private view returns (bool) {
        return _isLive(id) && _outputChallenge(id).status < ChallengeStatus.Answered;
    }

    function _canDemand(bytes32 id) private view returns (bool) {
        bool none = _outputChallenge(id).status == ChallengeStatus.None;
        return _isLive(id) && none && block.timestamp <= _challengeBy(id);
    }

    function _canDispute(bytes32 id) private view returns (bool) {
        Challenge memory c = _outputChallenge(id);
        return _isLive(id) && c.status == ChallengeStatus.Revealed && block.timestamp <= c.answerBy;
    }

    function _isOverdue(bytes32 id, uint256 target) private view returns (bool) {
        Challenge memory c = book.challengeOf(id, target);
        return c.status == ChallengeStatus.Open && block.timestamp > c.answerBy;
    }

    function _canAnswer(bytes32 id, uint256 target) private view returns (bool) {
        Challenge memory c = book.challengeOf(id, target);
        return c.status == ChallengeStatus.Open && block.timestamp <= c.answerBy && _isLive(id);
    }

    function _canTimeout(bytes32 id, uint256 target) private view returns (bool) {
        return _isOverdue(id, target) && _isLive(id);
    }

    function _canResolve(bytes32 id) private view returns (bool) {
        if (book.status(id) <= ClaimStatus.Posted) return false;
        for (uint256 t = 0; t < TARGETS; ++t) {
            if (book.challengeOf(id, targetAt(t)).challengers != 0) return true;
        }
        return false;
    }
}
