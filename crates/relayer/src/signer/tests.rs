use super::*;
use alloy::consensus::transaction::RlpEcdsaDecodableTx;
use alloy::network::eip2718::Decodable2718;
use alloy::primitives::{hex, keccak256, Bytes, U256};
use aws_sdk_kms::config::Credentials;
use base64::engine::general_purpose::STANDARD as BASE64;
use base64::Engine;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

const SECRET: &str = "6f142508b4eea641e33cb2a0161221105086a84584c74245ca463a49effea30b";
const CONTRACT: Address = Address::repeat_byte(7);
const SELECTOR: [u8; 4] = [1, 2, 3, 4];
const KEY_ID: &str = "alias/relayer";

fn local() -> PrivateKeySigner {
    SECRET.parse().expect("a key")
}

fn allow() -> AllowList {
    AllowList::new([(
        CONTRACT,
        "ClaimBook".into(),
        vec![(SELECTOR, "post".into())],
    )])
}

fn transaction(to: impl Into<TxKind>, input: &[u8]) -> TxEip1559 {
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
async fn signs(key: Key, address: Address) {
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

const DOMAINS: Domains = Domains {
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
fn shows_nothing(text: &str) {
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
fn in_child(test: &str, variables: &[(&str, &str)]) -> bool {
    const CHILD: &str = "NANOZK_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        return true;
    }
    // Tests are named by their path within the crate.
    let path = format!("{}::{test}", module_path!());
    let path = path.split_once("::").expect("a crate").1.to_owned();
    let mut command = std::process::Command::new(std::env::current_exe().expect("a test"));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("AWS_") {
            command.env_remove(variable);
        }
    }
    let output = command
        .args([&path, "--exact", "--nocapture"])
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
        "a_key_in_a_variable",
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

/// A request to the server of a test.
struct Request {
    method: String,
    path: String,
    /// Operation of the AWS JSON protocol.
    target: String,
    authorization: String,
    body: String,
}

/// A server of HTTP on this machine, until the test ends. It answers with a status and JSON.
fn serve(answer: impl Fn(Request) -> (u16, String) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                // The client may go away in between.
                let _ = serve_one(stream, &*answer);
            });
        }
    });
    address
}

