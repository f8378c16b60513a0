//! A pretended KMS on this machine, which signs.

use super::*;
use crate::signer::tests::{
    CONTRACT, DOMAINS, SELECTOR, allow, in_child, local, shows_nothing, signs, transaction,
};
use crate::signer::{Inner, Key, KeySource};
use alloy::primitives::{TxKind, U256, hex, keccak256};
use alloy::signers::SignerSync;
use alloy::signers::local::PrivateKeySigner;
use aws_sdk_kms::config::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

const KEY_ID: &str = "alias/relayer";

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
    let signer = open_by(loader, KEY_ID, Some("eu-central-1"), Some(endpoint), shown).await?;
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
    assert!(
        seen.iter()
            .all(|(target, _)| target == "TrentService.GetPublicKey")
    );
    let scope = "Credential=AKIDTEST/";
    assert!(
        seen.iter()
            .all(|(_, a)| a.contains(scope) && a.contains("/eu-central-1/kms/"))
    );
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
    if in_child(
        concat!(module_path!(), "::credentials_of_the_environment"),
        &variables,
    ) {
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
    if in_child(
        concat!(module_path!(), "::credentials_of_a_profile"),
        &variables,
    ) {
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
    if in_child(
        concat!(module_path!(), "::credentials_of_a_container"),
        &variables,
    ) {
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
    if in_child(
        concat!(module_path!(), "::credentials_of_a_machine"),
        &variables,
    ) {
        assert_eq!(opened_by(None).await, "AKIDEC2@ap-south-1");
    }
}

#[tokio::test]
async fn no_credentials_and_no_region() {
    if in_child(
        concat!(module_path!(), "::no_credentials_and_no_region"),
        &[],
    ) {
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
