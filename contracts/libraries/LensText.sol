// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import { Strings } from "@openzeppelin/contracts/utils/Strings.sol";

/// Who has to do what until when; zero: no deadline.
struct Action {
    string who;
    string what;
    uint64 deadline;
}

/// @title Sentences of the lenses
library LensText {
    using Strings for uint256;

    /// @notice A text, and what comes next.
    function withNext(string memory text, Action memory next) internal view returns (string memory) {
        if (bytes(next.what).length == 0) return text;
        text = string.concat(text, " Next: ", next.who, ", ", next.what);
        if (next.deadline == 0) return string.concat(text, ", at any time.");
        return string.concat(
            text,
            ", until ",
            uint256(next.deadline).toString(),
            " (",
            (next.deadline - block.timestamp).toString(),
            " s left)."
        );
    }

    /// @notice A number, and what there are so many of.
    function counted(uint256 n, string memory one, string memory several) internal pure returns (string memory) {
        return string.concat(n.toString(), n == 1 ? one : several);
    }

    /// @notice Parts of 10^18 in percent, rounded down to a tenth.
    function percent(uint256 p) internal pure returns (string memory) {
        uint256 tenths = p / 1e15;
        return string.concat((tenths / 10).toString(), ".", (tenths % 10).toString(), " %");
    }
}
