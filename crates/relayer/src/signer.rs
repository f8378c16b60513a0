//! Keys: where they come from, and what they sign.
//!
//! A [`KeySource`] is what a configuration says, a [`Key`] what it opens to. A key signs transactions that its
//! [`AllowList`] allows and its own cancellations, whoever asks; without a list, cancellations only.

mod error;

pub use error::SignerError;

use crate::allow::{AllowList, NotAllowed};
use alloy::consensus::{SignableTransaction, TxEip1559};
use alloy::network::eip2718::Encodable2718;
use alloy::primitives::{Address, B256, Signature, TxKind};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use nanozk_chain::bindings::book::ClaimHeader;
use nanozk_chain::keyfile;
use nanozk_chain::signing::Domains;
use serde::Deserialize;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "kms")]
mod kms;
#[cfg(not(feature = "kms"))]
#[path = "signer/no_kms.rs"]
mod kms;

/// Chains of one machine, for which keys need no protection: anvil and hardhat, geth --dev.
const LOCAL_CHAINS: [u64; 2] = [31337, 1337];
/// Files of keys and passwords are not longer.
const MAX_FILE: u64 = 1 << 16;
/// Most work of a keystore: `n r p` of scrypt (8 times what geth writes, 2 GiB at most), or rounds of PBKDF2.
const MAX_KEYSTORE_WORK: u64 = 1 << 24;

/// Where a key comes from.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeySource {
    /// An encrypted file (Web3 Secret Storage, as cast and geth write), opened at the start.
    Keystore {
        /// The keystore.
        file: PathBuf,
        /// The file with its password.
        password_file: PathBuf,
    },
    /// A variable of the environment with a private key, for development.
    Env {
        /// Its name.
        variable: String,
    },
    /// A file with a private key in hexadecimal, for development.
    File {
        /// Which.
        file: PathBuf,
    },
    /// A key that never leaves AWS KMS.
    AwsKms {
        /// Id, ARN or alias of the key.
        key_id: String,
        /// Its region; otherwise that of the ARN, of the environment, of the profile, of the machine.
        region: Option<String>,
        /// Address of KMS, where it is not that of the region.
        endpoint: Option<String>,
    },
}

/// A configuration shows what [`KeySource::describe`] says: a key may be where its name belongs, and an address may
/// contain a password.
impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySource({})", self.describe())
    }
}

impl KeySource {
    /// Whether nothing protects the key from whoever can read files or the environment.
    pub fn is_for_development(&self) -> bool {
        matches!(self, KeySource::Env { .. } | KeySource::File { .. })
    }

    /// Refuses keys for development on chains that are not local, unless they are allowed.
    pub fn check_allowed(&self, chain_id: u64, allow: bool) -> Result<(), SignerError> {
        if !self.is_for_development() || allow || LOCAL_CHAINS.contains(&chain_id) {
            return Ok(());
        }
        Err(SignerError::Development {
            whence: self.describe(),
            chain_id,
        })
    }

    /// The source in words, without secrets.
    pub fn describe(&self) -> String {
        match self {
            KeySource::Keystore { file, .. } => format!("the keystore {}", name(file)),
            KeySource::Env { variable } => format!("the variable {}", name(variable)),
            KeySource::File { file } => format!("the key file {}", name(file)),
            KeySource::AwsKms { key_id, region, .. } => {
                let region = region.as_deref().or(region_of(key_id));
                let place = region.map(|r| format!(" in {r}")).unwrap_or_default();
                format!("the AWS KMS key {}{place}", name(key_id))
            }
        }
    }

    /// What an operator should change, although it works: files that others may read or write, and a KMS
    /// without TLS.
    pub fn warnings(&self) -> Vec<String> {
        let files = match self {
            KeySource::Keystore {
                file,
                password_file,
            } => vec![("keystore", file), ("password", password_file)],
            KeySource::File { file } => vec![("key", file)],
            KeySource::Env { .. } | KeySource::AwsKms { .. } => vec![],
        };
        let plain = match self {
            KeySource::AwsKms {
                endpoint: Some(endpoint),
                ..
            } => host_of(endpoint).filter(|(scheme, host)| {
                *scheme == "http" && !["localhost", "127.0.0.1", "[::1]"].contains(host)
            }),
            _ => None,
        };
        let plain = plain.map(|(_, host)| {
            format!("AWS KMS at {host} is asked without TLS: use an endpoint of https")
        });
        files
            .into_iter()
            .filter_map(|(what, path)| keyfile::warning(what, path, &name(path)))
            .chain(plain)
            .collect()
    }

