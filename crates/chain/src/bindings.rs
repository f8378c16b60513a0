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
    /// Verifying key digest → verifier.
    router IVerifierRouter "artifacts/IVerifierRouter.json";
    /// The only holder of money.
    escrow IBondEscrow "artifacts/IBondEscrow.json";
    /// Model versions.
    registry IModelRegistry "artifacts/IModelRegistry.json";
    /// Jobs.
    market IJobMarket "artifacts/IJobMarket.json";
    /// Claims.
    book IClaimBook "artifacts/IClaimBook.json";
    /// Draws of layers.
    beacon IAuditBeacon "artifacts/IAuditBeacon.json";
    /// Ends of claims.
    settlement ISettlement "artifacts/ISettlement.json";
    /// Challenges.
    dispute ILayerDispute "artifacts/ILayerDispute.json";
    /// Descriptions of claims.
    lens IClaimLens "artifacts/IClaimLens.json";
    /// Generated verifiers.
    verifier ILayerVerifier "artifacts/ILayerVerifier.json";
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
