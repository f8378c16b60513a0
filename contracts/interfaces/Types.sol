// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

// Target of a challenge of a whole claim. Layers are below it.
uint256 constant WHOLE = 255;
// Target of the challenge of an output.
uint256 constant OUTPUT = 256;

/// How a claim is settled. Proofs of every layer settle a claim of any mode, at once if its output is closed
/// (`IClaimBook`).
enum Mode {
    /// Every layer is proven before a deadline.
    Proofs,
    /// After a window without an unanswered challenge.
    Optimistic,
    /// As optimistic, and the layers that are drawn from a block's RANDAO are proven.
    Audited
}

/// Moves forward only: Open → Locked → Claimed → {Settled | Slashed | Refunded}, Open → Refunded, Locked → Expired.
enum JobStatus {
    None,
    Open,
    Locked,
    Claimed,
    Settled,
    Slashed,
    Refunded,
    Expired
}

/// Moves forward only: Posted → {Proven | Finalized | Defeated | Voided}.
enum ClaimStatus {
    None,
    Posted,
    Proven,
    Finalized,
    Defeated,
    Voided
}

/// Moves forward only: Open → {Answered | TimedOut | Cancelled}; of an output also Open → Revealed → {Answered |
/// TimedOut}, and None → Answered.
enum ChallengeStatus {
    None,
    Open,
    /// Tokens were published, and nobody has computed their digest on chain: the requester may dispute them.
    Revealed,
    Answered,
    TimedOut,
    Cancelled
}

/// A program that proves some consecutive layers of a model. The model id binds the Merkle root of all programs.
struct Program {
    /// First layer.
    uint16 first;
    /// Number of layers; not zero.
    uint16 count;
    /// Digest of the key of a node over one of the program's joint proofs; below the order of the scalar field.
    bytes32 key;
    /// Digest of all its commitments to weights; below the order of the scalar field.
    bytes32 weights;
}

/// A leaf of a tree of nodes: a node over a joint proof about a claim.
struct Leaf {
    Program program;
    /// Digest of the list that the node says (docs/recursion.md).
    bytes32 digest;
    /// Siblings from the program's leaf up to the model's root of programs.
    bytes32[] path;
}

/// How the nodes of a final proof lie over each other.
struct Tree {
    /// In postfix order. A byte 0 is the next leaf, in the order in which leaves are given; a byte n from 1 to 3 is a node
    /// over the last n nodes that no other is over yet. One is left in the end.
    bytes shape;
    /// Digests of the lists that nodes over nodes say, in the order of `shape`.
    bytes32[] digests;
}
