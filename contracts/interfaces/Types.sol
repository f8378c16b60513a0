// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

/// How a claim is settled. Proofs of every layer settle a claim of any lane, at once if its output is closed
/// (`ISettlement`).
enum Lane {
    /// Every layer is proven before a deadline.
    Proofs,
    /// After a window without an unanswered challenge.
    Optimistic,
    /// As optimistic, and the layers that a beacon draws are proven.
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

/// What a layer computes; the values are those of the model id.
enum LayerKind {
    Embed,
    Attention,
    Mlp,
    Block,
    Head
}
