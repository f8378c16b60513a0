//! What went wrong, for clients and for whoever runs the server.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use std::path::PathBuf;

/// Why the server does not start, or ends.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Files.
    #[error(transparent)]
    File(#[from] nanozk_prover::files::FileError),
    /// The model cannot run.
    #[error("the model {name}: {source}")]
    Model {
        /// Its name.
        name: String,
        /// Why.
        source: nanozk_executor::Error,
    },
    /// Two models have one name.
    #[error("two models are called {0}: give one another name, NAME=DIR")]
    NameTwice(String),
    /// Anybody could ask.
    #[error(
        "{0} can be reached from other machines: give an API key (--api-key-file), or listen on 127.0.0.1"
    )]
    Open(std::net::SocketAddr),
    /// The network.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Old sessions.
    #[error("cannot remove {path}: {source}")]
    Remove {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What clients are told, in the form of OpenAI's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Status.
    pub status: StatusCode,
    /// What was wrong, and what to do.
    pub message: String,
    /// Member of the request that it is about.
    pub parameter: Option<&'static str>,
    /// For programs.
    pub code: &'static str,
}

impl Problem {
    /// A request that cannot be answered as it is.
    pub fn bad(parameter: &'static str, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
            parameter: Some(parameter),
            code,
        }
    }

    /// Something that is no member's fault.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            parameter: None,
            code,
        }
    }

    /// The thread of a model is gone.
    pub(crate) fn stopped() -> Self {
        let message = "the model's thread has ended: restart the server";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "model_stopped", message)
    }

    /// As JSON.
    pub fn body(&self) -> serde_json::Value {
        let kind = match self.status {
            s if s.is_server_error() => "server_error",
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
            StatusCode::UNAUTHORIZED => "authentication_error",
            _ => "invalid_request_error",
        };
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
            r#type: &'a str,
            param: Option<&'a str>,
            code: &'a str,
        }
        json!({ "error": Body {
            message: &self.message,
            r#type: kind,
            param: self.parameter,
            code: self.code,
        }})
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body())).into_response();
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            let soon = header::HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, soon);
        }
        response
    }
}
