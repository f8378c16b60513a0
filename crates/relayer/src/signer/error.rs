//! Why a key cannot be used.

use super::*;

/// Why a key cannot be opened, or does not sign. Names in it are as they may be shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// A file is not there.
    #[error("there is no {what} {path}: {todo}")]
    Missing {
        /// What it would be.
        what: &'static str,
        /// Where it was looked for.
        path: String,
        /// What to do.
        todo: &'static str,
    },
    /// A file cannot be read.
    #[error("cannot read the {what} {path}: {reason}")]
    Unreadable {
        /// What it is.
        what: &'static str,
        /// Where.
        path: String,
        /// Why.
        reason: String,
    },
    /// A file is no keystore, or one of an unknown kind.
    #[error("cannot open the keystore {path}: {reason}; make one with cast wallet import")]
    Keystore {
        /// File.
        path: String,
        /// Why.
        reason: String,
    },
    /// A password is not the keystore's.
    #[error(
        "the password in {password} does not open the keystore {keystore}: that file has to hold the password and \
         nothing else, a line end aside"
    )]
    Password {
        /// File of the keystore.
        keystore: String,
        /// File of the password.
        password: String,
    },
    /// A variable is not set.
    #[error(
        "the variable {variable} is not set: put the private key into it, or choose another kind of key"
    )]
    NoVariable {
        /// Its name.
        variable: String,
    },
    /// A file or variable holds something else than a private key. What it holds is not repeated: it may be a key.
    #[error(
        "{whence} does not hold a private key: write 32 bytes in hexadecimal, between 1 and the order of secp256k1"
    )]
    NotAKey {
        /// Which.
        whence: String,
    },
    /// A key for development on a public chain.
    #[error(
        "{whence} is for development, and chain {chain_id} is not a local chain: use a keystore or AWS KMS, or set \
         allow_development_keys if this key may be lost"
    )]
    Development {
        /// Which key.
        whence: String,
        /// Chain.
        chain_id: u64,
    },
    /// Nothing says in which region a key of KMS is.
    #[error(
        "nothing says in which AWS region {key} is: give its region or its ARN, or set AWS_REGION"
    )]
    NoRegion {
        /// Its id.
        key: String,
    },
    /// There are no credentials for KMS.
    #[error(
        "no AWS credentials for {key}: {reason}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or give \
         the machine a role"
    )]
    NoCredentials {
        /// Key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The credentials are not accepted.
    #[error(
        "AWS does not accept the credentials for {key}: {reason}; renew them, and check the machine's clock"
    )]
    Credentials {
        /// Key.
        key: String,
        /// Answer of AWS.
        reason: String,
    },
    /// The endpoint is no address. It is not repeated: it may contain a password.
    #[error(
        "the endpoint of {key} is not a URL: write one such as https://kms.eu-central-1.amazonaws.com"
    )]
    Endpoint {
        /// Key.
        key: String,
    },
    /// KMS does not answer.
    #[error(
        "AWS does not answer for {key}: {reason}; check the network, the region and the endpoint"
    )]
    KmsUnreachable {
        /// Key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The credentials may not use the key.
    #[error(
        "AWS denies {action} of {key}: {reason}; allow kms:GetPublicKey and kms:Sign in the key's policy or the \
         role's"
    )]
    KmsDenied {
        /// Key.
        key: String,
        /// What was asked.
        action: &'static str,
        /// Answer of KMS.
        reason: String,
    },
    /// KMS has no such key.
    #[error("AWS does not know {key}: {reason}; check key_id, the region and the account")]
    KmsNoKey {
        /// Key.
        key: String,
        /// Answer of KMS.
        reason: String,
    },
    /// The key is disabled, or about to be deleted.
    #[error("{key} cannot be used now: {reason}; enable it, or cancel its deletion")]
    KmsDisabled {
        /// Key.
        key: String,
        /// Answer of KMS.
        reason: String,
    },
    /// A key of another curve, or a symmetric one.
    #[error(
        "{key} is not of the spec ECC_SECG_P256K1, which Ethereum needs, but {spec}: create such a key"
    )]
    KmsSpec {
        /// Key.
        key: String,
        /// Its spec.
        spec: String,
    },
    /// A key for something else than signatures.
    #[error("{key} is not for SIGN_VERIFY but for {usage}: create a key with that usage")]
    KmsUsage {
        /// Key.
        key: String,
        /// Its usage.
        usage: String,
    },
    /// A signature is by another key than the one that was opened.
    #[error(
        "a signature by {key} is not {address}'s: if its alias was moved to another key, start again"
    )]
    KmsOtherKey {
        /// Key.
        key: String,
        /// Of the key that was opened.
        address: Address,
    },
    /// The program was built without KMS.
    #[error(
        "{key} needs a program that was built with AWS KMS: cargo install --locked --path crates/cli --features kms"
    )]
    KmsNotBuilt {
        /// Key.
        key: String,
    },
    /// KMS says something else.
    #[error("AWS refuses {action} of {key}: {reason}")]
    Kms {
        /// Key.
        key: String,
        /// What was asked.
        action: &'static str,
        /// Answer of KMS.
        reason: String,
    },
    /// A transaction of another chain.
    #[error(
        "the key is opened for chain {expected}, the transaction is of chain {got}: check the node"
    )]
    WrongChain {
        /// Of the key.
        expected: u64,
        /// Of the transaction.
        got: u64,
    },
    /// A transaction that the key may not sign.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The curve refuses.
    #[error("cannot sign: {0}")]
    Signature(String),
}
