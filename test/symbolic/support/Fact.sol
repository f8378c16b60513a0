// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// A truth value whose operators look at both sides: `&&` and `||` would double halmos's paths.
type Fact is bool;

using { both as &, either as |, no as ~ } for Fact global;

function fact(bool a) pure returns (Fact) {
    return Fact.wrap(a);
}

function implies(Fact a, Fact b) pure returns (Fact) {
    return ~a | b;
}

function both(Fact a, Fact b) pure returns (Fact c) {
    assembly ("memory-safe") {
        c := and(a, b)
    }
}

function either(Fact a, Fact b) pure returns (Fact c) {
    assembly ("memory-safe") {
        c := or(a, b)
    }
}

function no(Fact a) pure returns (Fact c) {
    assembly ("memory-safe") {
        c := iszero(a)
    }
}

/// `value` or zero.
function when(Fact a, uint256 value) pure returns (uint256 c) {
    assembly ("memory-safe") {
        c := mul(a, value)
    }
}
