// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { ModelRegistry } from "../../contracts/ModelRegistry.sol";
import { VerifierRouter } from "../../contracts/VerifierRouter.sol";
import { Activations } from "../../contracts/interfaces/ILayerVerifier.sol";
import { IModelRegistry, Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { LayerKind } from "../../contracts/interfaces/Types.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { ModelId } from "../../contracts/libraries/ModelId.sol";
import { OddVerifier } from "./support/OddVerifiers.sol";
import { Test, Vm } from "forge-std/Test.sol";

contract ModelRegistryTest is Test {
    bytes32 internal constant SETUP = keccak256("a ceremony");
    string internal constant URI = "ipfs://metadata";

    VerifierRouter internal router = new VerifierRouter(address(this), address(this));
    BondEscrow internal escrow;
    ModelRegistry internal registry;

    function setUp() public {
        address[] memory assets = new address[](1);
        escrow = new BondEscrow(new address[](0), assets, 0);
        registry = new ModelRegistry(router, escrow);
        for (uint256 kind = 0; kind < 5; ++kind) {
            router.add(address(new OddVerifier(key(LayerKind(kind)), SETUP)));
        }
    }

    function key(LayerKind kind) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", kind));
    }

    function header() internal pure returns (ModelHeader memory) {
        return ModelHeader(keccak256("dimensions"), keccak256("tokenizer"), 32, SETUP);
    }

    /// Embedding, `inner` layers, head; each with an even share.
    function layersOf(uint256 inner, bool whole) internal pure returns (Layer[] memory layers) {
        layers = new Layer[](inner + 2);
        for (uint256 i = 0; i < inner + 2; ++i) {
            LayerKind kind = whole ? LayerKind.Block : i % 2 == 1 ? LayerKind.Attention : LayerKind.Mlp;
            if (i == 0) kind = LayerKind.Embed;
            if (i == inner + 1) kind = LayerKind.Head;
            layers[i] =
                Layer(kind, uint32(1_000_000 / (inner + 2)), 0.01 ether, key(kind), keccak256(abi.encode("w", i)));
        }
    }

    /// Half of the layers are drawn, and the stake is ample.
    function policyOf(uint256 layers) internal pure returns (Policy memory) {
        return Policy(address(0), 1 ether, 1 ether, 100 ether, 0.1 ether, uint16(layers / 2));
    }

    function register(Layer[] memory layers, Policy memory policy) internal returns (bytes32) {
        return registry.register(header(), layers, policy, URI);
    }

    function refused(bytes memory reason, Layer[] memory layers, Policy memory policy) internal {
        vm.expectRevert(reason);
        register(layers, policy);
    }

    function refusedLayers(Layer[] memory layers, uint256 at_) internal {
        bytes memory reason = abi.encodeWithSelector(IModelRegistry.LayersMalformed.selector, at_);
        Policy memory policy = policyOf(layers.length);
        refused(reason, layers, policy);
    }

    // ---------------------------------------------------------------- ids

    function test_ModelId_IsTheCards() public view {
        string memory json = vm.readFile("test/fixtures/model-ids.json");
        uint256 count = vm.parseJsonUint(json, ".count");
        assertEq(count, 4);
        for (uint256 i = 0; i < count; ++i) {
            string memory path = string.concat(".cases[", vm.toString(i), "].");
            ModelHeader memory h;
            h.dimensions = vm.parseJsonBytes32(json, string.concat(path, "dimensions"));
            h.tokenizer = vm.parseJsonBytes32(json, string.concat(path, "tokenizer"));
            h.tokens = uint32(vm.parseJsonUint(json, string.concat(path, "tokens")));
            h.setup = vm.parseJsonBytes32(json, string.concat(path, "setup"));
            uint256[] memory kinds = vm.parseJsonUintArray(json, string.concat(path, "kinds"));
            bytes32[] memory keys = vm.parseJsonBytes32Array(json, string.concat(path, "verifyingKeys"));
            bytes32[] memory weights = vm.parseJsonBytes32Array(json, string.concat(path, "weights"));
            Layer[] memory layers = new Layer[](kinds.length);
            for (uint256 l = 0; l < kinds.length; ++l) {
                layers[l] = Layer(LayerKind(kinds[l]), 1, 1, keys[l], weights[l]);
            }
            bytes32 id = vm.parseJsonBytes32(json, string.concat(path, "modelId"));
            assertEq(registry.modelIdOf(h, layers), id);
            // Half of the fixtures have the development setup.
            assertEq(ModelId.isDevelopment(h.setup), i < 2);
        }
    }

    function testFuzz_ModelId_BindsHeaderKindsKeysAndWeights(uint256 what, uint256 which, bytes32 other) public view {
        ModelHeader memory h = header();
        Layer[] memory layers = layersOf(4, false);
        bytes32 id = registry.modelIdOf(h, layers);
        // Neither weights of the audit nor costs are the model's.
        layers[1].auditWeight = 7;
        layers[1].answerCost = 7;
        assertEq(registry.modelIdOf(h, layers), id);
        (which, what, other) = (which % 6, what % 7, keccak256(abi.encode("another", other)));
        if (what == 0) h.dimensions = other;
        else if (what == 1) h.tokenizer = other;
        else if (what == 2) h.tokens += 1;
        else if (what == 3) h.setup = other;
        else if (what == 4) layers[which].kind = LayerKind((uint256(layers[which].kind) + 1) % 5);
        else if (what == 5) layers[which].verifyingKey = other;
        else layers[which].weights = other;
        assertNotEq(registry.modelIdOf(h, layers), id);
    }

    function test_VersionId_IsOfAllThatIsRegistered() public {
        Layer[] memory layers = layersOf(4, false);
        Policy memory policy = policyOf(6);
        bytes32 modelId = registry.modelIdOf(header(), layers);
        bytes32 expected = keccak256(abi.encode(modelId, keccak256(abi.encode(layers)), policy, keccak256(bytes(URI))));
        assertEq(registry.versionIdOf(header(), layers, policy, URI), expected);
        assertEq(register(layers, policy), expected);
        assertNotEq(registry.versionIdOf(header(), layers, policy, "another"), expected);
        layers[0].answerCost += 1;
        assertNotEq(registry.versionIdOf(header(), layers, policy, URI), expected);
        layers[0].answerCost -= 1;
        policy.stake += 1;
        assertNotEq(registry.versionIdOf(header(), layers, policy, URI), expected);
    }

    // ---------------------------------------------------------------- what is stored

    function testFuzz_Register_EverythingCanBeReadBack(uint8 blocks, bool whole, address sender) public {
        uint256 inner = bound(blocks, 1, 20) * (whole ? 1 : 2);
        Layer[] memory layers = layersOf(inner, whole);
        for (uint256 i = 0; i < layers.length; ++i) {
            layers[i].auditWeight += uint32(i);
            layers[i].answerCost += uint128(i << 7);
        }
        Policy memory policy = policyOf(layers.length);
        bytes32 modelId = registry.modelIdOf(header(), layers);
        bytes32 version = registry.versionIdOf(header(), layers, policy, URI);
        assertFalse(registry.exists(version));
        vm.expectEmit(address(registry));
        emit IModelRegistry.VersionRegistered(version, modelId, layers.length, URI);
        vm.prank(sender);
        register(layers, policy);
        assertTrue(registry.exists(version));
        assertTrue(registry.usable(version));
        assertEq(registry.modelId(version), modelId);
        assertEq(registry.metadataURI(version), URI);
        assertEq(registry.layerCount(version), layers.length);
        assertEq(abi.encode(registry.layers(version)), abi.encode(layers));
        assertEq(abi.encode(registry.policy(version)), abi.encode(policy));
        assertEq(abi.encode(registry.header(version)), abi.encode(header()));
        uint32[] memory weights = registry.auditWeights(version);
        assertEq(weights.length, layers.length);
        for (uint256 i = 0; i < layers.length; ++i) {
            assertEq(abi.encode(registry.layer(version, i)), abi.encode(layers[i]));
            assertEq(weights[i], layers[i].auditWeight);
        }
        assertEq(registry.verifyingKeys(version).length, whole ? 3 : 4);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoSuchLayer.selector, layers.length, layers.length));
        registry.layer(version, layers.length);
        assertEq(registry.versionCount(), 1);
        assertEq(registry.versionAt(0), version);
    }

    function test_Register_256LayersFitIntoATransaction() public {
        Layer[] memory layers = layersOf(254, false);
        for (uint256 i = 0; i < 256; ++i) {
            layers[i].auditWeight = uint32(1_000_000 - i);
            layers[i].weights = keccak256(abi.encode(i));
        }
        Policy memory policy = policyOf(256);
        uint256 before = gasleft();
        bytes32 version = register(layers, policy);
        // With the calldata's gas, below the 16,777,216 of EIP-7825.
        assertLt(before - gasleft(), 10_000_000);
        assertEq(abi.encode(registry.layers(version)), abi.encode(layers));
        assertEq(registry.auditWeights(version)[255], 1_000_000 - 255);
        before = gasleft();
        registry.usable(version);
        assertLt(before - gasleft(), 60_000);
    }

    /// Whoever sees a registration pending can send it first, and has nothing of it: the version is the same, it names
    /// nobody, and the registration that comes second succeeds and changes nothing.
    function test_Register_AppendOnlyAndTheSameForEverybody() public {
        vm.prank(makeAddr("whoever is first"));
        bytes32 version = register(layersOf(2, false), policyOf(4));
        vm.recordLogs();
        vm.startStateDiffRecording();
        assertEq(register(layersOf(2, false), policyOf(4)), version);
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        for (uint256 i = 0; i < accesses.length; ++i) {
            for (uint256 j = 0; j < accesses[i].storageAccesses.length; ++j) {
                assertFalse(accesses[i].storageAccesses[j].isWrite);
            }
        }
        assertEq(vm.getRecordedLogs().length, 0);
        bytes32 second = register(layersOf(1, true), policyOf(3));
        assertEq(registry.versionCount(), 2);
        assertEq(registry.versionAt(1), second);
    }

    function test_Views_RefuseUnknownVersions() public {
        bytes32 version = keccak256("unknown");
        bytes[11] memory calls = [
            abi.encodeCall(IModelRegistry.modelId, (version)),
            abi.encodeCall(IModelRegistry.header, (version)),
            abi.encodeCall(IModelRegistry.policy, (version)),
            abi.encodeCall(IModelRegistry.layerCount, (version)),
            abi.encodeCall(IModelRegistry.layer, (version, 0)),
            abi.encodeCall(IModelRegistry.layers, (version)),
            abi.encodeCall(IModelRegistry.auditWeights, (version)),
            abi.encodeCall(IModelRegistry.usable, (version)),
            abi.encodeCall(IModelRegistry.aggregation, (version)),
            abi.encodeCall(IModelRegistry.aggregationDigest, (version)),
            abi.encodeCall(IModelRegistry.bindAggregate, (version, 0, new uint256[][](1)))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = address(registry).staticcall(calls[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, version));
        }
        assertFalse(registry.exists(version));
    }

    function test_Usable_EndsWithTheFirstVerifierThatIsFrozen() public {
        bytes32 split = register(layersOf(2, false), policyOf(4));
        bytes32 whole = register(layersOf(2, true), policyOf(4));
        router.freeze(key(LayerKind.Mlp), "a bug");
        assertFalse(registry.usable(split));
        assertTrue(registry.usable(whole));
        refused(
            abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, 2, key(LayerKind.Mlp)),
            layersOf(4, false),
            policyOf(6)
        );
    }

    // ---------------------------------------------------------------- aggregation digests

    /// Weight commitments of a layer, as words; they are points of no curve, which the registry does not ask.
    function pointsOf(uint256 layer, uint256 count) internal pure returns (uint256[] memory words) {
        words = new uint256[](2 * count);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = uint256(keccak256(abi.encode(layer, i)));
        }
    }

    /// A version of which each layer has so many commitments.
    function registerWithPoints(uint256 layers, uint256 count)
        internal
        returns (bytes32 version, uint256[][] memory points)
    {
        Layer[] memory all = layersOf(layers - 2, false);
        points = new uint256[][](layers);
        for (uint256 l = 0; l < layers; ++l) {
            points[l] = pointsOf(l, count);
            all[l].weights = keccak256(abi.encodePacked(points[l]));
        }
        version = register(all, policyOf(layers));
    }

    function part(uint256[][] memory points, uint256 first, uint256 count)
        internal
        pure
        returns (uint256[][] memory some)
    {
        some = new uint256[][](count);
        for (uint256 i = 0; i < count; ++i) {
            some[i] = points[first + i];
        }
    }

    /// The layers of the fixture, whatever they are, as blocks between an embedding and a head.
    function test_BindAggregate_IsTheCommandLines() public {
        string memory json = vm.readFile("test/fixtures/aggregation.json");
        uint256 n = 0;
        while (vm.keyExistsJson(json, string.concat(".layers[", vm.toString(n), "]"))) {
            ++n;
        }
        Layer[] memory layers = layersOf(n - 2, true);
        uint256[][] memory points = new uint256[][](n);
        for (uint256 l = 0; l < n; ++l) {
            string memory path = string.concat(".layers[", vm.toString(l), "].");
            points[l] = vm.parseJsonUintArray(json, string.concat(path, "points"));
            layers[l].weights = keccak256(abi.encodePacked(points[l]));
            layers[l].verifyingKey = vm.parseJsonBytes32(json, string.concat(path, "verifyingKey"));
            (address known,,,) = router.entry(layers[l].verifyingKey);
            if (known != address(0)) continue;
            OddVerifier verifier = new OddVerifier(layers[l].verifyingKey, SETUP);
            router.add(address(verifier.become(uint256(layers[l].kind), Activations(12, 32, 16))));
        }
        bytes32 version = register(layers, policyOf(n));
        bytes32 digest = vm.parseJsonBytes32(json, ".digest");
        vm.expectEmit(address(registry));
        emit IModelRegistry.AggregateBound(registry.modelId(version), n, n, digest);
        registry.bindAggregate(version, 0, points);
        assertEq(registry.aggregationDigest(version), digest);
    }

    /// Any split into transactions gives the same digest, by whomever and from whatever place they start.
    function testFuzz_BindAggregate_InAnyNumberOfTransactions(uint256 seed) public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(8, 2);
        uint256 snapshot = vm.snapshotState();
        registry.bindAggregate(version, 0, points);
        bytes32 whole = registry.aggregationDigest(version);
        vm.revertToState(snapshot);
        uint256 bound = 0;
        while (bound != 8) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 first = seed % (bound + 1);
            uint256 end = bound + 1 + (seed >> 8) % (8 - bound);
            vm.prank(address(uint160(seed)));
            registry.bindAggregate(version, first, part(points, first, end - first));
            bound = end;
            (uint256 found, bytes32 digest) = registry.aggregation(version);
            assertEq(found, bound);
            assertEq(digest == whole, bound == 8);
        }
        assertEq(registry.aggregationDigest(version), whole);
    }

    /// Digests depend on what the model id binds: versions of one model share them, and pay once.
    function test_BindAggregate_OnceForAllVersionsOfAModel() public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(4, 2);
        Layer[] memory layers = registry.layers(version);
        layers[0].answerCost += 1;
        bytes32 second = register(layers, policyOf(4));
        assertNotEq(second, version);
        assertEq(registry.modelId(second), registry.modelId(version));
        registry.bindAggregate(version, 0, part(points, 0, 2));
        registry.bindAggregate(second, 2, part(points, 2, 2));
        assertEq(registry.aggregationDigest(second), registry.aggregationDigest(version));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NothingToBind.selector, 4));
        registry.bindAggregate(version, 0, points);
        // One that is registered later has it at once; another model has none.
        layers[0].answerCost += 1;
        assertEq(registry.aggregationDigest(register(layers, policyOf(4))), registry.aggregationDigest(version));
        layers[0].weights = keccak256("other weights");
        bytes32 other = register(layers, policyOf(4));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AggregateNotBound.selector, other, 0, 4));
        registry.aggregationDigest(other);
    }

    function test_BindAggregate_CompleteOnceAndForEver() public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(4, 1);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AggregateNotBound.selector, version, 0, 4));
        registry.aggregationDigest(version);
        registry.bindAggregate(version, 0, part(points, 0, 3));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.AggregateNotBound.selector, version, 3, 4));
        registry.aggregationDigest(version);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NothingToBind.selector, 3));
        registry.bindAggregate(version, 0, part(points, 0, 3));
        registry.bindAggregate(version, 0, points);
        bytes32 digest = registry.aggregationDigest(version);
        for (uint256 first = 0; first < 4; ++first) {
            uint256[][] memory again = part(points, first, 4 - first);
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NothingToBind.selector, 4));
            registry.bindAggregate(version, first, again);
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NothingToBind.selector, 4));
        registry.bindAggregate(version, 4, new uint256[][](0));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoSuchLayer.selector, 4, 4));
        registry.bindAggregate(version, 4, part(points, 3, 1));
        assertEq(registry.aggregationDigest(version), digest);
    }

    function test_BindAggregate_RefusesOtherPointsAndOtherOrders() public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(4, 2);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NothingToBind.selector, 0));
        registry.bindAggregate(version, 0, new uint256[][](0));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.LayersSkipped.selector, 0, 1));
        registry.bindAggregate(version, 1, part(points, 1, 3));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.LayersSkipped.selector, 0, type(uint256).max));
        registry.bindAggregate(version, type(uint256).max, points);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoSuchLayer.selector, 4, 4));
        registry.bindAggregate(version, 0, new uint256[][](5));

        (points[1], points[2]) = (points[2], points[1]);
        refusedPoints(version, points, 1);
        (points[1], points[2]) = (points[2], points[1]);
        (points[3][0], points[3][2]) = (points[3][2], points[3][0]);
        refusedPoints(version, points, 3);
        points[3] = pointsOf(3, 1);
        refusedPoints(version, points, 3);
        points[3] = pointsOf(3, 3);
        refusedPoints(version, points, 3);
        points[3] = new uint256[](0);
        refusedPoints(version, points, 3);
        points[3] = pointsOf(3, 2);
        registry.bindAggregate(version, 0, points);
    }

    function refusedPoints(bytes32 version, uint256[][] memory points, uint256 layer) internal {
        bytes32 weights = registry.layer(version, layer).weights;
        bytes32 other = keccak256(abi.encodePacked(points[layer]));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.WeightsMismatch.selector, layer, weights, other));
        registry.bindAggregate(version, 0, points);
        // What came before the false one is not kept.
        (uint256 bound, bytes32 digest) = registry.aggregation(version);
        assertEq(bound, 0);
        assertEq(digest, 0);
    }

    function testFuzz_BindAggregate_EveryWordMatters(uint256 layer, uint256 word, uint256 by) public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(4, 2);
        (layer, word, by) = (bound(layer, 0, 3), bound(word, 0, 3), bound(by, 1, type(uint256).max));
        points[layer][word] ^= by;
        refusedPoints(version, points, layer);
    }

    /// Registered weights that are no points: such a layer can be neither proven nor bound.
    function test_BindAggregate_RefusesHalfAPoint() public {
        Layer[] memory layers = layersOf(2, false);
        uint256[][] memory points = new uint256[][](4);
        for (uint256 l = 0; l < 4; ++l) {
            points[l] = pointsOf(l, 1);
            if (l == 2) points[l] = new uint256[](3);
            layers[l].weights = keccak256(abi.encodePacked(points[l]));
        }
        bytes32 version = register(layers, policyOf(4));
        vm.expectRevert(
            abi.encodeWithSelector(IModelRegistry.WeightsMismatch.selector, 2, layers[2].weights, layers[2].weights)
        );
        registry.bindAggregate(version, 0, points);
        registry.bindAggregate(version, 0, part(points, 0, 2));
    }

    /// Of 3 commitments, as attention and MLP have about, and of the most that the planner allows.
    function test_BindAggregate_Gas() public {
        uint256[2] memory counts = [uint256(3), 64];
        for (uint256 i = 0; i < 2; ++i) {
            (bytes32 version, uint256[][] memory points) = registerWithPoints(4, counts[i]);
            registry.bindAggregate(version, 0, part(points, 0, 1));
            registry.bindAggregate(version, 1, part(points, 1, 1));
            uint256 one = vm.lastCallGas().gasTotalUsed;
            registry.bindAggregate(version, 2, part(points, 2, 2));
            uint256 layer = vm.lastCallGas().gasTotalUsed - one;
            string memory name = string.concat("bind a layer of ", vm.toString(counts[i]), " weight commitments");
            vm.snapshotValue("gas", name, layer);
            // What `nanozk-chain` reckons with.
            assertLt(layer, 45_000 + 33_000 * counts[i]);
        }
    }

    /// 256 layers of four commitments, in few transactions.
    function test_BindAggregate_TheLargestModel() public {
        (bytes32 version, uint256[][] memory points) = registerWithPoints(256, 4);
        for (uint256 first = 0; first < 256; first += 64) {
            registry.bindAggregate(version, first, part(points, first, 64));
            assertLt(vm.lastCallGas().gasTotalUsed, 12_000_000);
        }
        registry.aggregationDigest(version);
    }

    // ---------------------------------------------------------------- what is refused

    function test_Register_RefusesLayersOutOfOrder() public {
        refusedLayers(new Layer[](0), 0);
        refusedLayers(layersOf(0, false), 2);
        refusedLayers(layersOf(255, true), 257);
        // An attention without its mlp.
        refusedLayers(layersOf(3, false), 4);
        register(layersOf(1, true), policyOf(3));
        for (uint256 i = 0; i < 6; ++i) {
            for (uint256 kind = 0; kind < 5; ++kind) {
                Layer[] memory layers = layersOf(4, false);
                if (layers[i].kind == LayerKind(kind)) continue;
                layers[i].kind = LayerKind(kind);
                // A block in the second place asks for blocks throughout.
                refusedLayers(layers, i == 1 && kind == 3 ? 2 : i);
            }
        }
    }

    function test_Register_RefusesTokenCountsThatAreNoPowersOfTwo() public {
        uint32[5] memory counts = [uint32(0), 2, 24, 4095, 8192];
        ModelHeader memory h = header();
        for (uint256 i = 0; i < counts.length; ++i) {
            h.tokens = counts[i];
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.BadTokenCount.selector, 4_096, counts[i]));
            registry.register(h, layersOf(2, false), policyOf(4), URI);
        }
        for (uint32 tokens = 4; tokens <= 4_096; tokens *= 2) {
            h.tokens = tokens;
            registry.register(h, layersOfShape(Activations(12, tokens, 16)), policyOf(4), URI);
        }
    }

    function test_Register_RefusesVerifiersThatAreUnknownOrOfAnotherSetup() public {
        Layer[] memory layers = layersOf(2, false);
        layers[2].verifyingKey = keccak256("unknown");
        refused(
            abi.encodeWithSelector(IVerifierRouter.UnknownVerifyingKey.selector, keccak256("unknown")),
            layers,
            policyOf(4)
        );
        bytes32 other = keccak256("another ceremony");
        layers[2].verifyingKey = router.add(address(new OddVerifier(keccak256("its key"), other)));
        refused(abi.encodeWithSelector(IModelRegistry.SetupMismatch.selector, 2, SETUP, other), layers, policyOf(4));
    }

    /// A verifier of a layer's kind, under a key of its own, whose activations are of this shape.
    function addOther(Layer memory layer, Activations memory activations) internal returns (bytes32) {
        bytes32 other = keccak256(abi.encode("other", layer.kind, activations));
        (address known,,,) = router.entry(other);
        if (known != address(0)) return other;
        OddVerifier verifier = new OddVerifier(other, SETUP);
        return router.add(address(verifier.become(uint256(layer.kind), activations)));
    }

    function layersOfShape(Activations memory activations) internal returns (Layer[] memory layers) {
        layers = layersOf(2, false);
        for (uint256 i = 0; i < layers.length; ++i) {
            layers[i].verifyingKey = addOther(layers[i], activations);
        }
    }

    /// Each layer in turn, with other rows, positions or width than the rest; all of them, with other positions than the
    /// model.
    function test_Register_RefusesNeighboursThatDoNotShareTheirActivations() public {
        Activations memory right = Activations(12, 32, 16);
        Activations[3] memory wrong = [Activations(13, 32, 16), Activations(12, 16, 16), Activations(12, 32, 8)];
        for (uint256 w = 0; w < 3; ++w) {
            for (uint256 i = 0; i < 4; ++i) {
                Layer[] memory layers = layersOf(2, false);
                layers[i].verifyingKey = addOther(layers[i], wrong[w]);
                // What the first layer has the others are compared with; the positions are the model's.
                bool first = i == 0 && w != 1;
                Activations memory got = first ? right : wrong[w];
                Activations memory expected = first ? wrong[w] : right;
                refused(
                    abi.encodeWithSelector(IModelRegistry.ActivationsMismatch.selector, first ? 1 : i, expected, got),
                    layers,
                    policyOf(4)
                );
            }
            Layer[] memory all = layersOfShape(wrong[w]);
            if (w == 1) {
                bytes memory reason =
                    abi.encodeWithSelector(IModelRegistry.ActivationsMismatch.selector, 0, right, wrong[w]);
                refused(reason, all, policyOf(4));
            } else {
                register(all, policyOf(4));
            }
        }
    }

    /// The key of every kind in the place of every other; and that of an aggregate.
    function test_Register_RefusesKeysOfAnotherKind() public {
        bytes32 aggregate = keccak256("an aggregate's key");
        OddVerifier verifier = new OddVerifier(aggregate, SETUP);
        router.add(address(verifier.become(255, Activations(12, 32, 16))));
        for (uint256 w = 0; w < 2; ++w) {
            for (uint256 i = 0; i < 4; ++i) {
                for (uint256 kind = 0; kind <= 5; ++kind) {
                    Layer[] memory layers = layersOf(2, w == 1);
                    uint256 expected = uint256(layers[i].kind);
                    if (kind == expected) continue;
                    layers[i].verifyingKey = kind == 5 ? aggregate : key(LayerKind(kind));
                    uint256 got = kind == 5 ? 255 : kind;
                    refused(
                        abi.encodeWithSelector(IModelRegistry.KindMismatch.selector, i, expected, got),
                        layers,
                        policyOf(4)
                    );
                }
            }
        }
    }

    function test_Register_DevelopmentSetupOnLocalChainsOnly() public {
        Layer[] memory layers = layersOf(1, true);
        bytes32 setup = ModelId.DEVELOPMENT_SETUP;
        for (uint256 i = 0; i < 3; ++i) {
            layers[i].verifyingKey = keccak256(abi.encode(i));
            OddVerifier verifier = new OddVerifier(layers[i].verifyingKey, setup);
            router.add(address(verifier.become(uint256(layers[i].kind), Activations(12, 32, 16))));
        }
        ModelHeader memory h = header();
        h.setup = setup;
        uint64[4] memory chains = [uint64(1), 11_155_111, 10, 31_338];
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            vm.expectRevert(abi.encodeWithSelector(IModelRegistry.DevelopmentSetup.selector, chains[i]));
            registry.register(h, layers, policyOf(3), URI);
        }
        vm.chainId(1_337);
        registry.register(h, layers, policyOf(3), URI);
        vm.chainId(31_337);
        registry.register(h, layers, policyOf(3), "again");
        // Verifiers of the development setup do not pass as a ceremony's.
        h.setup = SETUP;
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.SetupMismatch.selector, 0, SETUP, setup));
        registry.register(h, layers, policyOf(3), URI);
    }

    function test_Register_BoundsAuditWeights() public {
        assertEq(registry.auditWeightFloor(10), 25_000);
        assertEq(registry.auditWeightFloor(256), 976);
        assertEq(registry.auditWeightFloor(1_000_000), 1);
        Layer[] memory layers = layersOf(8, false);
        layers[9].auditWeight = 24_999;
        refused(
            abi.encodeWithSelector(IModelRegistry.AuditWeightBelowFloor.selector, 9, 25_000, 24_999),
            layers,
            policyOf(10)
        );
        layers[9].auditWeight = 1_000_001;
        refused(
            abi.encodeWithSelector(IModelRegistry.AuditWeightAboveMax.selector, 9, 1_000_000, 1_000_001),
            layers,
            policyOf(10)
        );
        layers[9].auditWeight = 25_000;
        register(layers, policyOf(10));
    }

    function test_Register_BoundsAuditsAssetAndMetadata() public {
        Layer[] memory layers = layersOf(2, false);
        Policy memory policy = policyOf(4);
        policy.audits = 0;
        refused(abi.encodeWithSelector(IModelRegistry.AuditCount.selector, 4, 0), layers, policy);
        policy.audits = 5;
        refused(abi.encodeWithSelector(IModelRegistry.AuditCount.selector, 4, 5), layers, policy);
        policy.audits = 4;
        policy.asset = address(1);
        refused(abi.encodeWithSelector(IModelRegistry.AssetNotAllowed.selector, address(1)), layers, policy);
        policy.asset = address(0);
        string memory long = string(new bytes(1_025));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.MetadataTooLong.selector, 1_024, 1_025));
        registry.register(header(), layers, policy, long);
        registry.register(header(), layers, policy, string(new bytes(1_024)));
    }

    function test_Register_NamesTheLayerOnWhichCheatingWouldPay() public {
        Layer[] memory layers = layersOf(2, false);
        Policy memory policy = policyOf(4);
        // The third is drawn least.
        layers[2].auditWeight = 62_500;
        uint256 p = Economics.inclusion(62_500, 812_500, policy.audits);
        uint256 needed = Economics.requiredStake(p, policy.maxPrice, policy.externalGain);
        policy.stake = uint128(needed - 1);
        refused(abi.encodeWithSelector(IModelRegistry.StakeTooLow.selector, 2, needed, needed - 1), layers, policy);
        policy.stake = uint128(needed);
        register(layers, policy);
    }

    function test_Register_NamesTheLayerWhoseChallengeIsTooCheap() public {
        Layer[] memory layers = layersOf(2, false);
        Policy memory policy = policyOf(4);
        layers[3].answerCost = policy.challengeBond;
        refused(
            abi.encodeWithSelector(
                IModelRegistry.ChallengeBondTooLow.selector, 3, policy.challengeBond + 1, policy.challengeBond
            ),
            layers,
            policy
        );
        layers[3].answerCost -= 1;
        register(layers, policy);
    }

    function test_Register_ChallengersEarnMoreThanTheyRisk() public {
        Layer[] memory layers = layersOf(2, false);
        Policy memory policy = policyOf(4);
        // Also if the provider challenges beside them.
        uint128 reward = policy.stake * 4 / 10;
        policy.challengeBond = reward / 2;
        refused(
            abi.encodeWithSelector(IModelRegistry.ChallengerRewardTooLow.selector, reward + 1, reward), layers, policy
        );
        policy.challengeBond -= 1;
        register(layers, policy);
    }

    /// Whatever is asked for: either it is refused by name, or no layer is worth a cheat.
    function testFuzz_Register_CheatingOnAnyLayerOfAnAcceptedVersionLoses(
        uint256 random,
        uint8 blocks,
        uint16 audits,
        uint96 price,
        uint96 external_,
        uint8 factor
    ) public {
        Layer[] memory layers = layersOf(uint256(bound(blocks, 1, 6)) * 2, false);
        uint256 n = layers.length;
        uint256 total = 0;
        for (uint256 i = 0; i < n; ++i) {
            layers[i].auditWeight =
                uint32(bound(uint256(keccak256(abi.encode(random, i))), registry.auditWeightFloor(n), 1_000_000));
            total += layers[i].auditWeight;
        }
        Policy memory policy = Policy(address(0), price, external_, 0, 0.1 ether, uint16(bound(audits, 1, n)));
        // About what is needed, from half to a multiple.
        policy.stake = uint128(1 ether + (uint256(price) + external_) * n * (factor % 8 + 1) / (2 * policy.audits));
        try registry.register(header(), layers, policy, URI) returns (bytes32) {
            uint256 loss = policy.stake - Economics.challengerShare(policy.stake);
            for (uint256 i = 0; i < n; ++i) {
                uint256 p = Economics.inclusion(layers[i].auditWeight, total, policy.audits);
                assertGt(p * loss, (1e18 - p) * (uint256(price) + external_) + 1e18 * Economics.noShowPenalty(price));
                assertGt(p * (loss - Economics.requesterShare(policy.stake)), (1e18 - p) * external_);
            }
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IModelRegistry.StakeTooLow.selector);
        }
    }
}
