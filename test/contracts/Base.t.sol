// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { AuditBeacon } from "../../contracts/AuditBeacon.sol";
import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { ClaimBook } from "../../contracts/ClaimBook.sol";
import { ClaimLens } from "../../contracts/ClaimLens.sol";
import { JobMarket } from "../../contracts/JobMarket.sol";
import { LayerDispute } from "../../contracts/LayerDispute.sol";
import { ModelRegistry } from "../../contracts/ModelRegistry.sol";
import { Settlement } from "../../contracts/Settlement.sol";
import { VerifierRouter } from "../../contracts/VerifierRouter.sol";
import { Claim, ClaimHeader, IClaimBook } from "../../contracts/interfaces/IClaimBook.sol";
import { Job, JobRequest } from "../../contracts/interfaces/IJobMarket.sol";
import { OpenBond } from "../../contracts/interfaces/ILayerDispute.sol";
import { Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { ClaimStatus, JobStatus, Lane, LayerKind } from "../../contracts/interfaces/Types.sol";
import { Statement } from "../../contracts/libraries/Statement.sol";
import { TokenDigest } from "../../contracts/libraries/TokenDigest.sol";
import { Headers } from "./support/Headers.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";
import { TestToken } from "./support/TestToken.sol";
import { Test } from "forge-std/Test.sol";

/// @title All contracts, wired as in production, with a model of four layers offered for ETH and for a token
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
    /// Of signatures that are good for as long as the job can be taken.
    uint64 internal constant FAR = type(uint64).max;
    bytes32 internal constant SETUP = keccak256("a ceremony");
    uint256 internal constant SALT = 0x5a17;
    bytes32 internal constant INPUT_DIGEST = bytes32(uint256(0x1234));
    bytes32 internal constant AGGREGATE_KEY = keccak256("key of an aggregate");

    VerifierRouter internal router;
    BondEscrow internal escrow;
    ModelRegistry internal registry;
    JobMarket internal market;
    ClaimBook internal book;
    AuditBeacon internal beacon;
    Settlement internal settlement;
    LayerDispute internal dispute;
    ClaimLens internal lens;
    TestToken internal token;

    address internal curator = makeAddr("curator");
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

    function setUp() public virtual {
        vm.roll(1000);
        (requester, requesterKey) = makeAddrAndKey("requester");
        (provider, providerKey) = makeAddrAndKey("provider");
        token = new TestToken();
        _deploy();
        for (uint256 kind = 0; kind < 5; ++kind) {
            _addVerifier(LayerKind(kind));
        }
        _addAggregate(AGGREGATE_KEY, SETUP);
        version = _register("weights", ETH);
        tokenVersion = _register("weights", address(token));
        _fund(requester, 100 ether, 0);
        _fund(provider, 0, 10 * STAKE);
        _fund(challenger, 10 ether, 0);
        _fund(thief, 10 ether, STAKE);
    }

    // ---------------------------------------------------------------- deployment

    /// By artifact: a test contract with all creation codes in it would be too large.
    function _deploy() private {
        uint256 next = vm.getNonce(address(this));
        address market_ = vm.computeCreateAddress(address(this), next + 3);
        address book_ = vm.computeCreateAddress(address(this), next + 4);
        address beacon_ = vm.computeCreateAddress(address(this), next + 5);
        address settlement_ = vm.computeCreateAddress(address(this), next + 6);
        address dispute_ = vm.computeCreateAddress(address(this), next + 7);

        router = VerifierRouter(deployCode("VerifierRouter.sol", abi.encode(curator, guardian)));
        address[] memory operators = new address[](2);
        (operators[0], operators[1]) = (market_, dispute_);
        address[] memory assets = new address[](2);
        (assets[0], assets[1]) = (ETH, address(token));
        escrow = BondEscrow(deployCode("BondEscrow.sol", abi.encode(operators, assets, UNBOND_DELAY)));
        registry = ModelRegistry(deployCode("ModelRegistry.sol", abi.encode(router, escrow)));
        market = JobMarket(deployCode("JobMarket.sol", abi.encode(escrow, registry, book_, settlement_, beacon_)));
        book = ClaimBook(deployCode("ClaimBook.sol", abi.encode(market, registry, beacon_, settlement_)));
        beacon = AuditBeacon(deployCode("AuditBeacon.sol", abi.encode(book, registry, BEACON_DELAY)));
        settlement =
            Settlement(deployCode("Settlement.sol", abi.encode(market, book, registry, router, beacon, dispute_)));
        dispute = LayerDispute(deployCode("LayerDispute.sol", abi.encode(escrow, market, book, registry, settlement)));
        lens = ClaimLens(
            deployCode("ClaimLens.sol", abi.encode(market, book, settlement, dispute, beacon, registry, router))
        );
        assertEq(address(beacon), beacon_);
        assertEq(address(dispute), dispute_);
    }

    function _key(LayerKind kind) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", kind));
    }

    function _addVerifier(LayerKind kind) private {
        uint256 count = kind == LayerKind.Embed ? 4 : kind == LayerKind.Head ? 3 : 2;
        ScriptedVerifier verifier = new ScriptedVerifier(_key(kind), SETUP, count);
        vm.prank(curator);
        router.add(address(verifier));
    }

    function _addAggregate(bytes32 key, bytes32 setup) internal {
        ScriptedVerifier verifier = new ScriptedVerifier(key, setup, 4);
        vm.prank(curator);
        router.add(address(verifier));
    }

    /// Weight commitments of a layer, one to five by its kind, as words.
    function _points(LayerKind kind, string memory seed) internal pure returns (uint256[] memory words) {
        words = new uint256[](2 * (uint256(kind) + 1));
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = uint256(keccak256(abi.encode(seed, kind, i)));
        }
    }

    function _layer(LayerKind kind, uint32 weight, string memory seed) internal pure returns (Layer memory) {
        return Layer({
            kind: kind,
            auditWeight: weight,
            answerCost: BOND / 2,
            verifyingKey: _key(kind),
            weights: keccak256(abi.encodePacked(_points(kind, seed)))
        });
    }

    function _layers(string memory seed) internal pure returns (Layer[] memory layers) {
        layers = new Layer[](LAYERS);
        layers[0] = _layer(LayerKind.Embed, 100_000, seed);
        layers[1] = _layer(LayerKind.Attention, 400_000, seed);
        layers[2] = _layer(LayerKind.Mlp, 437_500, seed);
        layers[3] = _layer(LayerKind.Head, 62_500, seed);
    }

    function _modelHeader() internal pure returns (ModelHeader memory) {
        return ModelHeader(keccak256("dimensions"), keccak256("tokenizer"), 8, SETUP);
    }

    function _policy(address asset) internal pure returns (Policy memory) {
        return Policy(asset, 0.5 ether, 0.5 ether, STAKE, BOND, 1);
    }

    function _register(string memory seed, address asset) internal returns (bytes32) {
        return registry.register(_modelHeader(), _layers(seed), _policy(asset), "ipfs://model");
    }

    /// Of a version that was registered with this seed.
    function _pointsOf(bytes32 version_, string memory seed) internal view returns (uint256[][] memory points) {
        Layer[] memory layers = registry.layers(version_);
        points = new uint256[][](layers.length);
        for (uint256 l = 0; l < layers.length; ++l) {
            points[l] = _points(layers[l].kind, seed);
        }
    }

    /// Does nothing if another version of the model was bound.
    function _bind(bytes32 version_) internal {
        (uint256 bound,) = registry.aggregation(version_);
        if (bound == LAYERS) return;
        uint256[][] memory points = _pointsOf(version_, "weights");
        vm.prank(relayer);
        registry.bindAggregate(version_, 0, points);
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

    // ---------------------------------------------------------------- jobs and claims

    function _request(Lane lane) internal returns (JobRequest memory) {
        return JobRequest({
            requester: requester,
            provider: address(0),
            version: version,
            inputDigest: INPUT_DIGEST,
            promptTokens: 3,
            newTokens: 2,
            lane: lane,
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
        return this.outputDigest(_pack(tokens), salt);
    }

    /// External, for the library takes calldata.
    function outputDigest(bytes calldata tokens, uint256 salt) external pure returns (bytes32) {
        return TokenDigest.outputDigest(8, 3, tokens, salt);
    }

    function _header(bytes32 job) internal view returns (ClaimHeader memory header) {
        header.job = job;
        header.outputDigest = _outputDigest(_tokens(), SALT);
        header.recipient = recipient;
        header.boundaries = new bytes32[](LAYERS - 1);
        for (uint256 i = 0; i < header.boundaries.length; ++i) {
            header.boundaries[i] = keccak256(abi.encode("boundary", job, i));
        }
    }

    function _post(ClaimHeader memory header) internal returns (bytes32) {
        bytes memory signature = _sign(providerKey, book.headerDigest(header));
        vm.prank(relayer);
        return book.postClaim(header, signature);
    }

    function _locked(Lane lane) internal returns (bytes32 job) {
        job = _open(_request(lane));
        _lock(job);
    }

    function _claimed(Lane lane) internal returns (bytes32) {
        return _post(_header(_locked(lane)));
    }

    /// A claim in the lane of proofs whose output cannot be demanded.
    function _claimedAtOnce() internal returns (bytes32 claim) {
        JobRequest memory request = _request(Lane.Proofs);
        request.challengeWindow = 0;
        claim = _open(request);
        _lock(claim);
        _post(_header(claim));
    }

    // ---------------------------------------------------------------- proofs and challenges

    function _proof(bytes32 claim, uint256 layer) internal view returns (bytes memory) {
        (bytes32 input, bytes32 output) = book.boundariesOf(claim, layer);
        return _proofOf(claim, layer, input, output, registry.layer(book.claim(claim).version, layer).weights);
    }

    function _proofOf(bytes32 claim, uint256 layer, bytes32 input, bytes32 output, bytes32 weights)
        internal
        view
        returns (bytes memory)
    {
        return abi.encode(input, output, weights, keccak256(abi.encode(book.instances(claim, layer))));
    }

    function _proofs(bytes32 claim, uint256 first, uint256 count) internal view returns (bytes[] memory proofs) {
        proofs = new bytes[](count);
        for (uint256 i = 0; i < count; ++i) {
            proofs[i] = _proof(claim, first + i);
        }
    }

    function _aggregate(bytes32 claim) internal view returns (bytes memory) {
        return _aggregateOf(claim, 0, 0, registry.aggregationDigest(book.claim(claim).version));
    }

    function _aggregateOf(bytes32 claim, bytes32 input, bytes32 output, bytes32 digest)
        internal
        view
        returns (bytes memory)
    {
        return abi.encode(input, output, digest, keccak256(abi.encode(book.aggregateInstances(claim))));
    }

    function _proveAll(bytes32 claim) internal {
        bytes memory proof = _aggregate(claim);
        vm.prank(relayer);
        settlement.proveAll(claim, AGGREGATE_KEY, proof);
    }

    function _one(bytes memory proof) internal pure returns (bytes[] memory proofs) {
        proofs = new bytes[](1);
        proofs[0] = proof;
    }

    function _prove(bytes32 claim, uint256 first, uint256 count) internal {
        bytes[] memory proofs = _proofs(claim, first, count);
        vm.prank(relayer);
        settlement.proveLayers(claim, first, proofs);
    }

    function _challenge(bytes32 claim, uint256 layer) internal {
        vm.prank(challenger);
        dispute.challenge(claim, layer);
    }

    function _demand(bytes32 claim) internal {
        vm.prank(requester);
        dispute.demandOutput(claim);
    }

    /// By the provider's signature.
    function _reveal(bytes32 claim, uint256 salt, bytes memory tokens) internal {
        bytes memory signature = _signReveal(claim, salt, tokens);
        vm.prank(relayer);
        dispute.revealOutput(claim, salt, tokens, signature);
    }

    function _signReveal(bytes32 claim, uint256 salt, bytes memory tokens) internal view returns (bytes memory) {
        return _sign(providerKey, book.revealDigest(claim, keccak256(abi.encodePacked(salt, tokens))));
    }

    function _reveal(bytes32 claim) internal {
        _reveal(claim, SALT, _pack(_tokens()));
    }

    /// Pays out all bonds and parts of the stake of a claim that is over.
    function _collect(bytes32 claim) internal {
        OpenBond[] memory bonds = dispute.openBonds(claim);
        for (uint256 i = 0; i < bonds.length; ++i) {
            dispute.resolve(claim, bonds[i].layer, bonds[i].challenger);
        }
        assertEq(dispute.openBonds(claim).length, 0);
    }

    function _freezeAggregate() internal {
        vm.prank(guardian);
        router.freeze(AGGREGATE_KEY, "accepts anything");
    }

    /// Rolls past the claim's block and reveals its draw, with a RANDAO under which `layer` is drawn.
    function _draw(bytes32 claim, uint256 layer) internal {
        bytes32 seed = _seedDrawing(claim, layer);
        uint64 number = beacon.blockOf(claim);
        bytes memory header = Headers.encode(number, seed);
        vm.roll(number + 1);
        vm.setBlockhash(number, keccak256(header));
        beacon.reveal(claim, header);
    }

    function _seedDrawing(bytes32 claim, uint256 layer) internal view returns (bytes32 seed) {
        Claim memory c = book.claim(claim);
        uint32[] memory weights = registry.auditWeights(c.version);
        while (beacon.draw(weights, 1, seed, c.claimDigest)[0] != layer) {
            seed = keccak256(abi.encode(seed));
        }
    }

    function _freeze(LayerKind kind) internal {
        vm.prank(guardian);
        router.freeze(_key(kind), "a flaw");
    }

    // ---------------------------------------------------------------- states

    function _free(address account) internal view returns (uint256) {
        return escrow.free(account, ETH);
    }

    function _assertClaim(bytes32 claim, ClaimStatus claimStatus, JobStatus jobStatus) internal view {
        assertEq(uint256(book.status(claim)), uint256(claimStatus), "claim");
        assertEq(uint256(market.job(claim).status), uint256(jobStatus), "job");
    }

    function _after(uint256 t) internal {
        vm.warp(t + 1);
    }

    function _challengeBy(bytes32 claim) internal view returns (uint64 t) {
        (t,) = settlement.deadlines(claim);
    }

    function _provenBy(bytes32 claim) internal view returns (uint64 t) {
        (, t) = settlement.deadlines(claim);
    }
}
