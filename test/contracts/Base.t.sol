// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../contracts/ClaimBook.sol";
import { ClaimLens } from "../../contracts/ClaimLens.sol";
import { EpochBook } from "../../contracts/EpochBook.sol";
import { EpochDisputes } from "../../contracts/EpochDisputes.sol";
import { EpochLens } from "../../contracts/EpochLens.sol";
import { JobMarket } from "../../contracts/JobMarket.sol";
import { ModelRegistry } from "../../contracts/ModelRegistry.sol";
import { StatementVerifier } from "../../contracts/StatementVerifier.sol";
import { TokenDigests } from "../../contracts/TokenDigests.sol";
import { Challenge, Claim, ClaimHeader, ClaimProof, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Terms } from "../../contracts/interfaces/IClaimLens.sol";
import { JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import {
    ChallengeStatus,
    ClaimStatus,
    JobStatus,
    Leaf,
    Mode,
    OUTPUT,
    Program,
    Tree,
    WHOLE
} from "../../contracts/interfaces/Types.sol";
import { FoldKeys } from "../../contracts/libraries/FoldKeys.sol";
import { Headers } from "./support/Headers.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";
import { TestToken } from "./support/TestToken.sol";
import { Test, Vm } from "forge-std/Test.sol";

/// @title All contracts, wired as in production, with a model of four layers offered for ETH and for a token
/// @notice Claims are named by their ids, as in the contracts; `_claim` has the claim that calls need.
abstract contract Base is Test {
    address internal constant ETH = address(0);
    uint256 internal constant LAYERS = 4;
    uint256 internal constant ALL = (1 << LAYERS) - 1;
    uint32 internal constant WINDOW = 1 hours;
    uint32 internal constant ANSWER = 2 hours;
    uint128 internal constant PRICE = 0.3 ether;
    uint128 internal constant STAKE = 40 ether;
    uint128 internal constant BOND = 0.1 ether;
    uint64 internal constant UNBOND_DELAY = 1 days;
    uint64 internal constant BEACON_DELAY = 32;
    uint40 internal constant EPOCH_CHALLENGE = 2 hours;
    uint40 internal constant EPOCH_ANSWER = 3 hours;
    /// Of signatures that are good for as long as the job can be taken.
    uint64 internal constant FAR = type(uint64).max;
    bytes32 internal constant SETUP = FoldKeys.SETUP;
    uint256 internal constant SALT = 0x5a17;
    bytes32 internal constant INPUT_DIGEST = bytes32(uint256(0x1234));
    bytes32 internal constant SEED = keccak256("a session's seed");
    /// Activation commitments of a session.
    uint256 internal constant POINTS = 12;

    ScriptedVerifier internal verifier;
    BondEscrow internal escrow;
    ModelRegistry internal registry;
    TokenDigests internal digests;
    JobMarket internal market;
    ClaimBook internal book;
    AuditBeacon internal beacon;
    ClaimLens internal lens;
    StatementVerifier internal statements;
    EpochBook internal epochs;
    EpochDisputes internal epochDisputes;
    EpochLens internal epochLens;
    TestToken internal token;

    address internal guardian = makeAddr("guardian");
    address internal relayer = makeAddr("relayer");
    address internal recipient = makeAddr("recipient");
    address internal challenger = makeAddr("challenger");
    address internal thief = makeAddr("thief");
    address internal requester;
    address internal provider;
    uint256 internal requesterKey;
    uint256 internal providerKey;

    /// Of the same model, for ETH and for the token.
    bytes32 internal version;
    bytes32 internal tokenVersion;
    uint256 internal nonce;
    mapping(bytes32 id => Claim) private _claims;

    function setUp() public virtual {
        vm.roll(1000);
        (requester, requesterKey) = makeAddrAndKey("requester");
        (provider, providerKey) = makeAddrAndKey("provider");
        token = new TestToken();
        _deploy();
        version = _register("model", ETH);
        tokenVersion = _register("model", address(token));
        _fund(requester, 100 ether, 0);
        _fund(provider, 0, 30 * STAKE);
        _fund(challenger, 10 ether, 0);
        _fund(thief, 10 ether, STAKE);
    }

    // ---------------------------------------------------------------- deployment

    /// By artifact: a test contract with all creation codes in it would be too large.
    function _deploy() private {
        verifier = new ScriptedVerifier(0);
        uint256 next = vm.getNonce(address(this));
        address market_ = vm.computeCreateAddress(address(this), next + 4);
        address book_ = vm.computeCreateAddress(address(this), next + 5);

        address[] memory operators = new address[](4);
        (operators[0], operators[1]) = (market_, book_);
        operators[2] = vm.computeCreateAddress(address(this), next + 8);
        operators[3] = vm.computeCreateAddress(address(this), next + 9);
        address[] memory assets = new address[](2);
        (assets[0], assets[1]) = (ETH, address(token));
        escrow = BondEscrow(deployCode("BondEscrow.sol", abi.encode(operators, assets, UNBOND_DELAY)));
        registry = ModelRegistry(deployCode("ModelRegistry.sol", abi.encode(escrow, guardian)));
        digests = TokenDigests(deployCode("TokenDigests.sol"));
        beacon = AuditBeacon(deployCode("AuditBeacon.sol", abi.encode(BEACON_DELAY)));
        market = JobMarket(deployCode("JobMarket.sol", abi.encode(escrow, registry, book_, beacon)));
        book = ClaimBook(deployCode("ClaimBook.sol", abi.encode(escrow, market, registry, beacon, digests)));
        lens = ClaimLens(deployCode("ClaimLens.sol", abi.encode(market, book, registry)));
        statements = StatementVerifier(deployCode("StatementVerifier.sol", abi.encode(registry)));
        epochs = EpochBook(
            deployCode(
                "EpochBook.sol", abi.encode(escrow, registry, beacon, operators[3], EPOCH_CHALLENGE, EPOCH_ANSWER)
            )
        );
        assertEq(address(market), market_);
        assertEq(address(book), book_);
        epochDisputes = EpochDisputes(deployCode("EpochDisputes.sol", abi.encode(escrow, registry, epochs)));
        epochLens = EpochLens(deployCode("EpochLens.sol", abi.encode(epochs, epochDisputes, registry)));
        assertEq(address(epochs), operators[2]);
        assertEq(address(epochDisputes), operators[3]);
    }

    function _layer(uint32 weight) internal pure returns (Layer memory) {
        return Layer({ auditWeight: weight, answerCost: BOND / 2 });
    }

    function _layers() internal pure returns (Layer[] memory layers) {
        layers = new Layer[](LAYERS);
        layers[0] = _layer(100_000);
        layers[1] = _layer(400_000);
        layers[2] = _layer(437_500);
        layers[3] = _layer(62_500);
    }

    function _modelHeader(string memory seed) internal pure returns (ModelHeader memory) {
        return ModelHeader({
            dimensions: keccak256("dimensions"),
            tokenizer: keccak256("tokenizer"),
            weights: _scalar(abi.encode("weights", seed)),
            programs: _programsRoot(),
            setup: SETUP,
            fractions: keccak256("fractions"),
            tokens: 8,
            layers: uint16(LAYERS),
            k: 18
        });
    }

    function _policy(address asset) internal pure returns (Policy memory) {
        return Policy(asset, 0.5 ether, 0.5 ether, STAKE, BOND, 1);
    }

    function _register(string memory seed, address asset) internal returns (bytes32) {
        return registry.register(_modelHeader(seed), _layers(), _policy(asset), address(verifier), "ipfs://model");
    }

    /// Free balance and bond, in both assets.
    function _fund(address account, uint256 free, uint256 bond) internal {
        uint256 sum = free + bond;
        vm.deal(account, sum);
        token.mint(account, sum);
        vm.startPrank(account);
        token.approve(address(escrow), sum);
        escrow.deposit{ value: sum }(ETH, sum);
        escrow.deposit(address(token), sum);
        if (bond != 0) escrow.bond(ETH, bond);
        if (bond != 0) escrow.bond(address(token), bond);
        vm.stopPrank();
    }

    // ---------------------------------------------------------------- programs

    /// A number below the order of the scalar field.
    function _scalar(bytes memory seed) internal pure returns (bytes32) {
        return keccak256(seed) >> 3;
    }

    /// The model's programs: of all layers, and of each one.
    function _program(uint256 first, uint256 count) internal pure returns (Program memory) {
        bytes32 key = _scalar(abi.encode("key", first, count));
        return Program(uint16(first), uint16(count), key, _scalar(abi.encode("weights", first, count)));
    }

    function _programLeaf(Program memory p) internal pure returns (bytes32) {
        return keccak256(abi.encode(bytes32("nanozk program 1"), p.first, p.count, p.key, p.weights));
    }

    function _parent(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    /// Of the programs of layers `first` and `first + 1`.
    function _pair(uint256 first) private pure returns (bytes32) {
        return _parent(_programLeaf(_program(first, 1)), _programLeaf(_program(first + 1, 1)));
    }

    /// That of all layers is right below the root.
    function _programsRoot() internal pure returns (bytes32) {
        return _parent(_programLeaf(_program(0, LAYERS)), _parent(_pair(0), _pair(2)));
    }

    function _path(uint256 first, uint256 count) internal pure returns (bytes32[] memory path) {
        if (count == LAYERS) {
            path = new bytes32[](1);
            path[0] = _parent(_pair(0), _pair(2));
            return path;
        }
        path = new bytes32[](3);
        path[0] = _programLeaf(_program(first ^ 1, 1));
        path[1] = _pair(first < 2 ? 2 : 0);
        path[2] = _programLeaf(_program(0, LAYERS));
    }

    // ---------------------------------------------------------------- jobs and claims

    function _request(Mode mode) internal returns (JobRequest memory) {
        return JobRequest({
            requester: requester,
            provider: address(0),
            version: version,
            inputDigest: INPUT_DIGEST,
            promptTokens: 3,
            newTokens: 2,
            decoding: 0,
            mode: mode,
            price: PRICE,
            lockBy: uint64(block.timestamp + 1 hours),
            claimBy: uint64(block.timestamp + 3 hours),
            challengeWindow: WINDOW,
            answerWindow: ANSWER,
            nonce: nonce++
        });
    }

    function _sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _open(JobRequest memory request) internal returns (bytes32) {
        bytes memory signature = _sign(requesterKey, market.jobIdOf(request));
        vm.prank(relayer);
        return market.open(request, signature);
    }

    function _lock(bytes32 job) internal {
        bytes memory signature = _sign(providerKey, market.lockDigest(job, provider, FAR));
        vm.prank(relayer);
        market.lock(job, provider, FAR, signature);
    }

    function _tokens() internal pure returns (uint32[] memory tokens) {
        tokens = new uint32[](2);
        (tokens[0], tokens[1]) = (17, 50_256);
    }

    /// Three bytes each, as contracts take them.
    function _pack(uint32[] memory tokens) internal pure returns (bytes memory packed) {
        packed = new bytes(3 * tokens.length);
        for (uint256 i = 0; i < packed.length; ++i) {
            packed[i] = bytes1(uint8(tokens[i / 3] >> (16 - 8 * (i % 3))));
        }
    }

    function _outputDigest(uint32[] memory tokens, uint256 salt) internal view returns (bytes32) {
        return digests.outputDigest(8, 3, _pack(tokens), salt);
    }

    function _header(bytes32 job) internal view returns (ClaimHeader memory header) {
        header.job = job;
        header.outputDigest = _outputDigest(_tokens(), SALT);
        header.recipient = recipient;
        header.seedDigest = keccak256(abi.encode(SEED));
        header.activations = _scalar(abi.encode("activations", job));
        header.points = new uint256[](3 * POINTS);
        for (uint256 i = 0; i < header.points.length; ++i) {
            header.points[i] = uint256(_scalar(abi.encode("point", job, i)));
        }
    }

    function _post(ClaimHeader memory header) internal returns (bytes32) {
        bytes memory signature = _sign(providerKey, book.headerDigest(header));
        vm.recordLogs();
        vm.prank(relayer);
        bytes32 id = book.post(header, signature);
        _remember(vm.getRecordedLogs());
        return id;
    }

    /// Takes up the claims that were posted, from their events.
    function _remember(Vm.Log[] memory logs) internal {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] != IClaimBook.ClaimPosted.selector) continue;
            (Claim memory posted,) = abi.decode(logs[i].data, (Claim, uint256[]));
            _claims[logs[i].topics[1]] = posted;
        }
    }

    /// A claim that was posted.
    function _claim(bytes32 id) internal view returns (Claim memory) {
        return _claims[id];
    }

    /// The job of a claim.
    function _job(bytes32 id) internal view returns (bytes32) {
        return _claims[id].job;
    }

    function _terms(bytes32 id) internal view returns (Terms memory) {
        return lens.termsOf(_claims[id]);
    }

    function _locked(Mode mode) internal returns (bytes32 job) {
        job = _open(_request(mode));
        _lock(job);
    }

    /// @return Id of a claim that was posted.
    function _claimed(Mode mode) internal returns (bytes32) {
        return _post(_header(_locked(mode)));
    }

    /// A claim in the mode of proofs whose output cannot be demanded.
    function _claimedAtOnce() internal returns (bytes32) {
        JobRequest memory request = _request(Mode.Proofs);
        request.challengeWindow = 0;
        bytes32 job = _open(request);
        _lock(job);
        return _post(_header(job));
    }

    // ---------------------------------------------------------------- proofs

    /// A node over a joint proof of a program about a claim.
    function _leaf(bytes32 id, uint256 first, uint256 count) internal pure returns (Leaf memory) {
        return Leaf(_program(first, count), _scalar(abi.encode("leaf", id, first, count)), _path(first, count));
    }

    /// That these layers are proven: by the program of all layers, or by that of each one.
    function _proofOf(bytes32 id, uint256 set) internal view returns (ClaimProof memory entry) {
        entry.claim = _claims[id];
        if (set == ALL) {
            entry.leaves = new Leaf[](1);
            entry.leaves[0] = _leaf(id, 0, LAYERS);
            return entry;
        }
        uint256 count = 0;
        entry.leaves = new Leaf[](LAYERS);
        for (uint256 l = 0; l < LAYERS; ++l) {
            if (set >> l & 1 == 1) entry.leaves[count++] = _leaf(id, l, 1);
        }
        Leaf[] memory leaves = entry.leaves;
        assembly ("memory-safe") {
            mstore(leaves, count)
        }
    }

    function _one(ClaimProof memory entry) internal pure returns (ClaimProof[] memory proofs) {
        proofs = new ClaimProof[](1);
        proofs[0] = entry;
    }

    /// The nodes over a number of leaves, by threes.
    function _tree(uint256 leaves) internal pure returns (Tree memory tree) {
        tree.shape = _shape(leaves);
        uint256 folds = 0;
        for (uint256 i = 0; i < tree.shape.length; ++i) {
            if (tree.shape[i] != 0) ++folds;
        }
        tree.digests = new bytes32[](folds);
        for (uint256 i = 0; i < folds; ++i) {
            tree.digests[i] = _scalar(abi.encode("node", leaves, i));
        }
    }

    /// Level by level, as few nodes as there can be.
    function _shape(uint256 leaves) private pure returns (bytes memory) {
        bytes[] memory nodes = new bytes[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            nodes[i] = hex"00";
        }
        uint256 count = leaves;
        while (count > 1) {
            uint256 above = 0;
            for (uint256 i = 0; i < count; ++above) {
                uint256 n = count - i < 3 ? count - i : 3;
                bytes memory shape = nodes[i];
                for (uint256 j = 1; j < n; ++j) {
                    shape = bytes.concat(shape, nodes[i + j]);
                }
                nodes[above] = n == 1 ? shape : bytes.concat(shape, bytes1(uint8(n)));
                i += n;
            }
            count = above;
        }
        return nodes[0];
    }

    function _treeOver(ClaimProof[] memory proofs) internal pure returns (Tree memory) {
        uint256 leaves = 0;
        for (uint256 i = 0; i < proofs.length; ++i) {
            leaves += proofs[i].leaves.length;
        }
        return _tree(leaves);
    }

    /// The proof that the scripted verifier accepts for these claims.
    function _final(ClaimProof[] memory proofs, Tree memory tree) internal view returns (bytes memory) {
        return verifier.script(lens.publicInputsOf(proofs, tree));
    }

    function _send(ClaimProof[] memory proofs) internal {
        Tree memory tree = _treeOver(proofs);
        bytes memory proof = _final(proofs, tree);
        vm.prank(relayer);
        book.prove(proofs, tree, proof);
    }

    /// Proves a set of layers of one claim.
    function _prove(bytes32 id, uint256 set) internal {
        _send(_one(_proofOf(id, set)));
    }

    function _proveAll(bytes32 id) internal {
        _prove(id, ALL);
    }

    /// Calldata of `prove` for all layers of these claims.
    function _proveCall(bytes32[] memory ids, uint256 set) internal view returns (bytes memory) {
        ClaimProof[] memory proofs = new ClaimProof[](ids.length);
        for (uint256 i = 0; i < ids.length; ++i) {
            proofs[i] = _proofOf(ids[i], set);
        }
        Tree memory tree = _treeOver(proofs);
        return abi.encodeCall(book.prove, (proofs, tree, _final(proofs, tree)));
    }

    // ---------------------------------------------------------------- challenges and draws

    function _challenge(bytes32 id, uint256 target) internal {
        _challenge(id, target, challenger);
    }

    function _challenge(bytes32 id, uint256 target, address who) internal {
        vm.prank(who);
        book.challenge(_claims[id], target, 0);
    }

    function _challengeHold(bytes32 id, uint256 target, address who) internal pure returns (bytes32) {
        return keccak256(abi.encode("challenge", id, target, who));
    }

    /// Pays out all bonds of whoever has a name here, and the requester's part.
    function _collect(bytes32 id) internal {
        address[4] memory all = [challenger, thief, provider, requester];
        for (uint256 target = 0; target <= WHOLE; ++target) {
            if (target == LAYERS) target = WHOLE;
            for (uint256 i = 0; i < all.length; ++i) {
                (,, uint256 held,) = escrow.holdOf(_challengeHold(id, target, all[i]));
                if (held != 0) _resolve(id, target, all[i]);
            }
        }
        if (_outputChallenge(id).challengers != 0) _resolve(id, OUTPUT, requester);
    }

    function _timeout(bytes32 id, uint256 target) internal {
        vm.prank(relayer);
        book.timeout(_claims[id], target);
    }

    function _resolve(bytes32 id, uint256 target, address who) internal {
        vm.prank(relayer);
        book.resolve(_claims[id], target, who);
    }

    function _demand(bytes32 id) internal {
        vm.prank(requester);
        book.demand(_claims[id]);
    }

    function _accept(bytes32 id) internal {
        vm.prank(requester);
        book.acceptOutput(_claims[id]);
    }

    /// By the provider's signature.
    function _reveal(bytes32 id, uint256 salt, bytes memory tokens) internal {
        bytes memory signature = _signReveal(id, salt, tokens);
        vm.prank(relayer);
        book.reveal(_claims[id], salt, tokens, signature);
    }

    function _reveal(bytes32 id) internal {
        _reveal(id, SALT, _pack(_tokens()));
    }

    function _signReveal(bytes32 id, uint256 salt, bytes memory tokens) internal view returns (bytes memory) {
        return _sign(providerKey, book.revealDigest(_job(id), keccak256(abi.encodePacked(salt, tokens))));
    }

    /// A transaction to the book of its own.
    /// @return gas That it uses, before any is refunded.
    /// @return floor The least that it costs for its calldata.
    function _gasOf(address from, bytes memory data, string memory what) internal returns (uint256 gas, uint256 floor) {
        (gas, floor) = (21_000, 21_000);
        for (uint256 i = 0; i < data.length; ++i) {
            gas += data[i] == 0 ? 4 : 16;
            floor += data[i] == 0 ? 10 : 40;
        }
        vm.prank(from);
        (bool ok,) = address(book).call(data);
        assertTrue(ok, what);
        gas += vm.lastCallGas().gasTotalUsed;
    }

    function _finalize(bytes32 id) internal {
        vm.prank(relayer);
        book.finalize(_claims[id]);
    }

    function _expireClaim(bytes32 id) internal {
        vm.prank(relayer);
        book.expireClaim(_claims[id]);
    }

    function _void(bytes32 id) internal {
        vm.prank(relayer);
        book.voidClaim(_claims[id]);
    }

    function _freeze() internal {
        vm.prank(guardian);
        registry.freeze(address(verifier), "a flaw");
    }

    /// Rolls past the claim's block and reveals its draw, with a RANDAO under which `layer` is drawn.
    function _draw(bytes32 id, uint256 layer) internal {
        _drawSet(id, 1 << layer);
    }

    /// Likewise a set of as many layers as the version draws.
    function _drawSet(bytes32 id, uint256 set) internal {
        bytes32 seed = _seedDrawing(id, set);
        uint64 number = _terms(id).drawBlock;
        bytes memory header = Headers.encode(number, seed);
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(header));
        book.revealDraw(_claims[id], header);
    }

    function _seedDrawing(bytes32 id, uint256 set) internal view returns (bytes32 seed) {
        while (registry.draw(market.job(_claims[id].job).version, seed, id) != set) {
            seed = keccak256(abi.encode(seed));
        }
    }

    // ---------------------------------------------------------------- states

    function _free(address account) internal view returns (uint256) {
        return escrow.free(account, ETH);
    }

    function _assertClaim(bytes32 id, ClaimStatus claimStatus, JobStatus jobStatus) internal view {
        assertEq(uint256(book.status(id)), uint256(claimStatus), "claim");
        assertEq(uint256(market.job(_claims[id].job).status), uint256(jobStatus), "job");
    }

    function _outputChallenge(bytes32 id) internal view returns (Challenge memory) {
        return book.challengeOf(id, OUTPUT);
    }

    /// Last second in which a challenge can be answered.
    function _answerBy(bytes32 id, uint256 target) internal view returns (uint64) {
        return book.challengeOf(id, target).answerBy;
    }

    function _openCount(bytes32 id) internal view returns (uint256) {
        return lens.describeClaim(_claims[id]).openChallenges;
    }

    function _assertChallenge(bytes32 id, uint256 target, ChallengeStatus status) internal view {
        assertEq(uint256(book.challengeOf(id, target).status), uint256(status), "challenge");
    }

    function _after(uint256 t) internal {
        vm.warp(t + 1);
    }

    function _challengeBy(bytes32 id) internal view returns (uint64) {
        return _terms(id).challengeBy;
    }

    function _provenBy(bytes32 id) internal view returns (uint64) {
        return _terms(id).provenBy;
    }
}