fn serve_one(
    mut stream: TcpStream,
    answer: &dyn Fn(Request) -> (u16, String),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let mut request = Request {
        method: words.next().unwrap_or_default(),
        path: words.next().unwrap_or_default(),
        target: String::new(),
        authorization: String::new(),
        body: String::new(),
    };
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (header, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.trim().to_owned();
        match header.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "x-amz-target" => request.target = value,
            "authorization" => request.authorization = value,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    let (status, text) = answer(request);
    write!(
        stream,
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\
         x-aws-ec2-metadata-token-ttl-seconds: 600\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// Operations that a pretended KMS was asked for, and the authorizations with them.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// What a pretended KMS has.
#[derive(Clone)]
struct Kms {
    /// The key whose public half it shows.
    public: PrivateKeySigner,
    /// The key that signs.
    private: PrivateKeySigner,
    spec: &'static str,
    usage: &'static str,
    /// Code of the error, if the operation fails: of `GetPublicKey`, of `Sign`.
    errors: [Option<&'static str>; 2],
}

impl Kms {
    fn new() -> Self {
        Kms {
            public: local(),
            private: local(),
            spec: "ECC_SECG_P256K1",
            usage: "SIGN_VERIFY",
            errors: [None, None],
        }
    }

    fn answer(&self, request: &Request, signatures: &AtomicUsize) -> (u16, String) {
        let body: serde_json::Value = serde_json::from_str(&request.body).expect("JSON");
        assert_eq!(body["KeyId"], KEY_ID);
        let of_key = [
            ("KeyId", "arn:aws:kms:eu-central-1:1:key/1"),
            ("KeySpec", self.spec),
            ("CustomerMasterKeySpec", self.spec),
            ("KeyUsage", self.usage),
        ];
        let ok = |fields: &[(&str, &str)]| {
            let object: serde_json::Map<String, serde_json::Value> = fields
                .iter()
                .map(|(k, v)| (k.to_string(), (*v).into()))
                .collect();
            (200, serde_json::Value::Object(object).to_string())
        };
        let operation = request.target.strip_prefix("TrentService.");
        let error = match operation {
            Some("GetPublicKey") => self.errors[0],
            Some("Sign") => self.errors[1],
            other => panic!("{other:?} is asked for"),
        };
        if let Some(code) = error {
            let body = serde_json::json!({
                "__type": code,
                "message": "User: arn:aws:iam::1:user/relayer is not authorized",
            });
            let status = if code == "KMSInternalException" {
                500
            } else {
                400
            };
            return (status, body.to_string());
        }
        if operation == Some("GetPublicKey") {
            // SubjectPublicKeyInfo of id-ecPublicKey on secp256k1.
            let point = self
                .public
                .credential()
                .verifying_key()
                .to_encoded_point(false);
            let head = hex!("3056301006072a8648ce3d020106052b8104000a034200");
            let der = BASE64.encode([&head[..], point.as_bytes()].concat());
            return ok(&[&of_key[..], &[("PublicKey", &der)]].concat());
        }
        assert_eq!(body["MessageType"], "DIGEST");
        assert_eq!(body["SigningAlgorithm"], "ECDSA_SHA_256");
        let digest = BASE64
            .decode(body["Message"].as_str().expect("text"))
            .expect("base64");
        let signature = self
            .private
            .sign_hash_sync(&B256::from_slice(&digest))
            .expect("signed");
        // KMS does not know that Ethereum takes the lower half only: here, it takes turns.
        let order = U256::from_be_bytes(hex!(
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ));
        let s = match signatures.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => order - signature.s(),
            _ => signature.s(),
        };
        let numbers = [integer(signature.r()), integer(s)].concat();
        let der = BASE64.encode([&[0x30, numbers.len() as u8], &numbers[..]].concat());
        ok(&[
            ("KeyId", of_key[0].1),
            ("Signature", &der),
            ("SigningAlgorithm", "ECDSA_SHA_256"),
        ])
    }

    /// The address of a server, and who asked it what.
    fn serve(self) -> (String, Seen) {
        let seen = Seen::default();
        let (log, signatures) = (seen.clone(), AtomicUsize::new(0));
        let address = serve(move |request| {
            let target = (request.target.clone(), request.authorization.clone());
            log.lock().expect("not poisoned").push(target);
            self.answer(&request, &signatures)
        });
        (format!("http://{address}"), seen)
    }

    async fn open(self) -> Result<Key, SignerError> {
        let (endpoint, _) = self.serve();
        open_at(&endpoint).await
    }
}

/// An integer in DER.
fn integer(n: U256) -> Vec<u8> {
    let mut bytes = n.to_be_bytes_trimmed_vec();
    if bytes.first().is_none_or(|b| b & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    [&[2, bytes.len() as u8], &bytes[..]].concat()
}

/// Opens a key with credentials of the test's.
async fn open_at(endpoint: &str) -> Result<Key, SignerError> {
    let credentials = Credentials::new("AKIDTEST", "hunter2", None, None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest()).credentials_provider(credentials);
    let shown = "the AWS KMS key alias/relayer";
    let signer = open_kms(loader, KEY_ID, Some("eu-central-1"), Some(endpoint), shown).await?;
    Ok(Key::new(Inner::Kms(signer), 31337, shown.into()))
}

#[tokio::test]
async fn a_key_of_kms_signs() {
    let key = Kms::new().open().await.expect("opens");
    shows_nothing(&format!("{key:?}"));
    // Low and high signatures, of transactions and of typed data.
    for _ in 0..2 {
        signs(key.clone(), local().address()).await;
        let job = keccak256("one more");
        key.sign_lock(&DOMAINS, job, 1_000).await.expect("signed");
    }
    let error = key.sign_transaction(transaction(CONTRACT, &SELECTOR)).await;
    assert!(matches!(error, Err(SignerError::NotAllowed(_))));
}

#[tokio::test]
async fn kms_is_not_asked_for_what_is_not_allowed() {
    let (endpoint, seen) = Kms::new().serve();
    let key = open_at(&endpoint).await.expect("opens").guarded(allow());
    let before = seen.lock().expect("not poisoned").len();
    for tx in [
        transaction(Address::ZERO, &SELECTOR),
        transaction(TxKind::Create, &SELECTOR),
    ] {
        key.sign_transaction(tx).await.expect_err("not allowed");
    }
    let seen = seen.lock().expect("not poisoned");
    assert_eq!(seen.len(), before);
    assert!(seen
        .iter()
        .all(|(target, _)| target == "TrentService.GetPublicKey"));
    let scope = "Credential=AKIDTEST/";
    assert!(seen
        .iter()
        .all(|(_, a)| a.contains(scope) && a.contains("/eu-central-1/kms/")));
}

#[tokio::test]
async fn errors_of_kms_say_what_to_do() {
    let opening = |code| Kms {
        errors: [Some(code), None],
        ..Kms::new()
    };
    for (kms, part) in [
        (
            opening("AccessDeniedException"),
            "AWS denies kms:GetPublicKey of the AWS KMS key alias/relayer",
        ),
        (opening("NotFoundException"), "check key_id"),
        (opening("DisabledException"), "enable it"),
        (opening("KMSInvalidStateException"), "cancel its deletion"),
        (
            opening("UnsupportedOperationException"),
            "but of one without public keys",
        ),
        (
            opening("InvalidKeyUsageException"),
            "not for SIGN_VERIFY but for something else",
        ),
        (opening("ExpiredTokenException"), "renew them"),
        (opening("UnrecognizedClientException"), "renew them"),
        (
            opening("SomethingNewException"),
            "AWS refuses kms:GetPublicKey",
        ),
        (
            Kms {
                spec: "ECC_NIST_P256",
                ..Kms::new()
            },
            "not of the spec ECC_SECG_P256K1, which Ethereum needs, but ECC_NIST_P256",
        ),
        (
            Kms {
                usage: "KEY_AGREEMENT",
                ..Kms::new()
            },
            "not for SIGN_VERIFY but for KEY_AGREEMENT",
        ),
    ] {
        let error = kms.open().await.expect_err("it fails");
        assert!(error.to_string().contains(part), "{error}");
        shows_nothing(&format!("{error} {error:?}"));
    }
}

#[tokio::test]
async fn errors_of_signing_say_what_to_do() {
    for (code, part) in [
        ("AccessDeniedException", "denies kms:Sign"),
        ("DisabledException", "enable it"),
        ("KMSInternalException", "AWS refuses kms:Sign"),
    ] {
        let kms = Kms {
            errors: [None, Some(code)],
            ..Kms::new()
        };
        let key = kms.open().await.expect("opens");
        let error = key
            .sign_lock(&DOMAINS, B256::ZERO, 1_000)
            .await
            .expect_err("it fails");
        assert!(error.to_string().contains(part), "{error}");
    }
    let moved = Kms {
        private: PrivateKeySigner::random(),
        ..Kms::new()
    };
    let key = moved.open().await.expect("opens");
    let error = key
        .sign_lock(&DOMAINS, keccak256("d"), 1_000)
        .await
        .expect_err("another key");
    assert!(matches!(error, SignerError::KmsOtherKey { .. }), "{error}");
}

#[tokio::test]
async fn a_kms_that_does_not_answer() {
    // Nobody listens at a port that was given back.
    let port = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let error = open_at(&format!("http://{address}"))
        .await
        .expect_err("nobody");
    assert!(
        matches!(error, SignerError::KmsUnreachable { .. }),
        "{error}"
    );
    // Something that is no KMS.
    let address = serve(|_| (200, "<html>".into()));
    let error = open_at(&format!("http://{address}"))
        .await
        .expect_err("no KMS");
    assert!(
        matches!(error, SignerError::KmsUnreachable { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn endpoints_have_to_be_addresses() {
    for endpoint in [
        "",
        "kms",
        "::",
        "ftp://kms",
        "http://",
        "http://[",
        "http://[::1",
        "http://[x]",
        "http://:1",
        "http://a:b",
        "http://a:99999",
        "http://a b",
        "http://a/ b",
        "https://user:word@kms.example",
        "http://\u{e4}",
    ] {
        let error = open_at(endpoint).await.expect_err("no address");
        assert!(
            matches!(error, SignerError::Endpoint { .. }),
            "{endpoint}: {error}"
        );
        assert!(!error.to_string().contains("word@"));
    }
    let warnings = |endpoint: &str| {
        let source = KeySource::AwsKms {
            key_id: KEY_ID.into(),
            region: None,
            endpoint: Some(endpoint.into()),
        };
        source.warnings().len()
    };
    for (endpoint, count) in [
        ("https://kms.eu-central-1.amazonaws.com", 0),
        ("http://localhost:4566", 0),
        ("http://127.0.0.1:4566/", 0),
        ("http://[::1]:4566", 0),
        ("http://[::1]", 0),
        ("http://localstack:4566", 1),
    ] {
        assert!(host_of(endpoint).is_some(), "{endpoint}");
        assert_eq!(warnings(endpoint), count, "{endpoint}");
    }
}

/// Opens the key of a pretended KMS as a configuration would, and says whose credentials were used in which region.
async fn opened_by(region: Option<&str>) -> String {
    let (endpoint, seen) = Kms::new().serve();
    let source = KeySource::AwsKms {
        key_id: KEY_ID.into(),
        region: region.map(str::to_owned),
        endpoint: Some(endpoint),
    };
    signs(source.open(31337).await.expect("opens"), local().address()).await;
    let seen = seen.lock().expect("not poisoned");
    let (_, authorization) = seen.last().expect("asked");
    let scope = authorization
        .split("Credential=")
        .nth(1)
        .unwrap_or_default();
    let mut parts = scope.split('/');
    let (who, region) = (parts.next(), parts.nth(1));
    format!("{}@{}", who.unwrap_or_default(), region.unwrap_or_default())
}

#[tokio::test]
async fn credentials_of_the_environment() {
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIDENV"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("AWS_REGION", "eu-west-1"),
    ];
    if in_child("credentials_of_the_environment", &variables) {
        assert_eq!(opened_by(None).await, "AKIDENV@eu-west-1");
        assert_eq!(opened_by(Some("us-east-2")).await, "AKIDENV@us-east-2");
    }
}

#[tokio::test]
async fn credentials_of_a_profile() {
    let folder = tempfile::tempdir().expect("a folder");
    let [config, credentials] = ["config", "credentials"].map(|f| folder.path().join(f));
    std::fs::write(&config, "[profile relayer]\nregion = eu-north-1\n").expect("written");
    let text = "[relayer]\naws_access_key_id = AKIDFILE\naws_secret_access_key = hunter2\n";
    std::fs::write(&credentials, text).expect("written");
    let variables = [
        ("AWS_PROFILE", "relayer"),
        ("AWS_CONFIG_FILE", config.to_str().expect("text")),
        (
            "AWS_SHARED_CREDENTIALS_FILE",
            credentials.to_str().expect("text"),
        ),
    ];
    if in_child("credentials_of_a_profile", &variables) {
        assert_eq!(opened_by(None).await, "AKIDFILE@eu-north-1");
    }
}

fn role_credentials(id: &str) -> (u16, String) {
    let body = serde_json::json!({
        "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-01-01T00:00:00Z",
        "AccessKeyId": id, "SecretAccessKey": "hunter2", "Token": "token", "Expiration": "2099-01-01T00:00:00Z",
    });
    (200, body.to_string())
}

#[tokio::test]
async fn credentials_of_a_container() {
    let address = serve(|request| match request.path.as_str() {
        "/role" => role_credentials("AKIDECS"),
        _ => (404, String::new()),
    });
    let uri = format!("http://{address}/role");
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", uri.as_str()),
        ("AWS_REGION", "eu-west-1"),
    ];
    if in_child("credentials_of_a_container", &variables) {
        assert_eq!(opened_by(None).await, "AKIDECS@eu-west-1");
    }
}

#[tokio::test]
async fn credentials_of_a_machine() {
    const META: &str = "/latest/meta-data";
    let address = serve(|request| {
        let path = request.path.trim_end_matches('/');
        match (
            request.method.as_str(),
            path.strip_prefix(META).unwrap_or(path),
        ) {
            ("PUT", "/latest/api/token") => (200, "token".into()),
            ("GET", "/placement/region") => (200, "ap-south-1".into()),
            ("GET", "/iam/security-credentials" | "/iam/security-credentials-extended") => {
                (200, "role".into())
            }
            (
                "GET",
                "/iam/security-credentials/role" | "/iam/security-credentials-extended/role",
            ) => role_credentials("AKIDEC2"),
            _ => (404, String::new()),
        }
    });
    let uri = format!("http://{address}");
    let variables = [
        ("AWS_EC2_METADATA_DISABLED", "false"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", uri.as_str()),
    ];
    if in_child("credentials_of_a_machine", &variables) {
        assert_eq!(opened_by(None).await, "AKIDEC2@ap-south-1");
    }
}

#[tokio::test]
async fn no_credentials_and_no_region() {
    if in_child("no_credentials_and_no_region", &[]) {
        let (endpoint, seen) = Kms::new().serve();
        let source = |region: Option<&str>| KeySource::AwsKms {
            key_id: KEY_ID.into(),
            region: region.map(str::to_owned),
            endpoint: Some(endpoint.clone()),
        };
        let error = source(None).open(1).await.expect_err("no region");
        assert!(matches!(error, SignerError::NoRegion { .. }), "{error}");
        let error = source(Some("eu-west-1"))
            .open(1)
            .await
            .expect_err("no credentials");
        assert!(
            matches!(error, SignerError::NoCredentials { .. }),
            "{error}"
        );
        assert!(seen.lock().expect("not poisoned").is_empty());
    }
}
