    /// A point of the accumulator, which comes before the circuit's own proof.
    function _accumulated(bytes calldata inner, uint256 from) private pure returns (uint256 x, uint256 y) {
        assembly ("memory-safe") {
            let at := add(sub(inner.offset, HEAD), from)
            x := calldataload(at)
            y := calldataload(add(at, 32))
        }
    }

