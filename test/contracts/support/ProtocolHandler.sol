// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../../contracts/ClaimBook.sol";
import { JobMarket } from "../../../contracts/JobMarket.sol";
import { LayerDispute } from "../../../contracts/LayerDispute.sol";
import { Claim } from "../../../contracts/interfaces/IClaimBook.sol";
import { Job, JobRequest } from "../../../contracts/interfaces/IJobMarket.sol";
import { Challenge } from "../../../contracts/interfaces/ILayerDispute.sol";
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
    uint256 internal constant MAX_JOBS = 14;

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
    uint256 public aggregates;

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

    function contracts() external view returns (BondEscrow, JobMarket, ClaimBook, AuditBeacon, LayerDispute) {
        return (escrow, market, book, beacon, dispute);
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
        assertLe(uint256(last), uint256(ChallengeStatus.Open), "a challenge ends once");
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
        request.price = uint128(bound(seed >> 24, 1, 1 ether));
        if ((seed >> 90) % 4 == 0) request.provider = provider;
        if ((seed >> 95) % 2 == 0) request.claimBy = request.lockBy;
        if ((seed >> 100) % 2 == 0 && request.lane == Lane.Proofs) request.challengeWindow = 0;
        bool funded = escrow.free(requester, registry.policy(v).asset) >= request.price;
        if (jobs.length == MAX_JOBS || !registry.usable(v) || !funded) return false;
        jobs.push(_open(request));
        return true;
    }

    function _start(uint256 seed) private returns (bool) {
        if (!_openJob(seed)) return false;
        bytes32 id = jobs[jobs.length - 1];
        if (_canLock(id)) _lock(id);
        // Some are taken and not claimed, so that there are no-shows.
        if (_canPost(id) && (seed >> 110) % 4 != 0) _post(_header(id));
        return true;
    }

    function lock(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canLock);
        if (id == 0) return _instead(seed);
        _lock(id);
    }

    function post(uint256 seed) external counted {
        bytes32 id = _pick(seed, _canPost);
        if (id == 0) return _instead(seed);
        _post(_header(id));
    }

    function cancel(uint256 seed) external counted {
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
        if (book.claim(id).proven != ALL) ++aggregates;
        _proveAll(id);
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
    }

    // ---------------------------------------------------------------- challenges

    /// One layer, or that and the next: some challenges are open when another one ends the claim.
    function challenge(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canChallenge);
        // The thief challenges, too, and so does the provider itself.
        address[3] memory all = [challenger, thief, provider];
        address by = all[(seed >> 200) % 3];
        if (id == 0 || escrow.free(by, market.job(id).asset) < 2 * BOND) return _skip();
        vm.startPrank(by);
        dispute.challenge(id, layer);
        if ((seed >> 210) % 2 == 0 && _canChallenge(id, layer + 1)) dispute.challenge(id, layer + 1);
        vm.stopPrank();
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
            dispute.revealOutput(id, SALT, _tokens());
        } else {
            dispute.answer(id, layer, _proof(id, layer));
        }
    }

    function timeout(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canTimeout);
        if (id == 0) return _instead(seed);
        vm.prank(thief);
        dispute.timeout(id, layer);
    }

    function resolve(uint256 seed) external counted {
        (bytes32 id, uint256 layer) = _pickChallenge(seed, _canResolve);
        if (id == 0) return _instead(seed);
        vm.prank(thief);
        dispute.resolve(id, layer);
    }

    // ---------------------------------------------------------------- the world

    function warp(uint256 seed) external counted {
        vm.warp(block.timestamp + bound(seed, 1, 80 minutes));
        vm.roll(block.number + bound(seed >> 128, 1, 20));
    }

    /// One family is never frozen.
    function freeze(uint256 seed) external counted {
        if (seed % 8 != 0 || frozenFamilies == FAMILIES - 1) return _skip();
        vm.prank(guardian);
        router.freeze(_familyKey(frozenFamilies, (seed >> 8) % LAYERS), "a flaw");
        ++frozenFamilies;
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
        bytes[16] memory calls = [
            abi.encodeCall(market.settle, (id, thief)),
            abi.encodeCall(market.slash, (id, thief)),
            abi.encodeCall(market.refund, (id)),
            abi.encodeCall(market.claimed, (id)),
            abi.encodeCall(book.markProven, (id, 0)),
            abi.encodeCall(book.end, (id, ClaimStatus.Proven)),
            abi.encodeCall(settlement.defeat, (id, thief)),
            abi.encodeCall(settlement.proveLayers, (id, 0, _one(new bytes(128)))),
            abi.encodeCall(book.markAllProven, (id, AGGREGATE_KEY)),
            abi.encodeCall(settlement.proveAll, (id, AGGREGATE_KEY, new bytes(128))),
            abi.encodeCall(dispute.demandOutput, (id)),
            abi.encodeCall(dispute.acceptOutput, (id)),
            abi.encodeCall(escrow.release, (hold)),
            abi.encodeCall(escrow.holdFree, (bytes32(seed), requester, ETH, 1)),
            abi.encodeCall(beacon.schedule, (id)),
            abi.encodeCall(router.freeze, (_familyKey(FAMILIES - 1, 0), ""))
        ];
        address[16] memory targets = [
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
        return j.status == JobStatus.Open && block.timestamp <= j.lockBy && stake && registry.usable(j.version);
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
        return s == ChallengeStatus.None ? block.timestamp > _challengeBy(id) : s != ChallengeStatus.Open;
    }

    function _canFinalize(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || dispute.openCount(id) != 0) return false;
        Claim memory c = book.claim(id);
        if (c.proven == ALL) return _outputIsClosed(id);
        Lane lane = market.job(id).lane;
        if (block.timestamp <= _challengeBy(id) || lane == Lane.Proofs) return false;
        (bool revealed,, uint256 drawn) = beacon.drawn(id);
        return lane == Lane.Optimistic || (revealed && drawn & ~c.proven == 0);
    }

    function _canExpireClaim(bytes32 id) private view returns (bool) {
        if (!_isLive(id) || dispute.openCount(id) != 0 || block.timestamp <= _provenBy(id)) return false;
        return settlement.missingLayers(id) != 0;
    }

    function _canChallenge(bytes32 id, uint256 layer) private view returns (bool) {
        if (!_isPosted(id) || layer == LAYERS || market.job(id).lane == Lane.Proofs) return false;
        bool proven = book.claim(id).proven >> layer & 1 == 1;
        bool none = dispute.challengeOf(id, layer).status == ChallengeStatus.None;
        return !proven && none && block.timestamp <= _challengeBy(id);
    }

    function _canAccept(bytes32 id, uint256) private view returns (bool) {
        return _isLive(id) && dispute.challengeOf(id, LAYERS).status == ChallengeStatus.None;
    }

    function _canDemand(bytes32 id, uint256) private view returns (bool) {
        return _canAccept(id, 0) && block.timestamp <= _challengeBy(id);
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
        return _isOverdue(id, layer) && _isLive(id);
    }

    function _canResolve(bytes32 id, uint256 layer) private view returns (bool) {
        return dispute.challengeOf(id, layer).status == ChallengeStatus.Open && !_isPosted(id);
    }
}
