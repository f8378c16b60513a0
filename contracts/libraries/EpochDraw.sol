// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title Which answers of an epoch are drawn
/// @notice Each set of `draws` answers is drawn with the same probability (Floyd's algorithm). Step `i` is about the
/// answers up to `last = count − draws + i`. It takes x = keccak256(s ‖ word(i)) mod (last + 1), where s =
/// keccak256(TAG ‖ seed ‖ epoch), or `last` itself if x is drawn already. So there are as many steps as draws, whatever
/// the seed.
library EpochDraw {
    bytes32 internal constant TAG = "nanozk epoch draw 1";

    /// @notice Draws `draws` of `count` answers; needs 0 < draws ≤ count.
    /// @return marks Bit `i % 256` of word `i / 256`: answer `i` is drawn.
    function draw(bytes32 seed, bytes32 epoch, uint256 count, uint256 draws)
        internal
        pure
        returns (uint256[] memory marks)
    {
        marks = new uint256[]((count + 255) / 256);
        bytes32 tag = TAG;
        assembly ("memory-safe") {
            let buffer := mload(0x40)
            mstore(buffer, tag)
            mstore(add(buffer, 0x20), seed)
            mstore(add(buffer, 0x40), epoch)
            mstore(0, keccak256(buffer, 0x60))
            let words := add(marks, 0x20)
            let last := sub(count, draws)
            for { let i := 0 } lt(i, draws) { i := add(i, 1) } {
                mstore(0x20, i)
                last := add(last, 1)
                let x := mod(keccak256(0, 0x40), last)
                let place := add(words, shl(5, shr(8, x)))
                let bit := shl(and(x, 0xff), 1)
                if and(mload(place), bit) {
                    x := sub(last, 1)
                    place := add(words, shl(5, shr(8, x)))
                    bit := shl(and(x, 0xff), 1)
                }
                mstore(place, or(mload(place), bit))
            }
        }
    }

    /// @notice Whether answer `index`, which is below `count`, is drawn.
    function has(uint256[] memory marks, uint256 index) internal pure returns (bool) {
        return (marks[index >> 8] >> (index & 0xff)) & 1 == 1;
    }
}
