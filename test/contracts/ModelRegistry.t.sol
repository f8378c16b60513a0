// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { BondEscrow } from "../../contracts/BondEscrow.sol";
import { ModelRegistry } from "../../contracts/ModelRegistry.sol";
import { Bindings, IModelRegistry, Layer, ModelHeader, Policy } from "../../contracts/interfaces/IModelRegistry.sol";
import { AuditDraw } from "../../contracts/libraries/AuditDraw.sol";
import { Economics } from "../../contracts/libraries/Economics.sol";
import { FoldKeys } from "../../contracts/libraries/FoldKeys.sol";
import { ModelId } from "../../contracts/libraries/ModelId.sol";
import { ScriptedVerifier } from "./support/ScriptedVerifier.sol";
import { Test, Vm } from "forge-std/Test.sol";

contract ModelRegistryTest is Test {
    string internal constant URI = "ipfs://metadata";

    address internal guardian = makeAddr("guardian");
    address internal verifier = address(new ScriptedVerifier(0));
    BondEscrow internal escrow;
    ModelRegistry internal registry;

    function setUp() public {
        address[] memory assets = new address[](1);
        escrow = new BondEscrow(new address[](0), assets, 0);
        registry = new ModelRegistry(escrow, guardian);
    }

    function headerOf(uint256 layers) internal pure returns (ModelHeader memory) {
        return ModelHeader({
            dimensions: keccak256("dimensions"),
            tokenizer: keccak256("tokenizer"),
            weights: keccak256("weights"),
            programs: keccak256("programs"),
            setup: FoldKeys.SETUP,
            fractions: bytes32(uint256(0xffff)),
            tokens: 32,
            layers: uint16(layers),
            k: 18
        });
    }

    /// Each with an even share.
    function layersOf(uint256 n) internal pure returns (Layer[] memory layers) {
        layers = new Layer[](n);
        for (uint256 i = 0; i < n; ++i) {
            layers[i] = Layer(uint32(1_000_000 / n), 0.01 ether);
        }
    }

    /// Half of the layers are drawn, and the stake is ample.
    function policyOf(uint256 layers) internal pure returns (Policy memory) {
        return Policy(address(0), 1 ether, 1 ether, 100 ether, 0.1 ether, uint16((layers + 1) / 2));
    }

    function register(Layer[] memory layers, Policy memory policy) internal returns (bytes32) {
        return registry.register(headerOf(layers.length), layers, policy, verifier, URI);
    }

    function registerHeader(ModelHeader memory header) internal returns (bytes32) {
        return registry.register(header, layersOf(4), policyOf(4), verifier, URI);
    }

    function refused(bytes memory reason, Layer[] memory layers, Policy memory policy) internal {
        vm.expectRevert(reason);
        register(layers, policy);
        assertEq(registry.versionCount(), 0);
    }

    function refusedHeader(bytes memory reason, ModelHeader memory header) internal {
        vm.expectRevert(reason);
        registerHeader(header);
    }

    // ---------------------------------------------------------------- ids

    /// The model id of docs/format.md, word for word.
    function testFuzz_ModelId_IsThatOfTheFormat(ModelHeader memory h) public view {
        bytes memory words = abi.encodePacked(bytes("nanozk-model-3"), h.dimensions, h.tokenizer, h.weights);
        words = abi.encodePacked(words, h.programs, h.setup, uint256(h.tokens), uint256(h.layers), uint256(h.k));
        words = abi.encodePacked(words, h.fractions);
        assertEq(words.length, 14 + 9 * 32);
        assertEq(registry.modelIdOf(h), keccak256(words));
    }

    function testFuzz_ModelId_BindsAllOfTheHeader(uint256 what, uint256 by) public view {
        ModelHeader memory h = headerOf(4);
        bytes32 id = registry.modelIdOf(h);
        (what, by) = (bound(what, 0, 8), bound(by, 1, 255));
        if (what == 0) h.dimensions ^= bytes32(by);
        else if (what == 1) h.tokenizer ^= bytes32(by);
        else if (what == 2) h.weights ^= bytes32(by);
        else if (what == 3) h.programs ^= bytes32(by);
        else if (what == 4) h.setup ^= bytes32(by);
        else if (what == 5) h.fractions ^= bytes32(by);
        else if (what == 6) h.tokens ^= uint32(by);
        else if (what == 7) h.layers ^= uint16(by);
        else h.k ^= uint8(by);
        assertNotEq(registry.modelIdOf(h), id);
    }

    function test_VersionId_IsOfAllThatIsRegistered() public {
        Layer[] memory layers = layersOf(6);
        Policy memory policy = policyOf(6);
        ModelHeader memory header = headerOf(6);
        bytes32 modelId = registry.modelIdOf(header);
        bytes32 expected =
            keccak256(abi.encode(modelId, keccak256(abi.encode(layers)), policy, verifier, keccak256(bytes(URI))));
        assertEq(registry.versionIdOf(header, layers, policy, verifier, URI), expected);
        assertEq(register(layers, policy), expected);
        assertNotEq(registry.versionIdOf(header, layers, policy, verifier, "another"), expected);
        assertNotEq(registry.versionIdOf(header, layers, policy, address(1), URI), expected);
        header.k += 1;
        assertNotEq(registry.versionIdOf(header, layers, policy, verifier, URI), expected);
        header.k -= 1;
        layers[0].answerCost += 1;
        assertNotEq(registry.versionIdOf(header, layers, policy, verifier, URI), expected);
        layers[0].answerCost -= 1;
        layers[5].auditWeight += 1;
        assertNotEq(registry.versionIdOf(header, layers, policy, verifier, URI), expected);
        layers[5].auditWeight -= 1;
        policy.stake += 1;
        assertNotEq(registry.versionIdOf(header, layers, policy, verifier, URI), expected);
    }

    // ---------------------------------------------------------------- what is stored

    function testFuzz_Register_EverythingCanBeReadBack(uint8 count, address sender) public {
        uint256 n = bound(count, 1, 40);
        Layer[] memory layers = layersOf(n);
        for (uint256 i = 0; i < n; ++i) {
            layers[i].auditWeight -= uint32(i);
            layers[i].answerCost += uint128(i << 7);
        }
        Policy memory policy = policyOf(n);
        ModelHeader memory header = headerOf(n);
        bytes32 modelId = registry.modelIdOf(header);
        bytes32 version = registry.versionIdOf(header, layers, policy, verifier, URI);
        assertFalse(registry.exists(version));
        vm.expectEmit(address(registry));
        emit IModelRegistry.VerifierPinned(verifier, verifier.codehash);
        vm.expectEmit(address(registry));
        emit IModelRegistry.VersionRegistered(version, modelId, verifier, header, policy, URI);
        vm.prank(sender);
        register(layers, policy);
        assertTrue(registry.exists(version));
        assertTrue(registry.usable(version));
        assertTrue(registry.verifierUsable(verifier));
        assertEq(registry.modelId(version), modelId);
        assertEq(registry.verifier(version), verifier);
        assertEq(registry.metadataURI(version), URI);
        assertEq(registry.layerCount(version), n);
        assertEq(abi.encode(registry.layers(version)), abi.encode(layers));
        assertEq(abi.encode(registry.policy(version)), abi.encode(policy));
        assertEq(abi.encode(registry.header(version)), abi.encode(header));
        Bindings memory expected = Bindings(modelId, header.programs, verifier, uint16(n), true);
        assertEq(abi.encode(registry.bindings(version)), abi.encode(expected));
        uint32[] memory weights = registry.auditWeights(version);
        assertEq(weights.length, n);
        for (uint256 i = 0; i < n; ++i) {
            assertEq(abi.encode(registry.layer(version, i)), abi.encode(layers[i]));
            assertEq(weights[i], layers[i].auditWeight);
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NoSuchLayer.selector, n, n));
        registry.layer(version, n);
        assertEq(registry.versionCount(), 1);
        assertEq(registry.versionAt(0), version);
    }

    function test_Register_254LayersFitIntoATransaction() public {
        Layer[] memory layers = layersOf(254);
        for (uint256 i = 0; i < 254; ++i) {
            layers[i].auditWeight = uint32(1_000_000 - i);
        }
        Policy memory policy = policyOf(254);
        uint256 before = gasleft();
        bytes32 version = register(layers, policy);
        // With the calldata's gas, below the 16,777,216 of EIP-7825.
        assertLt(before - gasleft(), 10_000_000);
        assertEq(abi.encode(registry.layers(version)), abi.encode(layers));
        assertEq(registry.auditWeights(version)[253], 1_000_000 - 253);
        before = gasleft();
        registry.usable(version);
        assertLt(before - gasleft(), 20_000);
    }

    /// Whoever sees a registration pending can send it first, and has nothing of it: the version is the same, it names
    /// nobody, and the registration that comes second succeeds and changes nothing.
    function test_Register_AppendOnlyAndTheSameForEverybody() public {
        vm.prank(makeAddr("whoever is first"));
        bytes32 version = register(layersOf(4), policyOf(4));
        vm.recordLogs();
        vm.startStateDiffRecording();
        assertEq(register(layersOf(4), policyOf(4)), version);
        Vm.AccountAccess[] memory accesses = vm.stopAndReturnStateDiff();
        for (uint256 i = 0; i < accesses.length; ++i) {
            for (uint256 j = 0; j < accesses[i].storageAccesses.length; ++j) {
                assertFalse(accesses[i].storageAccesses[j].isWrite);
            }
        }
        assertEq(vm.getRecordedLogs().length, 0);
        bytes32 second = register(layersOf(3), policyOf(3));
        assertEq(registry.versionCount(), 2);
        assertEq(registry.versionAt(1), second);
    }

    function test_Views_RefuseUnknownVersions() public {
        bytes32 version = keccak256("unknown");
        bytes[11] memory calls = [
            abi.encodeCall(IModelRegistry.modelId, (version)),
            abi.encodeCall(IModelRegistry.header, (version)),
            abi.encodeCall(IModelRegistry.policy, (version)),
            abi.encodeCall(IModelRegistry.bindings, (version)),
            abi.encodeCall(IModelRegistry.verifier, (version)),
            abi.encodeCall(IModelRegistry.layerCount, (version)),
            abi.encodeCall(IModelRegistry.layer, (version, 0)),
            abi.encodeCall(IModelRegistry.layers, (version)),
            abi.encodeCall(IModelRegistry.auditWeights, (version)),
            abi.encodeCall(IModelRegistry.metadataURI, (version)),
            abi.encodeCall(IModelRegistry.usable, (version))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok, bytes memory reason) = address(registry).staticcall(calls[i]);
            assertFalse(ok);
            assertEq(reason, abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, version));
        }
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.UnknownVersion.selector, version));
        registry.draw(version, "seed", "claim");
        assertFalse(registry.exists(version));
    }

    /// The draw of the library, over the version's weights, as a set.
    function testFuzz_Draw_IsThatOfTheWeights(bytes32 seed, bytes32 claim, uint8 audits) public {
        Layer[] memory layers = layersOf(9);
        for (uint256 i = 0; i < 9; ++i) {
            layers[i].auditWeight += uint32(10_000 * i);
        }
        Policy memory policy = policyOf(9);
        policy.audits = uint16(bound(audits, 1, 9));
        bytes32 version = register(layers, policy);
        uint256[] memory all = AuditDraw.draw(registry.auditWeights(version), policy.audits, seed, claim);
        uint256 expected = 0;
        for (uint256 i = 0; i < all.length; ++i) {
            expected |= 1 << all[i];
        }
        assertEq(registry.draw(version, seed, claim), expected);
    }

    // ---------------------------------------------------------------- verifiers

    function test_Freeze_GuardianOnlyAtOnceAndForEver() public {
        bytes32 version = register(layersOf(4), policyOf(4));
        address other = address(new ScriptedVerifier(1));
        bytes32 untouched = registry.register(headerOf(4), layersOf(4), policyOf(4), other, URI);
        assertEq(registry.guardian(), guardian);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.NotGuardian.selector, address(this)));
        registry.freeze(verifier, "");
        vm.startPrank(guardian);
        vm.expectEmit(address(registry));
        emit IModelRegistry.VerifierFrozen(verifier, "a bug");
        registry.freeze(verifier, "a bug");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierAlreadyFrozen.selector, verifier));
        registry.freeze(verifier, "again");
        vm.stopPrank();
        assertTrue(registry.isFrozen(verifier));
        assertFalse(registry.verifierUsable(verifier));
        assertFalse(registry.usable(version));
        assertFalse(registry.bindings(version).usable);
        assertTrue(registry.usable(untouched));
        assertFalse(registry.isFrozen(other));
        // What is there stays there; nothing new can be registered with it.
        assertEq(register(layersOf(4), policyOf(4)), version);
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, verifier));
        register(layersOf(3), policyOf(3));
    }

    /// Before anything was registered with it, too.
    function test_Freeze_OfAVerifierOfNoVersion() public {
        vm.prank(guardian);
        registry.freeze(verifier, "");
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, verifier));
        register(layersOf(4), policyOf(4));
        assertFalse(registry.verifierUsable(address(2)));
    }

    function test_Register_RefusesAVerifierWithoutCode() public {
        verifier = makeAddr("nothing");
        refused(abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, verifier), layersOf(4), policyOf(4));
        // That has a balance and no code: then its code hash is not zero.
        vm.deal(verifier, 1);
        refused(abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, verifier), layersOf(4), policyOf(4));
    }

    /// The first version fixes which code it is: another code at this address is never used.
    function test_Register_PinsTheVerifiersCode() public {
        bytes32 version = register(layersOf(4), policyOf(4));
        vm.recordLogs();
        register(layersOf(5), policyOf(5));
        assertEq(vm.getRecordedLogs().length, 1, "pinned once");
        bytes memory code = verifier.code;
        vm.etch(verifier, address(new ScriptedVerifier(1)).code);
        assertFalse(registry.usable(version));
        assertFalse(registry.isFrozen(verifier));
        vm.expectRevert(abi.encodeWithSelector(IModelRegistry.VerifierUnusable.selector, verifier));
        register(layersOf(3), policyOf(3));
        vm.etch(verifier, "");
        assertFalse(registry.usable(version));
        vm.etch(verifier, code);
        assertTrue(registry.usable(version));
    }

    // ---------------------------------------------------------------- what is refused

    function test_Register_RefusesLayerCounts() public {
        ModelHeader memory h = headerOf(4);
        uint16[3] memory counts = [uint16(0), 255, type(uint16).max];
        for (uint256 i = 0; i < 3; ++i) {
            h.layers = counts[i];
            refusedHeader(abi.encodeWithSelector(IModelRegistry.LayerCount.selector, 254, counts[i], counts[i]), h);
        }
        // As many as the header says.
        h.layers = 3;
        refusedHeader(abi.encodeWithSelector(IModelRegistry.LayerCount.selector, 254, 3, 4), h);
        h.layers = 5;
        refusedHeader(abi.encodeWithSelector(IModelRegistry.LayerCount.selector, 254, 5, 4), h);
        register(layersOf(1), policyOf(1));
    }

    function test_Register_RefusesTokenCountsThatAreNoPowersOfTwo() public {
        uint32[6] memory counts = [uint32(0), 1, 2, 24, 4095, 8192];
        ModelHeader memory h = headerOf(4);
        for (uint256 i = 0; i < counts.length; ++i) {
            h.tokens = counts[i];
            refusedHeader(abi.encodeWithSelector(IModelRegistry.BadTokenCount.selector, 4_096, counts[i]), h);
        }
        for (uint32 tokens = 4; tokens <= 4_096; tokens *= 2) {
            h.tokens = tokens;
            registerHeader(h);
        }
    }

    /// Keys of nodes are under one setup: models under others are refused, also where none but the local chains would
    /// take the development setup.
    function testFuzz_Register_RefusesAnotherSetup(bytes32 setup) public {
        vm.assume(setup != FoldKeys.SETUP);
        ModelHeader memory h = headerOf(4);
        h.setup = setup;
        refusedHeader(abi.encodeWithSelector(IModelRegistry.SetupMismatch.selector, FoldKeys.SETUP, setup), h);
        vm.chainId(1);
        refusedHeader(abi.encodeWithSelector(IModelRegistry.SetupMismatch.selector, FoldKeys.SETUP, setup), h);
    }

    function test_Register_DevelopmentSetupOnLocalChainsOnly() public {
        ModelHeader memory h = headerOf(4);
        assertTrue(ModelId.isDevelopment(ModelId.DEVELOPMENT_SETUP));
        assertFalse(ModelId.isDevelopment(keccak256("a ceremony")));
        uint64[4] memory chains = [uint64(1), 11_155_111, 10, 31_338];
        for (uint256 i = 0; i < chains.length; ++i) {
            vm.chainId(chains[i]);
            if (ModelId.isDevelopment(FoldKeys.SETUP)) {
                refusedHeader(abi.encodeWithSelector(IModelRegistry.DevelopmentSetup.selector, chains[i]), h);
            }
        }
        vm.chainId(1_337);
        registerHeader(h);
        vm.chainId(31_337);
        h.k += 1;
        registerHeader(h);
    }

    function test_Register_BoundsAuditWeights() public {
        assertEq(registry.auditWeightFloor(10), 25_000);
        assertEq(registry.auditWeightFloor(254), 984);
        assertEq(registry.auditWeightFloor(1_000_000), 1);
        Layer[] memory layers = layersOf(10);
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
        Layer[] memory layers = layersOf(4);
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
        registry.register(headerOf(4), layers, policy, verifier, long);
        registry.register(headerOf(4), layers, policy, verifier, string(new bytes(1_024)));
    }

    function test_Register_NamesTheLayerOnWhichCheatingWouldPay() public {
        Layer[] memory layers = layersOf(4);
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
        Layer[] memory layers = layersOf(4);
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
        Layer[] memory layers = layersOf(4);
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
        uint8 count,
        uint16 audits,
        uint96 price,
        uint96 external_,
        uint8 factor
    ) public {
        uint256 n = bound(count, 1, 14);
        Layer[] memory layers = layersOf(n);
        uint256 total = 0;
        for (uint256 i = 0; i < n; ++i) {
            layers[i].auditWeight =
                uint32(bound(uint256(keccak256(abi.encode(random, i))), registry.auditWeightFloor(n), 1_000_000));
            total += layers[i].auditWeight;
        }
        Policy memory policy = Policy(address(0), price, external_, 0, 0.1 ether, uint16(bound(audits, 1, n)));
        // About what is needed, from half to a multiple.
        policy.stake = uint128(1 ether + (uint256(price) + external_) * n * (factor % 8 + 1) / (2 * policy.audits));
        try registry.register(headerOf(n), layers, policy, verifier, URI) returns (bytes32) {
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
