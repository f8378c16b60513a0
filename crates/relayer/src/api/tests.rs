use super::*;
use alloy::primitives::U256;

#[test]
fn every_route_is_documented() {
    let document: Value = serde_json::from_str(&document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let source = include_str!("../api.rs");
    let start = source.find("fn routes(").expect("routes");
    let routes = &source[start..start + source[start..].find("fallback").expect("its end")];
    let mut n = 0;
    for route in routes.split(".route(\"").skip(1) {
        let path = &route[..route.find('"').expect("a path")];
        if path != "/" {
            assert!(paths.contains_key(path), "{path}");
            n += 1;
        }
    }
    assert_eq!(n, paths.len());
}

#[test]
fn without_a_token_only_this_machine_is_answered() {
    let refused = |token: Option<&str>, method: Method, host: &str, origin: Option<&str>| {
        let permission = Permission {
            token: token.map(Arc::from),
            listen: std::net::Ipv4Addr::LOCALHOST.into(),
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().expect("a value"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().expect("a value"));
        }
        permission.refuses(&method, &headers).is_some()
    };
    for method in [Method::GET, Method::PUT] {
        assert!(!refused(None, method.clone(), "localhost:8645", None));
        assert!(refused(None, method.clone(), "evil.example", None));
        assert!(refused(
            None,
            method,
            "localhost",
            Some("https://evil.example")
        ));
    }
    assert!(!refused(Some("t"), Method::GET, "proxy.example", None));
    assert!(refused(Some("t"), Method::PUT, "localhost", None));
}

#[test]
fn files_are_what_their_names_say() {
    let id = B256::repeat_byte(1);
    for file in FILES {
        for body in ["", "[]", "{", "1"] {
            assert!(
                check_file(file, id, body.as_bytes()).is_err(),
                "{file} {body}"
            );
        }
    }
    let manifest = include_str!("manifest.json");
    let mut manifest: Value = serde_json::from_str(manifest).expect("JSON");
    check_file("manifest.json", id, manifest.to_string().as_bytes()).expect("a manifest");
    assert!(check_file("claim.json", id, manifest.to_string().as_bytes()).is_err());
    manifest["format"] = "nanozk-manifest-0".into();
    assert!(check_file("manifest.json", id, manifest.to_string().as_bytes()).is_err());
    let signatures = |format: &str| {
        let zero = Address::ZERO;
        format!(
            r#"{{"format":"{format}","provider":"{zero}","lock_deadline":1,"lock":"0x","claim":"0x"}}"#
        )
    };
    let check = |text: String| check_file("signatures.json", id, text.as_bytes());
    check(signatures(SIGNATURES_FORMAT)).expect("signatures");
    let error = check(signatures("nanozk-signatures-0")).expect_err("of another version");
    assert!(error.to_string().contains("nanozk-signatures-0"), "{error}");
}

#[test]
fn files_are_written_into_new_folders() {
    let inbox = tempfile::tempdir().expect("a directory");
    let directory = inbox.path().join("claim");
    let path = directory.join("new/final.json");
    for body in [b"first", b"again"] {
        write_durably(&directory, &path, body).expect("written");
        assert_eq!(std::fs::read(&path).expect("there"), body);
    }
}

#[test]
fn amounts_are_decimal_text() {
    assert_eq!(
        text(U256::from(10).pow(U256::from(18))),
        "1000000000000000000"
    );
}
