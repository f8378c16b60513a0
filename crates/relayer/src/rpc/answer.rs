//! What a node answered: a result, a refusal, or trouble of its own.

use super::*;

/// What came back over HTTP.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Failure::of_http)? {
        if body.len() + chunk.len() > BODY_CAP {
            return Err(Failure::troubled(format!(
                "its answer has over {BODY_CAP} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Seconds only: nodes do not send dates here.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    seconds.parse().ok().map(Duration::from_secs)
}

/// Methods by which something is looked up by its hash: nodes may not know it.
const LOOKUPS: [&str; 2] = ["eth_getTransactionReceipt", "eth_getTransactionByHash"];

/// Tells an answer to requests from everything else that a node may send.
pub(super) fn judge(answer: Answer, packet: &RequestPacket) -> Result<ResponsePacket, Failure> {
    let ids = packet.requests().iter().map(|r| r.id()).collect();
    let lookup = packet.method_names().all(|m| LOOKUPS.contains(&m));
    judge_ids(answer, ids, packet.as_single().is_some(), lookup)
}

/// The same, by the requests' ids.
pub(super) fn judge_ids(
    answer: Answer,
    ids: Vec<&Id>,
    single: bool,
    lookup: bool,
) -> Result<ResponsePacket, Failure> {
    let Answer { status, body, .. } = answer;
    let packet = serde_json::from_slice::<ResponsePacket>(&body);
    if !status.is_success() {
        // Some nodes send errors of JSON-RPC with a status.
        let refused = status.is_client_error()
            && ![401, 403, 408, 429].contains(&status.as_u16())
            && packet.as_ref().is_ok_and(|p| !p.is_success());
        let reverted = packet
            .as_ref()
            .is_ok_and(|p| p.iter_errors().any(is_revert));
        if !refused && !reverted {
            let mut failure =
                Failure::broken(format!("{status}: {}", String::from_utf8_lossy(&body)));
            if status == StatusCode::TOO_MANY_REQUESTS {
                failure.kind = Kind::Troubled;
            }
            if matches!(status.as_u16(), 429 | 503) {
                failure.wait = answer.retry_after;
            }
            return Err(failure);
        }
    }
    let packet =
        packet.map_err(|e| Failure::troubled(format!("not an answer of JSON-RPC: {e}")))?;
    let troubled = |error: &&ErrorPayload| is_trouble(error) && !(lookup && is_unknown(error));
    if let Some(error) = packet.iter_errors().find(troubled) {
        let reason = format!("error {}: {}", error.code, error.message);
        return Err(Failure::troubled(reason));
    }
    let mut expected = ids;
    let mut found: Vec<&Id> = packet.response_ids().collect();
    expected.sort_unstable();
    found.sort_unstable();
    if expected != found || packet.as_single().is_some() != single {
        let mut reason = "it answered another request".to_owned();
        if let Some(error) = packet.as_error() {
            reason = format!("{reason}: error {}: {}", error.code, error.message);
        }
        return Err(Failure::troubled(reason));
    }
    Ok(packet)
}

/// A node's text as people, logs and databases can take it.
pub(crate) fn presentable(text: &str) -> String {
    shortened(text, TEXT_CAP)
}

/// What a contract said no with, if that is what an error is.
pub(crate) fn revert_of(error: &ErrorPayload) -> Option<Bytes> {
    if !is_revert(error) {
        return None;
    }
    // Some nodes put words before it, some an object around it.
    let data = error.data.as_deref().map_or("", RawValue::get);
    let hex = data.split("0x").nth(1).unwrap_or_default();
    let end = hex.find(|c: char| !c.is_ascii_hexdigit());
    let hex = &hex[..end.unwrap_or(hex.len())];
    Some(hex.parse().unwrap_or_default())
}

/// Whether a contract said no.
fn is_revert(error: &ErrorPayload) -> bool {
    // 3 is Geth's code for it, -32015 that of Parity and its heirs.
    error.code == 3
        || error.code == -32015
        || error.message.to_ascii_lowercase().contains("revert")
        || (error.code == -32603 && error.data.as_deref().is_some_and(has_hex))
}

/// Whether there is something like `"0x08c379a0…"` in the data of an error.
fn has_hex(data: &RawValue) -> bool {
    data.get().contains("\"0x")
}

/// Errors that say something about the request, whatever their code: Besu uses codes for them that others use for
/// their own troubles.
const REFUSALS: [&str; 26] = [
    "nonce too low",
    "nonce too high",
    "already known",
    "alreadyknown",
    "known transaction",
    "already imported",
    "underpriced",
    "insufficient funds",
    "insufficientfunds",
    "upfront cost exceeds",
    "intrinsic gas",
    "gas required exceeds",
    "gas limit",
    "out of gas",
    "than block base fee",
    "than the current basefee",
    "fee cap",
    "invalid params",
    "invalid argument",
    "method not found",
    "invalid opcode",
    "invalid sender",
    "invalid signature",
    "invalid transaction signature",
    "query returned more than",
    "block range",
];

/// Errors that another node, or the same one later, may not have.
const TROUBLES: [&str; 25] = [
    "internal error",
    "internal server error",
    "header not found",
    "header for hash not found",
    "block not found",
    "unknown block",
    "indexing is in progress",
    "missing trie node",
    "state not available",
    "state unavailable",
    "state is not available",
    "not synced",
    "syncing",
    "rate limit",
    "rate-limit",
    "ratelimit",
    "too many requests",
    "limit exceeded",
    "capacity",
    "timeout",
    "timed out",
    "temporarily",
    "unavailable",
    "overloaded",
    "try again",
];

/// Whether an error is the node's own trouble rather than an answer.
fn is_trouble(error: &ErrorPayload) -> bool {
    let message = error.message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if is_revert(error) || says(&REFUSALS) {
        return false;
    }
    match error.code {
        // Unreadable to the node, although we sent well-formed JSON; without resource; over a limit; internal.
        -32700 | -32001 | -32002 | -32005 | -32603 => true,
        // Statuses of HTTP that became codes.
        429 | 500..=599 => true,
        // What the node makes of the request itself.
        -32602..=-32600 => error.is_retry_err(),
        // Erigon names the block in between.
        _ => {
            let no_block = message.contains("block") && message.contains("not found");
            no_block || error.is_retry_err() || says(&TROUBLES)
        }
    }
}

/// Whether an error says that the node does not know what was looked up, for which others answer `null`.
pub(crate) fn is_unknown(error: &ErrorPayload) -> bool {
    let message = error.message.to_ascii_lowercase();
    let words = [
        "not found",
        "unknown",
        "not exist",
        "no receipt",
        "no transaction",
    ];
    // A method that is not found, or a block that is not there yet, is something else.
    let others = ["method", "block", "header", "time", "limit"];
    // -32001 is "resource not found" of EIP-1474.
    let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
    (error.code == -32001 || says(&words)) && !says(&others)
}

/// All that may be secret in an address, the longest first. Short parts of a path are names such as `v3`.
pub(super) fn secrets(url: &Url) -> Vec<String> {
    let mut secrets = vec![
        url.as_str().to_owned(),
        url.username().to_owned(),
        url.password().unwrap_or_default().to_owned(),
        url.query().unwrap_or_default().to_owned(),
        url.fragment().unwrap_or_default().to_owned(),
    ];
    let path = url.path().split('/').map(str::to_owned);
    let query = url.query_pairs().map(|(_, value)| value.into_owned());
    secrets.extend(path.chain(query).filter(|part| part.len() >= 8));
    secrets.retain(|secret| !secret.is_empty());
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    secrets
}
