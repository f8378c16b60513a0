//! Bindings of the contracts, made from the ABI of what was compiled (`artifacts/`).

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
    /// Verifying key digest → verifier.
    router VerifierRouter "artifacts/VerifierRouter.json";
    /// The only holder of money.
    escrow BondEscrow "artifacts/BondEscrow.json";
    /// Model versions.
    registry ModelRegistry "artifacts/ModelRegistry.json";
    /// Jobs.
    market JobMarket "artifacts/JobMarket.json";
    /// Claims.
    book ClaimBook "artifacts/ClaimBook.json";
    /// Draws of layers.
    beacon AuditBeacon "artifacts/AuditBeacon.json";
    /// Ends of claims.
    settlement Settlement "artifacts/Settlement.json";
    /// Challenges.
    dispute LayerDispute "artifacts/LayerDispute.json";
    /// Descriptions of claims.
    lens ClaimLens "artifacts/ClaimLens.json";
    /// Generated verifiers.
    verifier ILayerVerifier "artifacts/ILayerVerifier.json";
}
