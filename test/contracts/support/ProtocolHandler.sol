// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../../contracts/ClaimBook.sol";
import { JobMarket } from "../../../contracts/JobMarket.sol";
import { LayerDispute } from "../../../contracts/LayerDispute.sol";
import { Settlement } from "../../../contracts/Settlement.sol";
import { VerifierRouter } from "../../../contracts/VerifierRouter.sol";
import { Claim } from "../../../contracts/interfaces/IClaimBook.sol";
import { Job, JobRequest } from "../../../contracts/interfaces/IJobMarket.sol";
import { Challenge, ILayerDispute, OpenBond } from "../../../contracts/interfaces/ILayerDispute.sol";
import { Activations } from "../../../contracts/interfaces/ILayerVerifier.sol";
import { Layer } from "../../../contracts/interfaces/IModelRegistry.sol";
import { ChallengeStatus, ClaimStatus, JobStatus, Lane } from "../../../contracts/interfaces/Types.sol";
import { Base } from "../Base.t.sol";
import { Headers } from "./Headers.sol";
import { ScriptedVerifier } from "./ScriptedVerifier.sol";

/// @title What everybody does, in any order, over many jobs in two assets
/// @notice Each action picks something to which it applies, and does nothing if there is nothing: none may revert. The
/// handler keeps what was paid in and out, and which states it saw; all else follows from the contracts' states.
contract ProtocolHandler is Base {
    uint256 internal constant FAMILIES = 3;
    uint256 internal constant MAX_JOBS = 20;

    bytes32[] public jobs;
    /// By family (each with verifiers of its own), for ETH and for the token.
    bytes32[2][FAMILIES] internal versions;
    uint256 public frozenFamilies;

    mapping(bytes32 job => JobStatus) public lastJob;
    mapping(bytes32 job => ClaimStatus) public lastClaim;
    mapping(bytes32 job => uint256) public lastProven;
    mapping(bytes32 job => mapping(uint256 layer => ChallengeStatus)) public lastChallenge;
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
    uint256 public aggregates;
    uint256 public disputes;
    uint256 public aggregateFreezes;

    /// Keys of aggregates: the first `aggregateFreezes` are frozen, the next one is used.
    uint256 internal constant AGGREGATES = 4;
    /// A claim that was posted when the key that showed its layers was frozen.
    mapping(bytes32 job => mapping(bytes32 key => bool)) public frozenUnder;
    /// Challengers that shared a stake, what they were paid, and whose bonds are paid out.
    mapping(bytes32 job => uint256) public sharers;
    mapping(bytes32 job => uint256) public rewardPaid;
    mapping(bytes32 job => mapping(address account => uint256)) public rewards;
    mapping(bytes32 job => mapping(uint256 layer => mapping(address account => bool))) public resolved;
    mapping(bytes32 job => bool) public wrongOutput;

    function setUp() public override {
        super.setUp();
        for (uint256 f = 0; f < FAMILIES; ++f) {
            _addFamily(f);
        }
        for (uint256 i = 0; i < AGGREGATES; ++i) {
            _addAggregate(_aggregateKey(i), SETUP);
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

    function contracts() external view returns (BondEscrow, JobMarket, ClaimBook, AuditBeacon, LayerDispute) {
        return (escrow, market, book, beacon, dispute);
    }

    function views() external view returns (Settlement, VerifierRouter) {
        return (settlement, router);
    }

    function jobCount() external view returns (uint256) {
        return jobs.length;
    }

    function _addFamily(uint256 family) private {
        Layer[] memory layers = _layers("weights");
        for (uint256 l = 0; l < LAYERS; ++l) {
            uint256 count = l == 0 ? 4 : l == LAYERS - 1 ? 3 : 2;
            layers[l].verifyingKey = _familyKey(family, l);
            ScriptedVerifier verifier = new ScriptedVerifier(layers[l].verifyingKey, SETUP, count);
            verifier.become(uint256(layers[l].kind), Activations(12, 8, 16));
            vm.prank(curator);
            router.add(address(verifier));
        }
        for (uint256 a = 0; a < 2; ++a) {
            versions[family][a] = registry.register(_modelHeader(), layers, _policy(assetAt(a)), "");
            _bind(versions[family][a]);
        }
    }

    function _aggregateKey(uint256 i) private pure returns (bytes32) {
        return keccak256(abi.encode("aggregate", i));
    }

    function _familyKey(uint256 family, uint256 layer) private pure returns (bytes32) {
        return keccak256(abi.encode("family", family, layer));
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
            bytes32 id = jobs[i];
            _observeJob(id, market.job(id).status);
            ClaimStatus status = book.status(id);
            if (status == ClaimStatus.None) continue;
            _observeClaim(id, status);
            for (uint256 l = 0; l <= LAYERS; ++l) {
                _observeChallenge(id, l, dispute.challengeOf(id, l).status);
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
        uint256 proven = book.claim(id).proven;
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

    /// The first job from a place of the seed's choice to which `applies`.
    function _pick(uint256 seed, function(bytes32) view returns (bool) applies) private view returns (bytes32) {
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = jobs[addmod(seed, i, jobs.length)];
            if (applies(id)) return id;
        }
        return 0;
    }

    function _pickChallenge(uint256 seed, function(bytes32, uint256) view returns (bool) applies)
        private
        view
        returns (bytes32, uint256)
    {
        for (uint256 i = 0; i < jobs.length * (LAYERS + 1); ++i) {
            uint256 place = addmod(seed, i, jobs.length * (LAYERS + 1));
            bytes32 id = jobs[place / (LAYERS + 1)];
            if (book.status(id) == ClaimStatus.None) continue;
            if (applies(id, place % (LAYERS + 1))) return (id, place % (LAYERS + 1));
        }
        return (0, 0);
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
        JobRequest memory request = _request(Lane((seed >> 16) % 3));
        request.version = v;
        request.price = uint128(bound(seed >> 24, 1, 0.5 ether));
        if ((seed >> 90) % 4 == 0) request.provider = provider;
        if ((seed >> 95) % 2 == 0) request.claimBy = request.lockBy + 10 minutes;
        if ((seed >> 100) % 2 == 0 && request.lane == Lane.Proofs) request.challengeWindow = 0;
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
        if (_canPost(id) && (seed >> 110) % 4 != 0) _post(_header(id));
        return true;
    }

    function lock(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canLock);
        if (id == 0) return _instead(seed);
        _take(id);
    }

    function _take(bytes32 id) private {
        _lock(id);
        lockedAt[id] = block.timestamp;
    }

    /// The provider takes its signature back; somebody who has it tries to use it all the same.
    function _renounce(uint256 seed) private {
        bytes32 id = _pick(seed, _canLock);
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
        bytes32 id = _pick(seed, _canPost);
        if (id == 0) return _instead(seed);
        _post(_header(id));
    }

    function cancel(uint256 seed) external counted {
        if (seed % 6 == 1) return _renounce(seed);
        bytes32 id = _pick(seed, _isOpen);
        if (id == 0 || seed % 3 != 0) return _instead(seed);
        vm.prank(block.timestamp > market.job(id).lockBy ? thief : requester);
        market.cancel(id);
    }

    function expireJob(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canExpireJob);
        if (id == 0) return _instead(seed);
        noShow[id] = registry.usable(market.job(id).version);
        vm.prank(thief);
        market.expire(id);
    }

    // ---------------------------------------------------------------- claims

    /// Some layers, or all of them: by their proofs or by one aggregate.
    function prove(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canProve);
        if (id == 0) return _instead(seed);
        uint256 first = (seed >> 8) % LAYERS;
        uint256 count = 1 + (seed >> 16) % (LAYERS - first);
        if ((seed >> 32) % 2 == 0) (first, count) = (0, LAYERS);
        for (uint256 l = first; l < first + count; ++l) {
            if (_isOverdue(id, l)) return _skip();
        }
        if (count != LAYERS || (seed >> 40) % 2 == 0) return _prove(id, first, count);
        if (settlement.provenLayers(id) != ALL) ++aggregates;
        bytes memory proof = _aggregate(id);
        vm.prank(relayer);
        settlement.proveAll(id, _aggregateKey(aggregateFreezes), proof);
    }

    function revealDraw(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canDraw);
        if (id == 0) return _instead(seed);
        uint64 number = beacon.blockOf(id);
        bytes memory header = Headers.encode(number, keccak256(abi.encode(seed)));
        if (block.number <= number) vm.roll(number + 1);
        if (block.number - number > 255) return _skip();
        vm.setBlockhash(number, keccak256(header));
        vm.prank(thief);
        beacon.reveal(id, header);
    }

    function finalize(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canFinalize);
        if (id == 0) return _instead(seed);
        vm.prank(thief);
        settlement.finalize(id);
    }

    function expireClaim(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canExpireClaim);
        if (id == 0) return _instead(seed);
        vm.prank(thief);
        settlement.expire(id);
    }

    function voidClaim(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canVoid);
        if (id == 0) return _instead(seed);
        vm.prank(thief);
        settlement.voidClaim(id);
        // Whoever undoes a claim collects, most of the time.
        if ((seed >> 40) % 4 != 0) _resolveAll(id);
    }

    // ---------------------------------------------------------------- challenges

    /// One layer, or that and the next: some challenges are open when another one ends the claim.
    function challenge(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canChallenge);
        // The thief challenges, too, and so does the provider itself.
        address[3] memory all = [challenger, thief, provider];
        address by = all[(seed >> 200) % 3];
        if (id == 0 || escrow.free(by, market.job(id).asset) < 2 * BOND) return _skip();
        if (_challenges(id, layer, by)) return _skip();
        bool next = _canChallenge(id, layer + 1) && !_challenges(id, layer + 1, by);
        vm.startPrank(by);
        dispute.challenge(id, layer);
        if ((seed >> 210) % 2 == 0 && next) dispute.challenge(id, layer + 1);
        vm.stopPrank();
        address other = all[(seed >> 220) % 3];
        if (_challenges(id, layer, other) || escrow.free(other, market.job(id).asset) < BOND) return;
        vm.prank(other);
        dispute.challenge(id, layer);
    }

    function demandOutput(uint256 seed) external counted {
        (bytes32 id,) = _pickChallenge(seed, _canDemand);
        if (id == 0) return _skip();
        _demand(id);
    }

    function acceptOutput(uint256 seed) external counted {
        (bytes32 id,) = _pickChallenge(seed, _canAccept);
        if (id == 0 || seed % 3 != 0) return _instead(seed);
        vm.prank(requester);
        dispute.acceptOutput(id);
    }

    function answer(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canAnswer);
        if (id == 0) return _instead(seed);
        if (layer == LAYERS) {
            _answerDemand(id, seed);
        } else {
            dispute.answer(id, layer, _proof(id, layer));
        }
    }

    /// Right or wrong tokens with the provider's signature, or right ones from anybody.
    function _answerDemand(bytes32 id, uint256 seed) private {
        bytes memory tokens = _pack(_tokens());
        if ((seed >> 8) % 3 == 0) {
            dispute.revealOutput(id, SALT, tokens, "");
            return;
        }
        wrongOutput[id] = (seed >> 8) % 3 == 1;
        _reveal(id, wrongOutput[id] ? SALT + 1 : SALT, tokens);
    }

    function disputeOutput(uint256 seed) external counted {
        (bytes32 id,) = _pickChallenge(seed, _canDispute);
        if (id == 0) return _instead(seed);
        bytes memory tokens = _pack(_tokens());
        if (!wrongOutput[id]) vm.expectRevert(abi.encodeWithSelector(ILayerDispute.OutputIsRight.selector, id));
        else sharers[id] = 1 + _openChallengers(id);
        vm.prank(requester);
        dispute.disputeOutput(id, wrongOutput[id] ? SALT + 1 : SALT, tokens);
        ++disputes;
    }

    function timeout(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canTimeout);
        if (id == 0) return _instead(seed);
        sharers[id] = _openChallengers(id);
        vm.prank(thief);
        dispute.timeout(id, layer);
    }

    function resolve(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canResolve);
        if (id == 0) return _instead(seed);
        OpenBond[] memory bonds = dispute.openBonds(id);
        // All of them, or one.
        if ((seed >> 40) % 4 == 0) return _resolve(id, bonds[(seed >> 8) % bonds.length]);
        _resolveAll(id);
    }

    function _resolveAll(bytes32 id) private {
        OpenBond[] memory bonds = dispute.openBonds(id);
        for (uint256 i = 0; i < bonds.length; ++i) {
            _resolve(id, bonds[i]);
        }
    }

    function _resolve(bytes32 id, OpenBond memory bond) private {
        address asset = market.job(id).asset;
        uint256 before = escrow.free(address(dispute), asset);
        vm.prank(thief);
        dispute.resolve(id, bond.layer, bond.challenger);
        resolved[id][bond.layer][bond.challenger] = true;
        uint256 reward = before - escrow.free(address(dispute), asset);
        if (sharers[id] == 0 || dispute.challengeOf(id, bond.layer).status != ChallengeStatus.TimedOut) {
            assertEq(reward, 0, "no reward without a defeat");
        } else {
            assertApproxEqAbs(reward, uint256(STAKE) * 4 / 10 / sharers[id], 1, "equal shares");
            rewards[id][bond.challenger] += reward;
            rewardPaid[id] += reward;
        }
    }

    function _openChallengers(bytes32 id) private view returns (uint256 n) {
        for (uint256 l = 0; l <= LAYERS; ++l) {
            if (dispute.challengeOf(id, l).status == ChallengeStatus.Open) n += dispute.challengersOf(id, l).length;
        }
    }

    function _challenges(bytes32 id, uint256 layer, address by) private view returns (bool) {
        address[] memory all = dispute.challengersOf(id, layer);
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i] == by) return true;
        }
        return false;
    }

    // ---------------------------------------------------------------- the world

    function warp(uint256 seed) external counted {
        vm.warp(block.timestamp + bound(seed, 1, 80 minutes));
        vm.roll(block.number + bound(seed >> 128, 1, 20));
    }

    /// One family is never frozen.
    function freeze(uint256 seed) external counted {
        if (seed % 4 != 0 || frozenFamilies == FAMILIES - 1) return _instead(seed);
        _challengeFamily(frozenFamilies, (seed >> 16) % LAYERS);
        vm.prank(guardian);
        router.freeze(_familyKey(frozenFamilies, (seed >> 8) % LAYERS), "a flaw");
        ++frozenFamilies;
    }

    /// What is about to be frozen is challenged, where it can be.
    function _challengeFamily(uint256 family, uint256 layer) private {
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = jobs[i];
            if (!_isPosted(id)) continue;
            bytes32 v = book.claim(id).version;
            bool its = v == versions[family][0] || v == versions[family][1];
            bool can = _canChallenge(id, layer) && !_challenges(id, layer, challenger);
            if (its && can && escrow.free(challenger, market.job(id).asset) >= BOND) return _challenge(id, layer);
        }
    }

    /// The last one never.
    function freezeAggregate(uint256 seed) external counted {
        if (seed % 4 != 0 || aggregateFreezes == AGGREGATES - 1) return _instead(seed);
        bytes32 key = _aggregateKey(aggregateFreezes++);
        for (uint256 i = 0; i < jobs.length; ++i) {
            bytes32 id = jobs[i];
            if (!_isPosted(id) || book.claim(id).aggregateKey != key) continue;
            frozenUnder[id][key] = true;
        }
        vm.prank(guardian);
        router.freeze(key, "a flaw");
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
        bytes32 id = jobs.length == 0 ? bytes32(seed) : jobs[seed % jobs.length];
        bytes32 hold = keccak256(abi.encode(seed % 2 == 0 ? "price" : "stake", id));
        bytes[19] memory calls = [
            abi.encodeCall(market.settle, (id, thief)),
            abi.encodeCall(market.slash, (id, thief)),
            abi.encodeCall(market.refund, (id)),
            abi.encodeCall(market.claimed, (id)),
            abi.encodeCall(book.markProven, (id, 0)),
            abi.encodeCall(book.end, (id, ClaimStatus.Proven)),
            abi.encodeCall(settlement.defeat, (id)),
            abi.encodeCall(settlement.proveLayers, (id, 0, _one(new bytes(128)))),
            abi.encodeCall(book.markAllProven, (id, AGGREGATE_KEY)),
            abi.encodeCall(settlement.proveAll, (id, AGGREGATE_KEY, new bytes(128))),
            abi.encodeCall(dispute.demandOutput, (id)),
            abi.encodeCall(dispute.acceptOutput, (id)),
            abi.encodeCall(dispute.close, (id, 0, type(uint64).max)),
            abi.encodeCall(dispute.revealOutput, (id, SALT + 1, _pack(_tokens()), "")),
            abi.encodeCall(dispute.disputeOutput, (id, SALT, _pack(_tokens()))),
            abi.encodeCall(escrow.release, (hold)),
            abi.encodeCall(escrow.holdFree, (bytes32(seed), requester, ETH, 1)),
            abi.encodeCall(beacon.schedule, (id)),
            abi.encodeCall(router.freeze, (_familyKey(FAMILIES - 1, 0), ""))
        ];
        address[19] memory targets = [
            address(market),
            address(market),
            address(market),
            address(market),
            address(book),
            address(book),
            address(settlement),
            address(settlement),
            address(book),
            address(settlement),
            address(dispute),
            address(dispute),
            address(dispute),
            address(dispute),
            address(dispute),
            address(escrow),
            address(escrow),
            address(beacon),
            address(router)
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            vm.prank(thief);
            (bool ok,) = targets[i].call(calls[i]);
            assertFalse(ok, "a theft");
        }
        ++thefts;
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

    /// Posted, under a version that can be used.
    function _isLive(bytes32 id) private view returns (bool) {
        return _isPosted(id) && registry.usable(book.claim(id).version);
    }

    function _canVoid(bytes32 id) private view returns (bool) {
        return _isPosted(id) && !_isLive(id);
    }

    function _canProve(bytes32 id) private view returns (bool) {
        return _isLive(id) && block.timestamp <= _provenBy(id);
    }

    function _canDraw(bytes32 id) private view returns (bool) {
        (bool revealed,,) = beacon.drawn(id);
        return beacon.blockOf(id) != 0 && !revealed;
    }

    function _outputIsClosed(bytes32 id) private view returns (bool) {
        ChallengeStatus s = dispute.challengeOf(id, LAYERS).status;
        if (s == ChallengeStatus.None) return block.timestamp > _challengeBy(id);
        if (s == ChallengeStatus.Revealed) return block.timestamp > dispute.challengeOf(id, LAYERS).answerBy;
        return s != ChallengeStatus.Open;
    }

    function _canFinalize(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || !_outputIsClosed(id)) return false;
        uint256 proven = settlement.provenLayers(id);
        if (proven == ALL) return true;
        if (dispute.openCount(id) != 0) return false;
        Lane lane = market.job(id).lane;
        if (block.timestamp <= _challengeBy(id) || lane == Lane.Proofs) return false;
        (bool revealed,, uint256 drawn) = beacon.drawn(id);
        return lane == Lane.Optimistic || (revealed && drawn & ~proven == 0);
    }

    function _canExpireClaim(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || dispute.openCount(id) != 0 || block.timestamp <= _provenBy(id)) return false;
        return settlement.missingLayers(id) != 0;
    }

    function _canChallenge(bytes32 id, uint256 layer) private view returns (bool) {
        if (!_isPosted(id) || layer == LAYERS || market.job(id).lane == Lane.Proofs) return false;
        bool proven = settlement.provenLayers(id) >> layer & 1 == 1;
        Challenge memory c = dispute.challengeOf(id, layer);
        bool joins = c.status == ChallengeStatus.Open && block.timestamp <= c.answerBy;
        return !proven && (joins || c.status == ChallengeStatus.None) && block.timestamp <= _challengeBy(id);
    }

    function _canAccept(bytes32 id, uint256) private view returns (bool) {
        return _isLive(id) && dispute.challengeOf(id, LAYERS).status < ChallengeStatus.Answered;
    }

    function _canDemand(bytes32 id, uint256) private view returns (bool) {
        bool none = dispute.challengeOf(id, LAYERS).status == ChallengeStatus.None;
        return _isLive(id) && none && block.timestamp <= _challengeBy(id);
    }

    function _canDispute(bytes32 id, uint256) private view returns (bool) {
        Challenge memory c = dispute.challengeOf(id, LAYERS);
        return _isLive(id) && c.status == ChallengeStatus.Revealed && block.timestamp <= c.answerBy;
    }

    function _isOverdue(bytes32 id, uint256 layer) private view returns (bool) {
        Challenge memory c = dispute.challengeOf(id, layer);
        return c.status == ChallengeStatus.Open && block.timestamp > c.answerBy;
    }

    function _canAnswer(bytes32 id, uint256 layer) private view returns (bool) {
        Challenge memory c = dispute.challengeOf(id, layer);
        return c.status == ChallengeStatus.Open && block.timestamp <= c.answerBy && _isLive(id);
    }

    function _canTimeout(bytes32 id, uint256 layer) private view returns (bool) {
        return _isOverdue(id, layer) && _isLive(id) && settlement.provenLayers(id) >> layer & 1 == 0;
    }

    function _canResolve(bytes32 id) private view returns (bool) {
        ClaimStatus status = book.status(id);
        return status > ClaimStatus.Posted && dispute.openBonds(id).length != 0;
    }
}
