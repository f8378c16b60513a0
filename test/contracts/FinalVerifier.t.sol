// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IFinalVerifier } from "../../contracts/interfaces/IFinalVerifier.sol";
import { Test } from "forge-std/Test.sol";

/// @title Real final proofs: test/fixtures/final-proof.json, remade by script/final-verifier
/// @notice crates/final/tests/contract.rs compares the contract with the verifier in Rust.
contract FinalVerifierTest is Test {
    uint256 private constant P = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47;
    uint256 private constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint256 private constant LENGTH = 1152;
    uint256 private constant POINTS = 5;
    uint256 private constant SCALARS = 22;
    uint256 private constant MAX_GAS = 208_000;
    uint256 private constant MAX_GAS_OF_TRANSACTION = 250_000;

    IFinalVerifier private verifier;
    string private fixture;
    bytes private proof;
    uint256[4] private inputs;

    function setUp() public {
        verifier = IFinalVerifier(deployCode("FinalVerifier.sol"));
        fixture = vm.readFile("test/fixtures/final-proof.json");
        (proof, inputs) = _read(".valid");
    }

    function _read(string memory path) private view returns (bytes memory data, uint256[4] memory publicInputs) {
        data = vm.parseJsonBytes(fixture, string.concat(path, ".proof"));
        uint256[] memory words = vm.parseJsonUintArray(fixture, string.concat(path, ".publicInputs"));
        assertEq(words.length, 4);
        for (uint256 i = 0; i < 4; ++i) {
            publicInputs[i] = words[i];
        }
    }

    // ------------------------------------------------------------------------------------------------ valid

    function test_ValidProofIsAccepted() public {
        verifier.verify(proof, inputs);
        uint256 gas = vm.lastCallGas().gasTotalUsed;
        vm.snapshotValue("gas", "verify a final proof", gas);
        assertLe(gas, MAX_GAS);
        bytes memory data = abi.encodeCall(IFinalVerifier.verify, (proof, inputs));
        uint256 transaction = 21_000 + gas;
        for (uint256 i = 0; i < data.length; ++i) {
            transaction += data[i] == 0 ? 4 : 16;
        }
        vm.snapshotValue("gas", "verify a final proof, transaction", transaction);
        assertLe(transaction, MAX_GAS_OF_TRANSACTION);
    }

    function test_CodeFits() public {
        bytes memory initCode = vm.getCode("FinalVerifier.sol");
        uint256 size = address(verifier).code.length;
        assertLe(size, 24_576);
        vm.snapshotValue("code", "FinalVerifier", size);
        vm.snapshotValue("init-code-hash", "FinalVerifier", uint256(keccak256(initCode)));
    }

    /// The contract has no state: nothing is stored, by whoever calls.
    function test_NothingIsRead() public {
        vm.record();
        verifier.verify(proof, inputs);
        (bytes32[] memory reads, bytes32[] memory writes) = vm.accesses(address(verifier));
        assertEq(reads.length + writes.length, 0);
    }

    // ---------------------------------------------------------------------------------------------- invalid

    /// A proof over a node that is not valid: all is right but the equation that remains.
    function test_EquationBelowIsChecked() public {
        (bytes memory data, uint256[4] memory publicInputs) = _read(".invalidBelow");
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        verifier.verify(data, publicInputs);
    }

    /// The factor of the points below is the challenge after all that the proof says. A valid proof is accepted with any
    /// factor, so the multiplications are looked at.
    function test_PointsBelowHaveTheLastChallenge() public {
        uint256 factor = uint256(_lastState()) % R;
        for (uint256 i = POINTS; i < POINTS + 2; ++i) {
            uint256 place = _pointAt(i);
            vm.mockCall(address(7), abi.encode(_word(place), _word(place + 1), factor), "");
            vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PrecompileFailed.selector, 7));
            verifier.verify(proof, inputs);
            vm.clearMockedCalls();
        }
        verifier.verify(proof, inputs);
    }

    /// The transcript, spelled out.
    function _lastState() private view returns (bytes32 state) {
        uint256[] memory key = vm.parseJsonUintArray(fixture, ".key.fixed");
        bytes memory said = abi.encode(vm.parseJsonUint(fixture, ".key.k"), 128, 10, key[0], key[1], inputs);
        for (uint256 i = POINTS; i < POINTS + 2; ++i) {
            (uint256 x, uint256 y) = (_word(_pointAt(i)), _word(_pointAt(i) + 1));
            said = bytes.concat(said, abi.encode(uint192(x), (x >> 192) | (uint256(uint128(y)) << 64), y >> 128));
        }
        state = keccak256("nanozk-keccak-transcript-1");
        state = keccak256(bytes.concat(state, said, _words(0, 2)));
        for (uint256 i = 0; i < 3; ++i) {
            state = keccak256(bytes.concat(state, bytes1(0x01)));
        }
        state = keccak256(bytes.concat(state, _words(2, 2)));
        state = keccak256(bytes.concat(state, _words(4, 2)));
        state = keccak256(bytes.concat(state, _words(2 * POINTS, SCALARS)));
        state = keccak256(bytes.concat(state, _words(6, 2)));
        state = keccak256(bytes.concat(state, _words(8, 2)));
    }

    function _words(uint256 from, uint256 count) private view returns (bytes memory data) {
        for (uint256 i = from; i < from + count; ++i) {
            data = bytes.concat(data, bytes32(_word(i)));
        }
    }

    function test_EveryWordCounts() public {
        uint256 points = 2 * POINTS;
        for (uint256 i = 0; i < SCALARS; ++i) {
            uint256 word = _word(points + i);
            _expectRejected(_with(points + i, word == 0 ? 1 : word - 1));
        }
        // The negative of a point, and another point.
        for (uint256 i = 0; i < POINTS + 2; ++i) {
            uint256 place = _pointAt(i);
            _expectRejected(_with(place + 1, P - _word(place + 1)));
            bytes memory other = _with(place, 1);
            _set(other, place + 1, 2);
            _expectRejected(other);
        }
        for (uint256 i = 0; i < 4; ++i) {
            uint256[4] memory others = inputs;
            others[i] -= 1;
            vm.expectRevert(IFinalVerifier.ProofRejected.selector);
            verifier.verify(proof, others);
        }
    }

    /// What remains of the proofs below is said by the proof: other points are refused though their equation is true.
    function test_PointsBelowAreThoseOfTheProof() public {
        bytes memory other = bytes.concat(proof);
        for (uint256 i = POINTS; i < POINTS + 2; ++i) {
            uint256 place = _pointAt(i);
            uint256[4] memory pair = [_word(place), _word(place + 1), _word(place), _word(place + 1)];
            (bool done, bytes memory sum) = address(6).staticcall(abi.encode(pair));
            assertTrue(done);
            (uint256 x, uint256 y) = abi.decode(sum, (uint256, uint256));
            _set(other, place, x);
            _set(other, place + 1, y);
        }
        _expectRejected(other);
    }

    function test_EveryPairOfPointsSwapped() public {
        for (uint256 i = 0; i < POINTS + 2; ++i) {
            for (uint256 j = 0; j < i; ++j) {
                (uint256 a, uint256 b) = (_pointAt(i), _pointAt(j));
                bytes memory other = bytes.concat(proof);
                for (uint256 k = 0; k < 2; ++k) {
                    _set(other, a + k, _word(b + k));
                    _set(other, b + k, _word(a + k));
                }
                _expectRejected(other);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------- form

    function test_ScalarsAreReduced() public {
        for (uint256 i = 0; i < SCALARS; ++i) {
            uint256 place = 2 * POINTS + i;
            uint256[3] memory words = [_word(place) + R, R, type(uint256).max];
            for (uint256 j = 0; j < 3; ++j) {
                bytes memory other = _with(place, words[j]);
                vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.ScalarNotReduced.selector, i));
                verifier.verify(other, inputs);
            }
            _expectRejected(_with(place, R - 1));
        }
        for (uint256 i = 0; i < 4; ++i) {
            uint256[4] memory others = inputs;
            others[i] += R;
            vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PublicInputNotReduced.selector, i));
            verifier.verify(proof, others);
            others[i] = R;
            vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PublicInputNotReduced.selector, i));
            verifier.verify(proof, others);
        }
    }

    function test_CoordinatesAreReduced() public {
        for (uint256 i = 0; i < POINTS + 2; ++i) {
            for (uint256 k = 0; k < 2; ++k) {
                uint256 place = _pointAt(i) + k;
                uint256[3] memory words = [_word(place) + P, P, type(uint256).max];
                for (uint256 j = 0; j < 3; ++j) {
                    bytes memory other = _with(place, words[j]);
                    vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.CoordinateNotReduced.selector, i));
                    verifier.verify(other, inputs);
                }
            }
        }
    }

    function test_PointsAreOnTheCurve() public {
        for (uint256 i = 0; i < POINTS + 2; ++i) {
            uint256 place = _pointAt(i);
            bytes memory infinity = _with(place, 0);
            _set(infinity, place + 1, 0);
            bytes[3] memory others = [infinity, _with(place, _word(place) - 1), _with(place + 1, _word(place + 1) - 1)];
            for (uint256 j = 0; j < 3; ++j) {
                vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PointNotOnCurve.selector, i));
                verifier.verify(others[j], inputs);
            }
        }
    }

    function test_LengthIsExact() public {
        uint256[6] memory lengths = [uint256(0), 32, LENGTH - 32, LENGTH - 1, LENGTH + 1, LENGTH + 32];
        for (uint256 i = 0; i < 6; ++i) {
            bytes memory other = new bytes(lengths[i]);
            for (uint256 j = 0; j < lengths[i] && j < LENGTH; ++j) {
                other[j] = proof[j];
            }
            vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.WrongProofLength.selector, LENGTH, lengths[i]));
            verifier.verify(other, inputs);
        }
    }

    function test_CalldataIsCanonical() public {
        bytes memory data = abi.encodeCall(IFinalVerifier.verify, (proof, inputs));
        // Something after the proof.
        _expectNotCanonical(bytes.concat(data, bytes1(0)));
        _expectNotCanonical(bytes.concat(data, bytes32(0)));
        // Something before it.
        bytes memory gap = bytes.concat(IFinalVerifier.verify.selector, abi.encode(192, inputs, 0, LENGTH), proof);
        _expectNotCanonical(gap);
        // Its length within the public inputs: the proof would be elsewhere.
        uint256[4] memory others = inputs;
        others[3] = LENGTH;
        _expectNotCanonical(bytes.concat(IFinalVerifier.verify.selector, abi.encode(128, others), proof, bytes32(0)));
        // Truncated: the compiler's decoder refuses.
        assembly ("memory-safe") {
            mstore(data, sub(mload(data), 1))
        }
        (bool accepted, bytes memory reason) = address(verifier).staticcall(data);
        assertFalse(accepted);
        assertEq(reason.length, 0);
    }

    /// Whatever gas there is, the proof is accepted, or there is no verdict.
    function test_WithoutGasThereIsNoVerdict() public {
        bytes memory data = abi.encodeCall(IFinalVerifier.verify, (proof, inputs));
        uint256 rejected = uint256(uint32(IFinalVerifier.ProofRejected.selector));
        uint256 degenerate = uint256(uint32(IFinalVerifier.DegenerateChallenge.selector));
        for (uint256 gas = 1000; gas < 240_000; gas += 997) {
            (bool accepted, bytes memory reason) = address(verifier).staticcall{ gas: gas }(data);
            if (accepted) {
                assertGt(gas, 200_000);
                continue;
            }
            uint256 selector = reason.length < 4 ? 0 : uint256(uint32(bytes4(reason)));
            assertTrue(selector != rejected && selector != degenerate);
        }
    }

    /// Where a precompiled contract is missing, a call to it succeeds and returns nothing. Nor is another answer taken for an
    /// inverse.
    function test_MissingPrecompilesAreNoticed() public {
        for (uint256 i = 5; i < 9; ++i) {
            vm.mockCall(address(uint160(i)), "", "");
            // Additions and multiplications are one step.
            vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PrecompileFailed.selector, i == 6 ? 7 : i));
            verifier.verify(proof, inputs);
            vm.clearMockedCalls();
        }
        vm.mockCall(address(5), "", abi.encode(uint256(7)));
        vm.expectRevert(abi.encodeWithSelector(IFinalVerifier.PrecompileFailed.selector, 5));
        verifier.verify(proof, inputs);
    }

    // ------------------------------------------------------------------------------------------------ words

    function _expectRejected(bytes memory other) private {
        vm.expectRevert(IFinalVerifier.ProofRejected.selector);
        verifier.verify(other, inputs);
    }

    function _expectNotCanonical(bytes memory data) private view {
        (bool accepted, bytes memory reason) = address(verifier).staticcall(data);
        assertFalse(accepted);
        assertEq(reason, abi.encodeWithSelector(IFinalVerifier.CalldataNotCanonical.selector));
    }

    /// The first word of a point: those of the accumulator come after the scalars.
    function _pointAt(uint256 index) private pure returns (uint256) {
        return 2 * index + (index < POINTS ? 0 : SCALARS);
    }

    function _word(uint256 index) private view returns (uint256 word) {
        bytes memory data = proof;
        assembly ("memory-safe") {
            word := mload(add(add(data, 32), mul(32, index)))
        }
    }

    function _with(uint256 index, uint256 word) private view returns (bytes memory data) {
        data = proof;
        _set(data, index, word);
    }

    function _set(bytes memory data, uint256 index, uint256 word) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 32), mul(32, index)), word)
        }
    }
}
