// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// All that the book keeps of a claim of three layers. Records are of the layers, then of the whole claim.
struct BookState {
    uint8 status;
    uint8 output;
    bool allProven;
    bool outputResolved;
    uint64 outputBy;
    uint32 challengers;
    uint128 reward;
    uint256 proven;
    uint256 challenged;
    uint256 drawn;
    uint64[4] answerBy;
    uint64[4] holders;
}
