// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Headers of blocks, with a number and a RANDAO of the test's choice
library Headers {
    function encode(uint64 number, bytes32 mixHash) internal pure returns (bytes memory) {
        bytes memory hash = abi.encodePacked(hex"a0", keccak256("any"));
        bytes memory head = bytes.concat(hash, hash, hex"94", bytes20(uint160(1)), hash, hash, hash);
        bytes memory body = bytes.concat(hex"b90100", new bytes(256), hex"80", _integer(number));
        bytes memory tail = bytes.concat(hex"808001", hex"80", hex"a0", mixHash, hex"88", bytes8(0));
        bytes memory fields = bytes.concat(head, body, tail);
        // forge-lint: disable-next-line(unsafe-typecast) about 500 bytes
        return bytes.concat(hex"f9", bytes2(uint16(fields.length)), fields);
    }

    /// As long as those of mainnet in 2026: no byte of the bloom filter is zero, and there are the fields of later forks.
    function encodeFull(uint64 number, bytes32 mixHash) internal pure returns (bytes memory) {
        bytes memory hash = abi.encodePacked(hex"a0", keccak256("any"));
        bytes memory head = bytes.concat(hash, hash, hex"94", bytes20(keccak256("proposer")), hash, hash, hash);
        bytes memory bloom;
        for (uint256 i = 0; i < 8; ++i) {
            bloom = bytes.concat(bloom, keccak256(abi.encode("bloom", i)));
        }
        // Difficulty, number, gas limit, gas used, time.
        bytes memory middle = bytes.concat(hex"80", _integer(number), hex"84039386c7", hex"8401c9c380", hex"846789abcd");
        bytes memory tail = bytes.concat(hex"95", bytes21(keccak256("builder")), hex"a0", mixHash, hex"88", bytes8(0));
        // Base fee, withdrawals, blob gas used, excess blob gas, parent beacon block, requests.
        bytes memory later = bytes.concat(hex"8502540be400", hash, hex"830c0000", hex"8404b80000", hash, hash);
        bytes memory fields = bytes.concat(head, hex"b90100", bloom, middle, tail, later);
        // forge-lint: disable-next-line(unsafe-typecast) about 700 bytes
        return bytes.concat(hex"f9", bytes2(uint16(fields.length)), fields);
    }

    function _integer(uint64 value) private pure returns (bytes memory) {
        require(value > 0x7f);
        uint256 length = 0;
        for (uint64 rest = value; rest != 0; rest >>= 8) {
            ++length;
        }
        bytes memory digits = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            digits[length - 1 - i] = bytes1(uint8(value >> 8 * i));
        }
        return bytes.concat(bytes1(uint8(0x80 + length)), digits);
    }
}
