// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Numbers here are far below their types' limits.
// forge-lint: disable-start(unsafe-typecast)

import { IAuditBeacon } from "../../contracts/interfaces/IAuditBeacon.sol";
import { BlockHeader } from "../../contracts/libraries/BlockHeader.sol";
import { HeaderFixtures } from "./support/HeaderFixtures.sol";

contract BlockHeaderHarness {
    function parse(bytes calldata header) external pure returns (uint256 number, bytes32 mixHash) {
        return BlockHeader.parse(header);
    }
}

contract BlockHeaderTest is HeaderFixtures {
    BlockHeaderHarness internal harness = new BlockHeaderHarness();

    /// Offsets in a header of the prefixes of its fields up to the bloom filter.
    uint256[7] internal prefixes = [uint256(3), 36, 69, 90, 123, 156, 189];

    function setUp() public {
        loadHeaders();
    }

    function parse(bytes memory header) internal view returns (bool ok, uint256 number, bytes32 mixHash) {
        bytes memory returned;
        (ok, returned) = address(harness).staticcall(abi.encodeCall(BlockHeaderHarness.parse, (header)));
        // No panic, no empty reason.
        if (ok) (number, mixHash) = abi.decode(returned, (uint256, bytes32));
        else assertEq(returned, abi.encodeWithSelector(IAuditBeacon.MalformedHeader.selector));
    }

    /// The header with other bytes instead of `length` at `start`, and the length in its prefix corrected.
    function splice(bytes memory header, uint256 start, uint256 length, bytes memory with)
        internal
        pure
        returns (bytes memory out)
    {
        out = new bytes(header.length - length + with.length);
        for (uint256 i = 0; i < out.length; ++i) {
            if (i < start) out[i] = header[i];
            else if (i < start + with.length) out[i] = with[i - start];
            else out[i] = header[i - with.length + length];
        }
        (out[1], out[2]) = (bytes1(uint8((out.length - 3) >> 8)), bytes1(uint8(out.length - 3)));
    }

    function assertRefused(bytes memory header) internal view {
        (bool ok,,) = parse(header);
        assertFalse(ok);
    }

    function test_Parse_HeadersOfEveryFork() public view {
        for (uint256 i = 0; i < headers.length; ++i) {
            assertEq(keccak256(headers[i].rlp), headers[i].hash);
            (bool ok, uint256 number, bytes32 mixHash) = parse(headers[i].rlp);
            assertTrue(ok);
            assertEq(number, headers[i].number);
            assertEq(mixHash, headers[i].mixHash);
            assertNotEq(mixHash, 0);
        }
    }

    function test_Parse_IsCheap() public view {
        bytes memory header = headers[24].rlp;
        uint256 before = gasleft();
        harness.parse(header);
        assertLt(before - gasleft(), 40_000);
    }

    function testFuzz_Parse_AChangedByteNeverPanics(uint256 which, uint256 place, uint8 flip) public view {
        bytes memory header = headers[which % headers.length].rlp;
        flip = uint8(bound(flip, 1, 255));
        place = bound(place, 0, header.length - 1);
        header[place] ^= bytes1(flip);
        // What matters is that it never panics: the hash refuses it anyway.
        parse(header);
    }

    function testFuzz_Parse_AnythingIsRefusedProperly(bytes memory anything) public view {
        parse(anything);
        parse(bytes.concat(hex"f90200", anything));
    }

    function test_Parse_RefusesOtherKindsOfFields() public view {
        bytes memory header = headers[0].rlp;
        for (uint256 i = 0; i < prefixes.length; ++i) {
            for (uint256 v = 0; v < 256; ++v) {
                bytes memory changed = bytes.concat(header);
                changed[prefixes[i]] = bytes1(uint8(v));
                (bool ok,,) = parse(changed);
                assertEq(ok, changed[prefixes[i]] == header[prefixes[i]]);
            }
        }
    }

    function testFuzz_Parse_RefusesCutAndExtendedHeaders(uint256 which, uint256 cut, bytes memory more) public view {
        bytes memory header = headers[which % headers.length].rlp;
        vm.assume(more.length != 0);
        assertRefused(bytes.concat(header, more));
        cut = bound(cut, 1, header.length - 3);
        bytes memory shorter = splice(header, header.length - cut, cut, "");
        (bool ok,,) = parse(shorter);
        // Only optional fields may be missing, wholly.
        if (ok) assertGe(shorter.length, headers[0].rlp.length - 10);
        assembly ("memory-safe") {
            mstore(header, sub(mload(header), cut))
        }
        assertRefused(header);
    }

    function test_Parse_RefusesNumbersThatAreNotCanonical() public view {
        // Block 1 of the first fork: difficulty 0x80 at 448, number 0x01 at 449.
        bytes memory header = headers[0].rlp;
        assertEq(header[449], bytes1(0x01));
        (bool ok, uint256 number,) = parse(splice(header, 449, 1, hex"820100"));
        assertTrue(ok);
        assertEq(number, 256);
        (ok, number,) = parse(splice(header, 449, 1, hex"80"));
        assertTrue(ok);
        assertEq(number, 0);
        assertRefused(splice(header, 449, 1, hex"00"));
        assertRefused(splice(header, 449, 1, hex"8101"));
        assertRefused(splice(header, 449, 1, hex"820001"));
        assertRefused(splice(header, 449, 1, hex"b80101"));
        assertRefused(splice(header, 449, 1, hex"c101"));
        bytes memory word = abi.encodePacked(type(uint256).max);
        (ok, number,) = parse(splice(header, 449, 1, bytes.concat(hex"a0", word)));
        assertTrue(ok);
        assertEq(number, type(uint256).max);
        assertRefused(splice(header, 449, 1, bytes.concat(hex"a101", word)));
    }

    function test_Parse_RefusesMixHashAndNonceOfOtherLengths() public view {
        for (uint256 i = 0; i < headers.length; i += 5) {
            bytes memory header = headers[i].rlp;
            uint256 mixHash = find(header, headers[i].mixHash);
            bytes memory shorter = bytes.concat(hex"9f", new bytes(31));
            assertRefused(splice(header, mixHash - 1, 33, shorter));
            assertRefused(splice(header, mixHash - 1, 33, bytes.concat(hex"a1", new bytes(33))));
            uint256 nonce = mixHash + 32;
            assertEq(header[nonce], bytes1(0x88));
            assertRefused(splice(header, nonce, 9, bytes.concat(hex"87", new bytes(7))));
            assertRefused(splice(header, nonce, 9, bytes.concat(hex"89", new bytes(9))));
            // Nothing after the mix hash, and nothing after the nonce: the least of a header.
            assertRefused(splice(header, nonce, header.length - nonce, ""));
            (bool ok,,) = parse(splice(header, nonce + 9, header.length - nonce - 9, ""));
            assertTrue(ok);
        }
    }

    function find(bytes memory header, bytes32 word) internal pure returns (uint256 offset) {
        bytes32 found;
        for (; found != word; ++offset) {
            assembly ("memory-safe") {
                found := mload(add(add(header, 0x20), offset))
            }
        }
        --offset;
    }

    function test_Parse_AcceptsFieldsOfForksToComeWithinReason() public view {
        bytes memory header = headers[24].rlp;
        assertRefused(appended(header, hex"c0"));
        assertRefused(appended(header, hex"a0"));
        assertRefused(appended(header, new bytes(32)));
        // 21 fields so far, of at most 32.
        for (uint256 fields = 22; fields <= 32; ++fields) {
            header = appended(header, bytes.concat(hex"a0", keccak256("new")));
            (bool ok,,) = parse(header);
            assertTrue(ok);
        }
        assertRefused(appended(header, hex"80"));
    }

    function test_Parse_LengthsHaveOneEncoding() public view {
        bytes memory header = headers[24].rlp;
        bytes[5] memory refused = [
            bytes.concat(hex"b837", new bytes(55)),
            bytes.concat(hex"b90038", new bytes(56)),
            bytes.concat(hex"b900ff", new bytes(255)),
            bytes.concat(hex"ba000100", new bytes(256)),
            bytes.concat(hex"b838", new bytes(55))
        ];
        for (uint256 i = 0; i < refused.length; ++i) {
            assertRefused(appended(header, refused[i]));
        }
        bytes[4] memory accepted = [
            bytes.concat(hex"b7", new bytes(55)),
            bytes.concat(hex"b838", new bytes(56)),
            bytes.concat(hex"b8ff", new bytes(255)),
            bytes.concat(hex"b90100", new bytes(256))
        ];
        for (uint256 i = 0; i < accepted.length; ++i) {
            (bool ok,,) = parse(appended(header, accepted[i]));
            assertTrue(ok);
        }
    }

    function appended(bytes memory header, bytes memory field) internal pure returns (bytes memory) {
        return splice(header, header.length, 0, field);
    }
}
