    /// Gates, combined by powers of `y`, as factors of the columns that are not opened: element 0 is the sum of the terms
    /// that have only opened cells. Written out, since a proof of this circuit is verified for every claim: `e` are
    /// evaluations, `c` coefficients, `p` what is shared. Sums of at most four products stay below 2^256.
    function _linearize(uint256[] memory registers, uint256[] memory evaluations, uint256 y)
        private
        pure
        returns (uint256[] memory factors)
    {
        factors = new uint256[](1 + LINEAR_COLUMNS);
        // Powers of y, and sums that several columns have.
        uint256[] memory shared = new uint256[]({{shared}});
        assembly ("memory-safe") {
            let r := R
            let p := add(shared, 32)
            let s := 0
            let c := add(registers, 32)
            let e := add(evaluations, 32)
            let t := 0
{{straight}}
        }
    }