    /// Opens the key, for transactions of one chain. It signs none of them before [`Key::guarded`] says which.
    ///
    /// This does not decide whether the source is good enough for the chain: [`KeySource::check_allowed`] does. It needs
    /// a runtime of tokio, with timers and I/O for AWS KMS.
    pub async fn open(&self, chain_id: u64) -> Result<Key, SignerError> {
        let inner = match self {
            KeySource::AwsKms {
                key_id,
                region,
                endpoint,
            } => {
                let shown = self.describe();
                let signer =
                    kms::open(key_id, region.as_deref(), endpoint.as_deref(), &shown).await;
                Inner::Kms(signer?)
            }
            // The key derivation of keystores takes a second of computing, which must not hold up others.
            local => {
                let source = local.clone();
                tokio::task::spawn_blocking(move || source.open_local())
                    .await
                    .map_err(|e| SignerError::Signature(e.to_string()))
                    .and_then(|opened| opened)
                    .map(Inner::Local)?
            }
        };
        Ok(Key::new(inner, chain_id, self.describe()))
    }

    fn open_local(&self) -> Result<PrivateKeySigner, SignerError> {
        match self {
            KeySource::Keystore {
                file,
                password_file,
            } => open_keystore(file, password_file),
            KeySource::Env { variable } => match std::env::var(variable) {
                Ok(text) => self.parse(&text),
                Err(std::env::VarError::NotPresent) => Err(SignerError::NoVariable {
                    variable: name(variable),
                }),
                Err(std::env::VarError::NotUnicode(_)) => self.parse(""),
            },
            KeySource::File { file } => {
                let todo = "write the private key to it, or choose another kind of key";
                let bytes = read("key file", file, todo)?;
                self.parse(std::str::from_utf8(&bytes).unwrap_or_default())
            }
            KeySource::AwsKms { .. } => self.parse(""),
        }
    }

    fn parse(&self, text: &str) -> Result<PrivateKeySigner, SignerError> {
        // The parser's error would quote characters of the key.
        text.trim().parse().map_err(|_| SignerError::NotAKey {
            whence: self.describe(),
        })
    }
}

enum Inner {
    Local(PrivateKeySigner),
    Kms(kms::KmsSigner),
}

