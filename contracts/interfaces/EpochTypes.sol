// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// An epoch that was committed to. It travels in calldata: the contract keeps its id, keccak256(abi.encode(epoch)), and
/// what happened to it.
struct Epoch {
    address provider;
    /// Registered model version, of all of its answers.
    bytes32 version;
    /// Page of the version (`IEpochBook.enroll`).
    address page;
    /// Merkle roots over statements, and over digests of receipts.
    bytes32 statements;
    bytes32 receipts;
    /// From the least significant bit: number of the epoch (32 bits), number of answers (32), of draws (16), when it
    /// was committed (40), block that answers are drawn from (48), exposed bond (88).
    uint256 terms;
}

/// What was fixed of an epoch: the event `EpochFixed` has it, and the contract keeps its digest.
struct FixedDraws {
    /// RANDAO that answers are drawn from.
    bytes32 seed;
    /// keccak256 of the digests of the drawn answers' activation commitments.
    bytes32 commitments;
    uint40 fixedAt;
    /// Block that layers are drawn from.
    uint48 drawBlock;
}

/// What opens an epoch's draws.
struct Openings {
    /// As in `FixedDraws`.
    bytes32 seed;
    uint40 fixedAt;
    uint48 drawBlock;
    /// Header of that block; empty if `drawLayers` was called.
    bytes header;
    /// One for each drawn answer, by rising index: index (3 bytes), number of the program on the page (1), prompt
    /// tokens (2), generated tokens (2), fingerprint of the activation commitments at zero (16), and 32 bytes each for
    /// the digests of prompt, answer, activation commitments, and of the list that the program's node says.
    bytes records;
    /// Digests that lead from the drawn answers' statements to the root (`EpochTree.check`).
    bytes siblings;
    /// Digests of the lists that nodes over nodes say: over the records' nodes by threes, level by level from the left;
    /// one or two that are left over go up as they are, unless two are all.
    bytes32[] digests;
}

/// What a provider signs (EIP-712) of an answer, and gives to the requester with it. All of it but the number of the
/// epoch names what is in the answer's place of the epoch's trees.
struct AnswerReceipt {
    address provider;
    bytes32 version;
    uint32 epoch;
    /// Place in the epoch.
    uint32 index;
    /// Whose channel pays.
    address requester;
    /// Salted digests of prompt and answer.
    bytes32 inputDigest;
    bytes32 outputDigest;
    uint32 promptTokens;
    uint32 newTokens;
    /// How tokens were chosen; zero, greedily, is all that can be proved.
    bytes32 decoding;
    /// keccak256 of the session's seed.
    bytes32 seedDigest;
}
