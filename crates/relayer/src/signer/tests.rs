use super::*;
use alloy::consensus::transaction::RlpEcdsaDecodableTx;
use alloy::network::eip2718::Decodable2718;
use alloy::primitives::{Bytes, U256, keccak256};

const SECRET: &str = "6f142508b4eea641e33cb2a0161221105086a84584c74245ca463a49effea30b";
pub(super) const CONTRACT: Address = Address::repeat_byte(7);
pub(super) const SELECTOR: [u8; 4] = [1, 2, 3, 4];

pub(super) fn local() -> PrivateKeySigner {
    SECRET.parse().expect("a key")
}

pub(super) fn allow() -> AllowList {
    AllowList::new([(
        CONTRACT,
        "ClaimBook".into(),
        vec![(SELECTOR, "post".into())],
    )])
}

pub(super) fn transaction(to: impl Into<TxKind>, input: &[u8]) -> TxEip1559 {
    TxEip1559 {
        chain_id: 31337,
        nonce: 3,
        gas_limit: 100_000,
        max_fee_per_gas: 2_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: to.into(),
        input: Bytes::copy_from_slice(input),
        ..Default::default()
    }
}

/// Signs a transaction and typed data as `address`.
pub(super) async fn signs(key: Key, address: Address) {
    assert_eq!(key.address(), address);
    let key = key.guarded(allow());
    let tx = transaction(CONTRACT, &[&SELECTOR[..], &[0; 32]].concat());
    let (hash, raw) = key.sign_transaction(tx.clone()).await.expect("allowed");
    assert_eq!(hash, keccak256(&raw));
    assert_eq!(raw[0], 2);
    let signed = TxEip1559::rlp_decode_signed(&mut &raw[1..]).expect("a signed transaction");
    assert_eq!(signed.tx(), &tx);
    assert_eq!(signed.hash(), &hash);
    // Ethereum refuses the other half of signatures.
    assert!(signed.signature().normalize_s().is_none());
    let signer = signed
        .signature()
        .recover_address_from_prehash(&tx.signature_hash());
    assert_eq!(signer.expect("a signer"), address);
    let envelope = alloy::consensus::TxEnvelope::decode_2718(&mut &raw[..]).expect("an envelope");
    assert_eq!(*envelope.tx_hash(), hash);

    let header = ClaimHeader {
        job: keccak256("job"),
        outputDigest: keccak256("output"),
        recipient: address,
        seedDigest: keccak256("seed"),
        activations: B256::repeat_byte(1),
        points: vec![U256::from(7)],
    };
    let job = header.job;
    let lock = key.sign_lock(&DOMAINS, job, 1_000).await.expect("signed");
    let claim = key.sign_claim(&DOMAINS, &header).await.expect("signed");
    for (bytes, digest) in [
        (lock, DOMAINS.lock(job, address, 1_000)),
        (claim, DOMAINS.header(&header)),
    ] {
        assert!([27, 28].contains(&bytes[64]));
        let signature = Signature::from_raw(&bytes).expect("a signature");
        let signer = signature.recover_address_from_prehash(&digest);
        assert_eq!(signer.expect("a signer"), address);
    }
}

pub(super) const DOMAINS: Domains = Domains {
    chain_id: 31337,
    market: CONTRACT,
    book: CONTRACT,
};

