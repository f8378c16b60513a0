// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { IAuditBeacon } from "../interfaces/IAuditBeacon.sol";

/// @title Number and RANDAO out of the RLP of a block's header
/// @notice Only the canonical encoding of a list of strings is accepted, with the fields that Ethereum's headers have
/// since the merge, and any that later forks append. Whoever uses it compares the header's hash first.
library BlockHeader {
    uint256 private constant LOGS_BLOOM = 6;
    uint256 private constant DIFFICULTY = 7;
    uint256 private constant NUMBER = 8;
    uint256 private constant TIMESTAMP = 11;
    uint256 private constant EXTRA_DATA = 12;
    uint256 private constant MIX_HASH = 13;
    uint256 private constant NONCE = 14;
    /// Lengths of the fields up to the bloom filter, and from the extra data to the nonce.
    bytes7 private constant HASHES = 0x20201420202000;
    /// Forks append fields; more than this are not a header.
    uint256 private constant MAX_FIELDS = 32;

    /// @return number The block's number.
    /// @return mixHash Its `prevrandao`.
    function parse(bytes calldata header) internal pure returns (uint256 number, bytes32 mixHash) {
        // A list of 256 to 65,535 bytes: the bloom filter alone has 256.
        require(header.length > 3 && header[0] == 0xf9, IAuditBeacon.MalformedHeader());
        require(uint16(bytes2(header[1:3])) + 3 == header.length, IAuditBeacon.MalformedHeader());
        bytes calldata rest = header[3:];
        uint256 field = 0;
        while (rest.length != 0) {
            bytes calldata value;
            (value, rest) = _string(rest);
            _checkField(field, value);
            if (field == NUMBER) number = _integer(value);
            // forge-lint: disable-next-line(unsafe-typecast) 32 bytes
            else if (field == MIX_HASH) mixHash = bytes32(value);
            ++field;
        }
        require(field > NONCE && field <= MAX_FIELDS, IAuditBeacon.MalformedHeader());
    }

    function _checkField(uint256 field, bytes calldata value) private pure {
        if (field < LOGS_BLOOM) require(value.length == uint8(HASHES[field]), IAuditBeacon.MalformedHeader());
        else if (field == LOGS_BLOOM) require(value.length == 256, IAuditBeacon.MalformedHeader());
        else if (field <= TIMESTAMP) _integer(value);
        else if (field == MIX_HASH) require(value.length == 32, IAuditBeacon.MalformedHeader());
        else if (field == NONCE) require(value.length == 8, IAuditBeacon.MalformedHeader());
    }

    function _integer(bytes calldata value) private pure returns (uint256) {
        require(value.length <= 32 && (value.length == 0 || value[0] != 0), IAuditBeacon.MalformedHeader());
        // forge-lint: disable-next-line(unsafe-typecast) at most 32 bytes, shifted to the right
        return value.length == 0 ? 0 : uint256(bytes32(value)) >> 8 * (32 - value.length);
    }

    /// @dev The first string of an encoding, and what follows it.
    function _string(bytes calldata data) private pure returns (bytes calldata value, bytes calldata rest) {
        uint256 prefix = uint8(data[0]);
        uint256 start = 1;
        uint256 length = 1;
        if (prefix < 0x80) {
            start = 0;
        } else if (prefix <= 0xb7) {
            length = prefix - 0x80;
            // A byte below 0x80 stands for itself.
            require(length != 1 || (data.length > 1 && uint8(data[1]) >= 0x80), IAuditBeacon.MalformedHeader());
        } else {
            require(prefix <= 0xb9, IAuditBeacon.MalformedHeader());
            uint256 bytesOfLength = prefix - 0xb7;
            start = 1 + bytesOfLength;
            require(data.length >= start && data[1] != 0, IAuditBeacon.MalformedHeader());
            length = uint16(bytes2(data[1:start])) >> 8 * (2 - bytesOfLength);
            require(length > 55, IAuditBeacon.MalformedHeader());
        }
        require(data.length >= start + length, IAuditBeacon.MalformedHeader());
        return (data[start:start + length], data[start + length:]);
    }
}
