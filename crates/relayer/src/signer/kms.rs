//! Keys of AWS KMS.

use super::{SignerError, host_of, region_of};
use alloy::primitives::{Address, B256, Signature};
use alloy::signers::Signer;
use alloy::signers::aws::{AwsSigner, AwsSignerError};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region};
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::types::{KeySpec, KeyUsageType};
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// For one request to KMS, and for all its repetitions.
const KMS_PATIENCE: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(60)];

/// A key that never leaves KMS.
pub(super) struct KmsSigner(AwsSigner);

/// Opens a key, with the credentials of this machine.
pub(super) async fn open(
    key_id: &str,
    region: Option<&str>,
    endpoint: Option<&str>,
    shown: &str,
) -> Result<KmsSigner, SignerError> {
    let loader = aws_config::defaults(BehaviorVersion::latest());
    open_by(loader, key_id, region, endpoint, shown).await
}

impl KmsSigner {
    pub(super) fn address(&self) -> Address {
        self.0.address()
    }

    pub(super) async fn sign(&self, digest: &B256, shown: &str) -> Result<Signature, SignerError> {
        let signed = self.0.sign_hash(digest).await;
        signed.map_err(|e| of_signature(shown, self.address(), e))
    }
}

async fn open_by(
    loader: ConfigLoader,
    key_id: &str,
    region: Option<&str>,
    endpoint: Option<&str>,
    shown: &str,
) -> Result<KmsSigner, SignerError> {
    if endpoint.is_some_and(|e| host_of(e).is_none()) {
        return Err(SignerError::Endpoint { key: shown.into() });
    }
    let [attempt, all] = KMS_PATIENCE;
    let mut loader = loader.timeout_config(
        TimeoutConfig::builder()
            .operation_attempt_timeout(attempt)
            .operation_timeout(all)
            .build(),
    );
    if let Some(region) = region.or(region_of(key_id)) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let shared = loader.load().await;
    if shared.region().is_none_or(|r| r.as_ref().is_empty()) {
        return Err(SignerError::NoRegion { key: shown.into() });
    }
    let mut config = aws_sdk_kms::config::Builder::from(&shared);
    if let Some(endpoint) = endpoint {
        // For KMS alone: credentials may come from other services.
        config = config.endpoint_url(endpoint);
    }
    let client = aws_sdk_kms::Client::from_conf(config.build());
    // The signer asks again, but does not look at what kind of key it gets.
    let public = client
        .get_public_key()
        .key_id(key_id)
        .send()
        .await
        .map_err(|e| of_kms(shown, "kms:GetPublicKey", e))?;
    if let Some(usage) = public
        .key_usage()
        .filter(|u| **u != KeyUsageType::SignVerify)
    {
        return Err(SignerError::KmsUsage {
            key: shown.into(),
            usage: usage.as_str().into(),
        });
    }
    if let Some(spec) = public.key_spec().filter(|s| **s != KeySpec::EccSecgP256K1) {
        return Err(SignerError::KmsSpec {
            key: shown.into(),
            spec: spec.as_str().into(),
        });
    }
    // The chain of a transaction is checked before it gets here.
    let signer = AwsSigner::new(client, key_id.into(), None).await;
    signer.map(KmsSigner).map_err(|e| match e {
        AwsSignerError::GetPublicKey(e) => of_kms(shown, "kms:GetPublicKey", e),
        e => SignerError::Kms {
            key: shown.into(),
            action: "kms:GetPublicKey",
            reason: e.to_string(),
        },
    })
}

fn of_signature(shown: &str, address: Address, e: alloy::signers::Error) -> SignerError {
    let other = |reason: String| SignerError::Kms {
        key: shown.into(),
        action: "kms:Sign",
        reason,
    };
    match e {
        alloy::signers::Error::Other(e) => match e.downcast::<AwsSignerError>().map(|e| *e) {
            Ok(AwsSignerError::Sign(e)) => of_kms(shown, "kms:Sign", e),
            Ok(AwsSignerError::SignatureRecoveryFailed) => SignerError::KmsOtherKey {
                key: shown.into(),
                address,
            },
            Ok(e) => other(e.to_string()),
            Err(e) => other(e.to_string()),
        },
        e => other(e.to_string()),
    }
}

/// What an error of the AWS SDK asks an operator to do.
fn of_kms<E, R>(shown: &str, action: &'static str, e: SdkError<E, R>) -> SignerError
where
    E: StdError + ProvideErrorMetadata + Send + Sync + 'static,
    R: fmt::Debug + Send + Sync + 'static,
{
    let key = shown.to_owned();
    let Some(answer) = e.as_service_error() else {
        let reason = causes(&e);
        // Credentials are sought when a request is made: their absence is an error of it.
        return match (&e, reason.to_lowercase().contains("credential")) {
            (SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_), true) => {
                SignerError::NoCredentials { key, reason }
            }
            (SdkError::ConstructionFailure(_), false) => SignerError::Kms {
                key,
                action,
                reason,
            },
            _ => SignerError::KmsUnreachable { key, reason },
        };
    };
    let Some(code) = answer.code() else {
        let reason = format!("what answers is no KMS ({})", causes(answer));
        return SignerError::KmsUnreachable { key, reason };
    };
    let reason = match answer.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    match code {
        "AccessDeniedException" | "AccessDenied" => SignerError::KmsDenied {
            key,
            action,
            reason,
        },
        "NotFoundException" | "InvalidArnException" => SignerError::KmsNoKey { key, reason },
        "DisabledException" | "KMSInvalidStateException" => {
            SignerError::KmsDisabled { key, reason }
        }
        "InvalidKeyUsageException" => SignerError::KmsUsage {
            key,
            usage: format!("something else ({reason})"),
        },
        // A public key was asked of a symmetric key.
        "UnsupportedOperationException" => SignerError::KmsSpec {
            key,
            spec: format!("of one without public keys ({reason})"),
        },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired" => SignerError::Credentials { key, reason },
        _ => SignerError::Kms {
            key,
            action,
            reason,
        },
    }
}

/// An error and what caused it.
fn causes(e: &dyn StdError) -> String {
    let mut text = e.to_string();
    let mut next = e.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Wrappers repeat what they wrap.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    // One line of a log.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