/// A key that is open. Its copies share it.
#[derive(Clone)]
pub struct Key {
    inner: Arc<Inner>,
    address: Address,
    chain_id: u64,
    source: String,
    allow: Arc<AllowList>,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("address", &self.address)
            .field("chain_id", &self.chain_id)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Key {
    fn new(inner: Inner, chain_id: u64, source: String) -> Self {
        Key {
            address: match &inner {
                Inner::Local(signer) => signer.address(),
                Inner::Kms(signer) => signer.address(),
            },
            inner: Arc::new(inner),
            chain_id,
            source,
            allow: Arc::default(),
        }
    }

    /// The same key, for transactions that the list allows, and no others. It takes the place of an earlier list; copies
    /// made before keep theirs.
    pub fn guarded(self, allow: AllowList) -> Self {
        Key {
            allow: Arc::new(allow),
            ..self
        }
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Where the key is from, without secrets.
    pub fn describe(&self) -> &str {
        &self.source
    }

    /// Signs a transaction, if it is allowed: its hash, and its encoding to send.
    pub async fn sign_transaction(&self, tx: TxEip1559) -> Result<(B256, Vec<u8>), SignerError> {
        self.check(&tx)?;
        let signature = self.sign(tx.signature_hash()).await?;
        let signed = tx.into_signed(signature);
        Ok((*signed.hash(), signed.encoded_2718()))
    }

    /// Signs that this account takes a job until a deadline: `r ‖ s ‖ v`, with `v` 27 or 28.
    pub async fn sign_lock(
        &self,
        domains: &Domains,
        job: B256,
        deadline: u64,
    ) -> Result<[u8; 65], SignerError> {
        let digest = domains.lock(job, self.address, deadline);
        Ok(self.sign(digest).await?.as_bytes())
    }

    /// Signs a claim, likewise.
    pub async fn sign_claim(
        &self,
        domains: &Domains,
        header: &ClaimHeader,
    ) -> Result<[u8; 65], SignerError> {
        Ok(self.sign(domains.header(header)).await?.as_bytes())
    }

    /// Signs the output that answers a demand, by its hash, likewise.
    pub async fn sign_reveal(
        &self,
        domains: &Domains,
        claim: B256,
        output: B256,
    ) -> Result<[u8; 65], SignerError> {
        let digest = domains.reveal(claim, output);
        Ok(self.sign(digest).await?.as_bytes())
    }

    fn check(&self, tx: &TxEip1559) -> Result<(), SignerError> {
        if tx.chain_id != self.chain_id {
            return Err(SignerError::WrongChain {
                expected: self.chain_id,
                got: tx.chain_id,
            });
        }
        let TxKind::Call(to) = tx.to else {
            return Err(NotAllowed::Creation.into());
        };
        // An empty transfer to itself takes the place of a transaction that is not wanted any more.
        if to == self.address && tx.input.is_empty() && tx.value.is_zero() {
            return Ok(());
        }
        Ok(self.allow.check(to, &tx.input, tx.value)?)
    }

    async fn sign(&self, digest: B256) -> Result<Signature, SignerError> {
        match &*self.inner {
            Inner::Local(signer) => signer
                .sign_hash_sync(&digest)
                .map_err(|e| SignerError::Signature(e.to_string())),
            Inner::Kms(signer) => signer.sign(&digest, &self.source).await,
        }
    }
}

/// A name as a message shows it. A private key that was written where its name belongs is not shown.
fn name(text: &(impl AsRef<Path> + ?Sized)) -> String {
    let text = text.as_ref().display().to_string();
    let mut digits = 0;
    for c in text.chars() {
        digits = if c.is_ascii_hexdigit() { digits + 1 } else { 0 };
        if digits == 64 {
            return "(not shown: it looks like a private key)".into();
        }
    }
    text
}

fn read(what: &'static str, path: &Path, todo: &'static str) -> Result<Vec<u8>, SignerError> {
    let unreadable = |reason: String| SignerError::Unreadable {
        what,
        path: name(path),
        reason,
    };
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(SignerError::Missing {
                what,
                path: name(path),
                todo,
            });
        }
        Err(e) => return Err(unreadable(e.to_string())),
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(e.to_string()))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(unreadable(format!("it is longer than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}

fn open_keystore(file: &Path, password_file: &Path) -> Result<PrivateKeySigner, SignerError> {
    let todo = "check its path, or make one with cast wallet import";
    let bytes = read("keystore", file, todo)?;
    let bad = |reason: String| SignerError::Keystore {
        path: name(file),
        reason,
    };
    check_keystore(&bytes).map_err(bad)?;
    let todo = "write the keystore's password to it, and chmod 600 it";
    let password = read("password", password_file, todo)?;
    // Editors and echo end the line.
    let end = password.iter().rposition(|b| !b"\r\n".contains(b));
    let password = &password[..end.map_or(0, |last| last + 1)];
    PrivateKeySigner::decrypt_keystore(file, password).map_err(|e| {
        // The library does not export its enumeration.
        let reason = e.to_string();
        match reason.contains("Mac Mismatch") {
            true => SignerError::Password {
                keystore: name(file),
                password: name(password_file),
            },
            false => bad(reason),
        }
    })
}

/// Refuses keystores at which the library panics, runs out of memory, or never ends.
fn check_keystore(bytes: &[u8]) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Keystore {
        version: u64,
        crypto: Crypto,
    }
    #[derive(Deserialize)]
    struct Crypto {
        cipher: String,
        cipherparams: CipherParams,
        ciphertext: String,
        kdf: String,
        kdfparams: KdfParams,
    }
    #[derive(Deserialize)]
    struct CipherParams {
        iv: String,
    }
    #[derive(Deserialize)]
    struct KdfParams {
        dklen: u64,
        n: Option<u64>,
        r: Option<u64>,
        p: Option<u64>,
        c: Option<u64>,
        prf: Option<String>,
    }

    let Keystore { version, crypto } =
        serde_json::from_slice(bytes).map_err(|e| format!("it is not of version 3 ({e})"))?;
    if version != 3 {
        return Err(format!("it is of version {version}, not 3"));
    }
    if crypto.cipher != "aes-128-ctr" {
        return Err(format!("its cipher is {}, not aes-128-ctr", crypto.cipher));
    }
    if crypto.cipherparams.iv.len() != 32 || crypto.ciphertext.len() != 64 {
        return Err("its iv is not of 16 bytes, or its ciphertext not of 32".into());
    }
    let kdf = &crypto.kdfparams;
    if kdf.dklen != 32 {
        return Err(format!("its dklen is {}, not 32", kdf.dklen));
    }
    let work = match (crypto.kdf.as_str(), kdf.n, kdf.r, kdf.p, kdf.c, &kdf.prf) {
        ("scrypt", Some(n), Some(r), Some(p), None, None) => {
            if !n.is_power_of_two() || n < 2 || r == 0 || p == 0 {
                return Err(format!("its parameters of scrypt are n {n}, r {r}, p {p}"));
            }
            n.saturating_mul(r).saturating_mul(p)
        }
        ("pbkdf2", None, None, None, Some(c), Some(prf)) if prf == "hmac-sha256" => c,
        (kdf, ..) => {
            return Err(format!(
                "its key derivation {kdf} has other parameters than it should"
            ));
        }
    };
    if work > MAX_KEYSTORE_WORK {
        return Err("its key derivation takes more work than any wallet asks for".into());
    }
    Ok(())
}

/// The region of an ARN.
fn region_of(key_id: &str) -> Option<&str> {
    let mut parts = key_id.split(':');
    let is_kms = parts.next() == Some("arn") && parts.nth(1) == Some("kms");
    parts.next().filter(|region| is_kms && !region.is_empty())
}

/// The scheme and host of an address of KMS: the SDK panics at some that are none.
fn host_of(endpoint: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = endpoint.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => {
            port.parse::<u16>().ok()?;
            host
        }
        _ => authority,
    };
    let name = host
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    let address = || {
        let inner = host.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<std::net::Ipv6Addr>().ok()
    };
    let printable = endpoint.bytes().all(|b| b.is_ascii_graphic());
    let good = matches!(scheme, "http" | "https") && printable && !host.is_empty();
    (good && (name || address().is_some())).then_some((scheme, host))
}

#[cfg(test)]
mod tests;
