//! Bindings of the contracts, made from the ABI of their interfaces (`artifacts/`).

/// One module per contract: types of the same name belong to different contracts.
macro_rules! bind {
    ($($(#[$doc:meta])* $module:ident $contract:ident $file:literal;)*) => {$(
        $(#[$doc])*
        #[allow(missing_docs, clippy::all)]
        pub mod $module {
            alloy::sol!(#[derive(Debug)] $contract, $file);
            pub use $contract::*;
        }
    )*};
}

bind! {
    /// The only holder of money.
    escrow IBondEscrow "artifacts/IBondEscrow.json";
    /// Model versions.
    registry IModelRegistry "artifacts/IModelRegistry.json";
    /// Jobs.
    market IJobMarket "artifacts/IJobMarket.json";
    /// Claims: proofs, challenges, ends.
    book IClaimBook "artifacts/IClaimBook.json";
    /// Randomness of draws.
    beacon IAuditBeacon "artifacts/IAuditBeacon.json";
    /// Descriptions of claims.
    lens IClaimLens "artifacts/IClaimLens.json";
    /// Verification of whole sessions, without a job.
    statements IStatementVerifier "artifacts/IStatementVerifier.json";
    /// Epochs: lines, channels, commitments, draws, proofs.
    epochs IEpochBook "artifacts/IEpochBook.json";
    /// Demands and challenges of epochs' answers.
    disputes IEpochDisputes "artifacts/IEpochDisputes.json";
    /// Descriptions of epochs.
    epoch_lens IEpochLens "artifacts/IEpochLens.json";
    /// Proofs for whoever speaks ERC-8274.
    adapter ProofVerifier "artifacts/ProofVerifier.json";
    /// The verifier of final proofs.
    verifier IFinalVerifier "artifacts/IFinalVerifier.json";
}

/// Tokens.
#[allow(missing_docs)]
pub mod erc20 {
    alloy::sol! {
        function balanceOf(address account) external view returns (uint256);
        function allowance(address owner, address spender) external view returns (uint256);
        function approve(address spender, uint256 value) external returns (bool);
    }
}
