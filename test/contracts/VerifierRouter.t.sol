// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { VerifierRouter } from "../../contracts/VerifierRouter.sol";
import { ILayerVerifier } from "../../contracts/interfaces/ILayerVerifier.sol";
import { IVerifierRouter } from "../../contracts/interfaces/IVerifierRouter.sol";
import { OddVerifier } from "./support/OddVerifiers.sol";
import { Test } from "forge-std/Test.sol";

contract VerifierRouterTest is Test {
    bytes32 internal constant KEY = keccak256("key");
    bytes32 internal constant SETUP = keccak256("setup");

    address internal curator = makeAddr("curator");
    address internal guardian = makeAddr("guardian");
    VerifierRouter internal router = new VerifierRouter(curator, guardian);
    OddVerifier internal verifier = new OddVerifier(KEY, SETUP);

    function add(address verifier_) internal returns (bytes32) {
        vm.prank(curator);
        return router.add(verifier_);
    }

    function freeze() internal {
        vm.prank(guardian);
        router.freeze(KEY, "a bug");
    }

    function verify(bytes memory answer) internal view returns (bytes32, bytes32, bytes32) {
        return router.verify(KEY, answer, new uint256[](2));
    }

    function test_Add_PinsAddressCodeAndSetup() public {
        assertEq(router.curator(), curator);
        assertEq(router.guardian(), guardian);
        assertFalse(router.usable(KEY));
        vm.expectEmit(address(router));
        emit IVerifierRouter.VerifierAdded(KEY, address(verifier), address(verifier).codehash, SETUP);
        assertEq(add(address(verifier)), KEY);
        (address address_, bytes32 codeHash, bytes32 setup, bool frozen) = router.entry(KEY);
        assertEq(address_, address(verifier));
        assertEq(codeHash, address(verifier).codehash);
        assertEq(setup, SETUP);
        assertFalse(frozen);
        assertTrue(router.usable(KEY));
    }

    function test_Add_CuratorOnlyAndOncePerKey() public {
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.NotCurator.selector, guardian));
        router.add(address(verifier));
        add(address(verifier));
        OddVerifier other = new OddVerifier(KEY, SETUP);
        vm.prank(curator);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.AlreadyAdded.selector, KEY));
        router.add(address(other));
    }

    function test_Add_RefusesAnAddressWithoutCode() public {
        vm.prank(curator);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.NoCode.selector, guardian));
        router.add(guardian);
    }

    function test_Freeze_GuardianOnlyAtOnceAndForEver() public {
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.UnknownVerifyingKey.selector, KEY));
        router.freeze(KEY, "");
        add(address(verifier));
        vm.prank(curator);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.NotGuardian.selector, curator));
        router.freeze(KEY, "");
        vm.expectEmit(address(router));
        emit IVerifierRouter.VerifierFrozen(KEY, "a bug");
        freeze();
        assertFalse(router.usable(KEY));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.Frozen.selector, KEY));
        verify(abi.encodePacked(uint8(0), new bytes(96)));
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.Frozen.selector, KEY));
        router.freeze(KEY, "");
        // Its tombstone stays.
        OddVerifier other = new OddVerifier(KEY, SETUP);
        vm.prank(curator);
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.AlreadyAdded.selector, KEY));
        router.add(address(other));
        (,,, bool frozen) = router.entry(KEY);
        assertTrue(frozen);
    }

    /// Deadlines are moved by it: the time is kept of each key, and of the last one under each setup.
    function test_Freeze_KeepsItsTime() public {
        assertEq(router.frozenAt(KEY), 0);
        assertEq(router.lastFreeze(SETUP), 0);
        add(address(verifier));
        OddVerifier other = new OddVerifier("another key", SETUP);
        add(address(other));
        freeze();
        uint64 first = uint64(block.timestamp);
        assertEq(router.frozenAt(KEY), first);
        assertEq(router.lastFreeze(SETUP), first);
        vm.warp(first + 100);
        vm.prank(guardian);
        router.freeze("another key", "");
        assertEq(router.frozenAt(KEY), first);
        assertEq(router.frozenAt("another key"), first + 100);
        assertEq(router.lastFreeze(SETUP), first + 100);
        assertEq(router.lastFreeze("another setup"), 0);
    }

    function testFuzz_Verify_ReturnsWhatTheVerifierReturns(bytes32 a, bytes32 b, bytes32 c) public {
        add(address(verifier));
        (bytes32 input, bytes32 output, bytes32 weights) = verify(abi.encodePacked(uint8(0), a, b, c));
        assertEq(input, a);
        assertEq(output, b);
        assertEq(weights, c);
    }

    function test_Verify_PassesProofAndInstancesOn() public {
        add(address(verifier));
        uint256[] memory instances = new uint256[](3);
        instances[2] = 7;
        bytes memory proof = abi.encodePacked(uint8(0), new bytes(96));
        vm.expectCall(address(verifier), abi.encodeCall(ILayerVerifier.verify, (proof, instances)));
        router.verify(KEY, proof, instances);
    }

    function testFuzz_Verify_RefusesAnyOtherLength(uint256 length) public {
        length = bound(length, 0, 400);
        vm.assume(length != 96);
        add(address(verifier));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.BadReturn.selector, verifier, length));
        verify(abi.encodePacked(uint8(0), new bytes(length)));
    }

    function testFuzz_Verify_BubblesTheVerifiersError(bytes memory reason) public {
        add(address(verifier));
        vm.expectRevert(reason);
        verify(abi.encodePacked(uint8(1), reason));
    }

    function test_Verify_RefusesUnknownKeys() public {
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.UnknownVerifyingKey.selector, KEY));
        verify(abi.encodePacked(uint8(0), new bytes(96)));
    }

    function test_Verify_RefusesASubstitutedVerifier() public {
        add(address(verifier));
        bytes32 expected = address(verifier).codehash;
        OddVerifier other = new OddVerifier(KEY, keccak256("another setup"));
        vm.etch(address(verifier), address(other).code);
        assertFalse(router.usable(KEY));
        vm.expectRevert(
            abi.encodeWithSelector(IVerifierRouter.CodeChanged.selector, verifier, expected, address(other).codehash)
        );
        verify(abi.encodePacked(uint8(0), new bytes(96)));
    }

    function test_Verify_RefusesAVerifierWhoseCodeIsGone() public {
        add(address(verifier));
        vm.etch(address(verifier), "");
        assertFalse(router.usable(KEY));
        vm.expectRevert(abi.encodeWithSelector(IVerifierRouter.NoCode.selector, verifier));
        verify(abi.encodePacked(uint8(0), new bytes(96)));
    }
}
