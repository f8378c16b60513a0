// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// All that the book keeps of a claim of three layers, as it keeps it. Records are of the layers, then of the whole claim. In
/// whole words, so that nothing is decoded: each check of a decoder is a path. `BookScene.reachable` says what is in them.
struct BookState {
    uint256 status;
    uint256 output;
    uint256 allProven;
    uint256 outputResolved;
    uint256 outputBy;
    uint256 challengers;
    uint256 reward;
    uint256 proven;
    uint256 challenged;
    uint256 drawn;
    uint256[4] answerBy;
    uint256[4] holders;
}