fn parse(text: &str) -> Result<KeySource, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn sources_are_written_in_toml() {
    let keystore = parse("kind = 'keystore'\nfile = 'k'\npassword_file = 'p'").expect("valid");
    assert_eq!(
        keystore,
        KeySource::Keystore {
            file: "k".into(),
            password_file: "p".into()
        }
    );
    let kms = parse("kind = 'aws-kms'\nkey_id = 'alias/a'").expect("valid");
    assert_eq!(
        kms,
        KeySource::AwsKms {
            key_id: "alias/a".into(),
            region: None,
            endpoint: None
        }
    );
    let env = parse("kind = 'env'\nvariable = 'K'").expect("valid");
    let file = parse("kind = 'file'\nfile = 'k'").expect("valid");
    for (source, development) in [
        (&keystore, false),
        (&kms, false),
        (&env, true),
        (&file, true),
    ] {
        assert_eq!(source.is_for_development(), development);
        for (chain, allow, allowed) in [
            (31337, false, true),
            (1337, false, true),
            (1, true, true),
            (1, false, !development),
            (11155111, false, !development),
        ] {
            assert_eq!(source.check_allowed(chain, allow).is_ok(), allowed);
        }
    }
    let error = env
        .check_allowed(1, false)
        .expect_err("refused")
        .to_string();
    assert!(
        error.contains("the variable K is for development"),
        "{error}"
    );
    assert!(error.contains("allow_development_keys"), "{error}");
    for bad in [
        "kind = 'env'\nvariable = 'K'\nfile = 'f'",
        "kind = 'file'",
        "kind = 'ledger'",
        "kind = 'aws-kms'\nkey_id = 'a'\nregoin = 'eu-central-1'",
    ] {
        assert!(parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn regions_come_from_arns() {
    let arn = "arn:aws-cn:kms:cn-north-1:111122223333:key/1234abcd";
    assert_eq!(region_of(arn), Some("cn-north-1"));
    for other in [
        "alias/a",
        "1234abcd-12ab",
        "arn:aws:iam:x:1:role/a",
        "arn:aws:kms::1:key/a",
        "arn",
        "arn:aws:kms",
        "",
    ] {
        assert_eq!(region_of(other), None, "{other}");
    }
    let source = KeySource::AwsKms {
        key_id: arn.into(),
        region: None,
        endpoint: Some("https://user:word@kms.example".into()),
    };
    assert_eq!(
        format!("{source:?}"),
        format!("KeySource(the AWS KMS key {arn} in cn-north-1)")
    );
}

#[tokio::test]
async fn a_key_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    for text in [
        SECRET.to_owned(),
        format!("0x{SECRET}\n"),
        format!("  {}\r\n", SECRET.to_uppercase()),
    ] {
        std::fs::write(&file, text).expect("written");
        let source = KeySource::File { file: file.clone() };
        let key = source.open(31337).await.expect("opens");
        shows_nothing(&format!("{key:?} {source:?} {}", key.describe()));
        signs(key, local().address()).await;
    }
    for bad in [
        b"".to_vec(),
        b"\xff\xfe".to_vec(),
        SECRET.as_bytes()[..62].to_vec(),
        format!("{SECRET}00").into_bytes(),
        "0".repeat(64).into_bytes(),
        "f".repeat(64).into_bytes(),
        format!("{}zz", &SECRET[..62]).into_bytes(),
    ] {
        std::fs::write(&file, &bad).expect("written");
        let source = KeySource::File { file: file.clone() };
        let error = source.open(1).await.expect_err("no key");
        assert!(matches!(error, SignerError::NotAKey { .. }), "{error}");
        shows_nothing(&format!("{error} {error:?}"));
    }
    std::fs::write(&file, vec![b'0'; 1 << 20]).expect("written");
    let error = KeySource::File { file }
        .open(1)
        .await
        .expect_err("too long");
    assert!(matches!(error, SignerError::Unreadable { .. }), "{error}");
    let source = KeySource::File {
        file: folder.path().join("none"),
    };
    let error = source.open(1).await.expect_err("missing");
    assert!(matches!(error, SignerError::Missing { .. }), "{error}");
    let source = KeySource::File {
        file: folder.path().into(),
    };
    let error = source.open(1).await.expect_err("a folder");
    assert!(matches!(error, SignerError::Unreadable { .. }), "{error}");
}

/// No part of [`SECRET`] that would help.
pub(super) fn shows_nothing(text: &str) {
    let text = text.to_lowercase();
    for start in (0..SECRET.len() - 8).step_by(4) {
        assert!(!text.contains(&SECRET[start..start + 8]), "{text}");
    }
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn a_key_where_a_name_belongs_is_not_shown() {
    for source in [
        KeySource::Env {
            variable: format!("0x{SECRET}"),
        },
        KeySource::File {
            file: SECRET.into(),
        },
    ] {
        let error = source.open(1).await.expect_err("nothing there");
        let development = source.check_allowed(1, false).expect_err("refused");
        shows_nothing(&format!(
            "{source:?} {} {error} {error:?} {development} {development:?}",
            source.describe()
        ));
    }
}

/// Runs a test in a process of its own, with other variables: those of this process belong to all its tests. True there.
pub(super) fn in_child(test: &str, variables: &[(&str, &str)]) -> bool {
    const CHILD: &str = "NANOZK_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    // Tests are named by their path within the crate.
    let path = test.split_once("::").expect("a crate").1;
    let mut command = std::process::Command::new(std::env::current_exe().expect("a test"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("AWS_") {
            command.env_remove(variable);
        }
    }
    let output = command
        .args([path, "--exact", "--nocapture"])
        .env(CHILD, "1")
        // Nothing of whoever runs the tests.
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    false
}

#[tokio::test]
async fn a_key_in_a_variable() {
    if in_child(
        concat!(module_path!(), "::a_key_in_a_variable"),
        &[("GOOD", SECRET), ("BAD", &SECRET[..60])],
    ) {
        let open = |variable: &str| {
            let variable = variable.into();
            async { KeySource::Env { variable }.open(31337).await }
        };
        signs(open("GOOD").await.expect("opens"), local().address()).await;
        let error = open("BAD").await.expect_err("no key");
        assert!(matches!(error, SignerError::NotAKey { .. }), "{error}");
        shows_nothing(&format!("{error} {error:?}"));
        for missing in ["NONE", "", "A=B", "A\0B"] {
            let error = open(missing).await.expect_err("not set");
            assert!(matches!(error, SignerError::NoVariable { .. }), "{error}");
        }
    }
}

/// A keystore of the password hunter2, with few rounds: scrypt of n 2, r 8, p 1, as computed by Python's hashlib and
/// cryptography.
const KEYSTORE: &str = include_str!("keystore.json");

fn keystore(folder: &Path, keystore: &str, password: &str) -> KeySource {
    let source = KeySource::Keystore {
        file: folder.join("keystore.json"),
        password_file: folder.join("password"),
    };
    std::fs::write(folder.join("keystore.json"), keystore).expect("written");
    std::fs::write(folder.join("password"), password).expect("written");
    source
}

#[tokio::test]
async fn a_key_in_a_keystore() {
    let folder = tempfile::tempdir().expect("a folder");
    for password in ["hunter2", "hunter2\n", "hunter2\r\n"] {
        let source = keystore(folder.path(), KEYSTORE, password);
        let key = source.open(31337).await.expect("opens");
        shows_nothing(&format!("{key:?} {source:?}"));
        signs(key, local().address()).await;
    }
    for password in ["", "\n", "hunter", "hunter2 ", "Hunter2"] {
        let source = keystore(folder.path(), KEYSTORE, password);
        let error = source.open(31337).await.expect_err("another password");
        assert!(matches!(error, SignerError::Password { .. }), "{error}");
        shows_nothing(&format!("{error} {error:?}"));
    }
    let source = keystore(folder.path(), KEYSTORE, "hunter2");
    std::fs::remove_file(folder.path().join("password")).expect("removed");
    let error = source.open(1).await.expect_err("no password");
    assert!(
        error.to_string().starts_with("there is no password "),
        "{error}"
    );
    std::fs::remove_file(folder.path().join("keystore.json")).expect("removed");
    let error = source.open(1).await.expect_err("no keystore");
    assert!(
        error.to_string().starts_with("there is no keystore "),
        "{error}"
    );
}

#[tokio::test]
async fn a_keystore_as_wallets_write_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (signer, name) = PrivateKeySigner::new_keystore(
        folder.path(),
        &mut rand::thread_rng(),
        "hunter2",
        Some("made.json"),
    )
    .map(|(signer, _)| (signer, "made.json"))
    .expect("made");
    std::fs::write(folder.path().join("password"), "hunter2\n").expect("written");
    let source = KeySource::Keystore {
        file: folder.path().join(name),
        password_file: folder.path().join("password"),
    };
    signs(source.open(31337).await.expect("opens"), signer.address()).await;
}

#[tokio::test]
async fn other_keystores_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = [
        ("\"version\": 3", "\"version\": 1"),
        ("\"n\": 2,", "\"n\": 3,"),
        ("\"n\": 2,", "\"n\": 0,"),
        // 1 TiB of memory.
        ("\"n\": 2,", "\"n\": 1073741824,"),
        ("\"r\": 8,", "\"r\": 0,"),
        ("\"p\": 1,", "\"p\": 4294967295,"),
        ("\"p\": 1,", "\"p\": -1,"),
        // The library takes slices of what is shorter.
        ("\"dklen\": 32", "\"dklen\": 16"),
        ("\"iv\": \"00", "\"iv\": \""),
        ("\"ciphertext\": \"", "\"ciphertext\": \"00"),
        ("aes-128-ctr", "aes-128-cbc"),
        ("\"kdf\": \"scrypt\"", "\"kdf\": \"pbkdf2\""),
        ("\"kdf\": \"scrypt\"", "\"kdf\": \"argon2\""),
        ("\"id\": \"", "\"id\": \"x"),
        ("\"mac\": \"", "\"mac\": \"zz"),
    ]
    .map(|(from, to)| {
        assert!(KEYSTORE.contains(from), "{from}");
        KEYSTORE.replacen(from, to, 1)
    });
    for text in changes.iter().map(String::as_str).chain(["{}", SECRET, ""]) {
        let source = keystore(folder.path(), text, "hunter2");
        let error = source.open(1).await.expect_err("no keystore");
        assert!(
            matches!(error, SignerError::Keystore { .. }),
            "{error}\n{text}"
        );
        shows_nothing(&format!("{error} {error:?}"));
    }
}

#[cfg(unix)]
#[test]
fn files_that_others_may_read_are_warned_of() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let source = keystore(folder.path(), KEYSTORE, "hunter2");
    let set = |name: &str, mode| {
        let path = folder.path().join(name);
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("set");
    };
    set("keystore.json", 0o600);
    set("password", 0o400);
    assert_eq!(source.warnings(), [""; 0]);
    set("password", 0o640);
    let path = folder.path().join("password");
    let path = path.display();
    assert_eq!(
        source.warnings(),
        [format!(
            "the password {path} is open to others than its owner (mode 640): chmod 600 {path}"
        )]
    );
    set("keystore.json", 0o644);
    assert_eq!(source.warnings().len(), 2);
    let file = KeySource::File {
        file: folder.path().join("keystore.json"),
    };
    assert_eq!(file.warnings().len(), 1);
    let missing = KeySource::File {
        file: "/nonexistent".into(),
    };
    assert_eq!(missing.warnings(), [""; 0]);
}

#[tokio::test]
async fn what_is_not_allowed_is_not_signed() {
    let folder = tempfile::tempdir().expect("a folder");
    let opened = keystore(folder.path(), KEYSTORE, "hunter2");
    let opened = opened.open(31337).await.expect("opens");
    let own = opened.address();
    let call = transaction(CONTRACT, &SELECTOR);
    let cancellation = transaction(own, &[]);

    // Without a list, nothing but cancellations.
    let error = opened.sign_transaction(call.clone()).await;
    assert!(matches!(
        error,
        Err(SignerError::NotAllowed(NotAllowed::Contract { .. }))
    ));
    opened
        .sign_transaction(cancellation.clone())
        .await
        .expect("its own");

    let key = opened.guarded(allow());
    key.sign_transaction(call.clone()).await.expect("listed");
    key.sign_transaction(cancellation.clone())
        .await
        .expect("its own");
    let paying = |tx: &TxEip1559| TxEip1559 {
        value: U256::from(1),
        ..tx.clone()
    };
    for (tx, why) in [
        (transaction(TxKind::Create, &SELECTOR), "no creations"),
        (transaction(TxKind::Create, &[]), "no creations"),
        (paying(&call), "sends ETH"),
        (paying(&cancellation), "sends ETH"),
        (transaction(own, &[0]), "functions only"),
        (transaction(own, &SELECTOR), "none of the contracts"),
        (transaction(CONTRACT, &[]), "functions only"),
        (transaction(CONTRACT, &SELECTOR[..3]), "functions only"),
        (transaction(CONTRACT, &[4, 3, 2, 1]), "only of post"),
        (transaction(Address::ZERO, &[]), "functions only"),
        (
            transaction(Address::ZERO, &SELECTOR),
            "none of the contracts",
        ),
    ] {
        let error = key.sign_transaction(tx).await.expect_err("not allowed");
        assert!(matches!(error, SignerError::NotAllowed(_)), "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    for tx in [call, cancellation] {
        let elsewhere = TxEip1559 { chain_id: 1, ..tx };
        let error = key.sign_transaction(elsewhere).await;
        assert!(matches!(
            error,
            Err(SignerError::WrongChain {
                expected: 31337,
                got: 1
            })
        ));
    }
}

/// A program that was built without KMS says so when it is to open such a key.
#[cfg(not(feature = "kms"))]
#[tokio::test]
async fn without_kms_its_keys_are_refused() {
    let source = parse("kind = 'aws-kms'\nkey_id = 'alias/a'").expect("valid");
    let error = source.open(1).await.expect_err("no KMS");
    assert!(error.to_string().contains("--features kms"), "{error}");
}
