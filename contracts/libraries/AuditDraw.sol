// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// @title The draw of layers to audit
/// @notice The same as `draw` in crates/prover/src/audit.rs, which defines it: `count` layers without replacement, each
/// time by weight among those left.
library AuditDraw {
    /// @notice No layers, or more than there are, are to be drawn.
    error DrawCount(uint256 layers, uint256 count);
    /// @notice A layer that is never drawn could be cheated on for free.
    error ZeroWeight(uint256 layer);

    /// @return drawn In the order they are drawn.
    function draw(uint32[] memory weights, uint256 count, bytes32 seed, bytes32 claimDigest)
        internal
        pure
        returns (uint256[] memory drawn)
    {
        uint256 n = weights.length;
        if (count == 0 || count > n) revert DrawCount(n, count);
        // A binary tree of sums: node i has the children 2i and 2i + 1, layer l is leaf `leaves + l`.
        uint256 leaves = 1;
        while (leaves < n) leaves *= 2;
        uint256[] memory sums = new uint256[](2 * leaves);
        for (uint256 l = 0; l < n; ++l) {
            if (weights[l] == 0) revert ZeroWeight(l);
            sums[leaves + l] = weights[l];
        }
        for (uint256 i = leaves - 1; i != 0; --i) {
            sums[i] = sums[2 * i] + sums[2 * i + 1];
        }

        drawn = new uint256[](count);
        for (uint256 i = 0; i < count; ++i) {
            uint256 r = uint256(keccak256(abi.encodePacked("nanozk-audit-1", seed, claimDigest, i))) % sums[1];
            uint256 node = 1;
            while (node < leaves) {
                node *= 2;
                if (r >= sums[node]) r -= sums[node++];
            }
            drawn[i] = node - leaves;
            for (uint256 weight = sums[node]; node != 0; node /= 2) {
                sums[node] -= weight;
            }
        }
    }
}
