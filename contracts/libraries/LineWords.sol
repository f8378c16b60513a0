// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Channel, Line } from "../interfaces/IEpochBook.sol";

/// @title Lines and channels, one word each
/// @notice Fields from the least significant bit, in the order of `Line` and `Channel`. Whoever adds to a field, or
/// subtracts, has compared it: nothing is carried into the next.
library LineWords {
    uint256 internal constant EXPOSED = 1 << 88;
    uint256 internal constant NEXT = 1 << 176;
    uint256 internal constant OPEN = 1 << 200;
    uint256 internal constant OVER = 1 << 208;
    uint256 internal constant ANSWERS = 1 << 216;

    uint256 internal constant REDEEMED = 1 << 88;
    uint256 internal constant PAID = 1 << 176;
    uint256 internal constant ROUND = 1 << 208;
    uint256 internal constant CLOSE_BY = 1 << 224;

    // forge-lint: disable-start(unsafe-typecast) fields of words
    function balance(uint256 line) internal pure returns (uint256) {
        return uint88(line);
    }

    function exposed(uint256 line) internal pure returns (uint256) {
        return uint88(line >> 88);
    }

    function next(uint256 line) internal pure returns (uint256) {
        return uint24(line >> 176);
    }

    function open(uint256 line) internal pure returns (uint256) {
        return uint8(line >> 200);
    }

    /// @notice Number of the first epoch that is not settled.
    function settled(uint256 line) internal pure returns (uint256) {
        return next(line) - open(line);
    }

    function over(uint256 line) internal pure returns (bool) {
        return line & OVER != 0;
    }

    function answers(uint256 line) internal pure returns (uint256) {
        return line >> 216;
    }

    function deposited(uint256 channel) internal pure returns (uint256) {
        return uint88(channel);
    }

    function redeemed(uint256 channel) internal pure returns (uint256) {
        return uint88(channel >> 88);
    }

    /// @notice Answers that were paid for.
    function paid(uint256 channel) internal pure returns (uint256) {
        return uint32(channel >> 176);
    }

    function round(uint256 channel) internal pure returns (uint16) {
        return uint16(channel >> 208);
    }

    function closeBy(uint256 channel) internal pure returns (uint32) {
        return uint32(channel >> 224);
    }

    function unpackLine(uint256 line) internal pure returns (Line memory) {
        return Line({
            balance: uint88(balance(line)),
            exposed: uint88(exposed(line)),
            next: uint24(next(line)),
            open: uint8(open(line)),
            over: over(line),
            answers: uint40(answers(line))
        });
    }

    function unpackChannel(uint256 channel) internal pure returns (Channel memory) {
        return Channel({
            deposited: uint88(deposited(channel)),
            redeemed: uint88(redeemed(channel)),
            answers: uint32(paid(channel)),
            round: round(channel),
            closeBy: closeBy(channel)
        });
    }
    // forge-lint: disable-end(unsafe-typecast)
}
