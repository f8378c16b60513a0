//! Whom a server answers: whoever bears its token, or, without one, programs of this machine.

use http::uri::Authority;
use http::{HeaderMap, HeaderName, header};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Characters of a token, at least.
const LEAST: usize = 16;

/// Why a file has no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It could be guessed.
    #[error("the token in {0} has fewer than {LEAST} characters: put a longer one there")]
    Short(PathBuf),
}

/// The token in a file, without the white space around it.
///
/// # Errors
/// If there is none, or a short one.
pub fn read_token(path: &Path) -> Result<Arc<str>, TokenError> {
    let text = std::fs::read_to_string(path).map_err(|source| TokenError::Read {
        path: path.into(),
        source,
    })?;
    match text.trim() {
        token if token.len() < LEAST => Err(TokenError::Short(path.into())),
        token => Ok(Arc::from(token)),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a request bears the token; compared in constant time.
pub fn bears(headers: &HeaderMap, token: &str) -> bool {
    let given = text(headers, header::AUTHORIZATION).and_then(|v| v.strip_prefix("Bearer "));
    // Digests: their comparison says nothing about the token.
    Sha256::digest(given.unwrap_or_default()) == Sha256::digest(token)
}

/// Whether a request to a server that listens at an address comes from a program of this machine, or from the server's own
/// page. Other sites can make a browser send requests here, and read the answers under names of their own that lead here, but
/// neither under this machine's name nor without their origin.
pub fn is_local(headers: &HeaderMap, listen: IpAddr) -> bool {
    let Some(host) = text(headers, header::HOST) else {
        return false;
    };
    let own = host.parse::<Authority>().is_ok_and(|a| {
        let name = a.host();
        name == "localhost"
            || name
                .trim_matches(['[', ']'])
                .parse::<IpAddr>()
                .is_ok_and(|ip| ip.is_loopback() || ip == listen)
    });
    own && text(headers, header::ORIGIN).is_none_or(|o| o == format!("http://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_compared() {
        let mut headers = HeaderMap::new();
        assert!(!bears(&headers, "secret"));
        for (value, expected) in [
            ("Bearer secret", true),
            ("Bearer secret2", false),
            ("Bearer ", false),
            ("bearer secret", false),
            ("secret", false),
        ] {
            headers.insert(header::AUTHORIZATION, value.parse().expect("a value"));
            assert_eq!(bears(&headers, "secret"), expected, "{value}");
        }
    }

    #[test]
    fn tokens_are_long_enough() {
        let dir = tempfile::tempdir().expect("created");
        let path = dir.path().join("token");
        assert!(matches!(read_token(&path), Err(TokenError::Read { .. })));
        std::fs::write(&path, " 123456789012345 \n").expect("written");
        assert!(matches!(read_token(&path), Err(TokenError::Short(_))));
        std::fs::write(&path, "1234567890123456\n").expect("written");
        assert_eq!(&*read_token(&path).expect("a token"), "1234567890123456");
    }

    #[test]
    fn only_this_machine_is_local() {
        let is_local = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a value"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a value"));
            }
            super::is_local(&headers, std::net::Ipv4Addr::LOCALHOST.into())
        };
        for host in ["localhost", "127.0.0.1", "[::1]"] {
            for host in [host.to_owned(), format!("{host}:8645")] {
                let own = format!("http://{host}");
                assert!(
                    is_local(&host, None) && is_local(&host, Some(&own)),
                    "{host}"
                );
                for other in ["https://evil.example", "null"] {
                    assert!(!is_local(&host, Some(other)), "{host}");
                }
            }
        }
        for host in [
            "evil.example",
            "localhost.evil.example:8645",
            "10.0.0.1",
            "",
        ] {
            assert!(!is_local(host, None), "{host}");
        }
        assert!(!super::is_local(
            &HeaderMap::new(),
            std::net::Ipv4Addr::LOCALHOST.into()
        ));
    }
}
