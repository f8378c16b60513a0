//! Nodes that misbehave, on sockets.

use super::*;
use alloy::providers::Provider;
use alloy::rpc::client::BatchRequest;
use alloy::transports::RpcError;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const CHAIN: u64 = 31337;

/// Pauses of milliseconds.
const QUICK: Pace = Pace {
    rest: Duration::from_millis(20),
    rest_cap: Duration::from_millis(100),
    round: Duration::from_millis(1),
    ..Pace::USUAL
};

/// What a node of a test does with a request.
#[derive(Clone)]
enum Reply {
    Result(Value),
    Error(i64, &'static str, Option<Value>),
    WrongId,
    /// A status, further headers and a body.
    Http(u16, &'static str, &'static str),
    Silence,
    /// An answer after a while.
    Late(Duration, Value),
    Close,
    /// An answer without end.
    Endless,
}

struct Node {
    port: u16,
    chain: Arc<Mutex<u64>>,
    reply: Arc<Mutex<Reply>>,
    /// Requests other than for the chain.
    asked: Arc<AtomicUsize>,
    chain_asked: Arc<AtomicUsize>,
}

impl Node {
    async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let node = Node {
            port: listener.local_addr().unwrap().port(),
            chain: Arc::new(Mutex::new(CHAIN)),
            reply: Arc::new(Mutex::new(reply)),
            asked: Arc::default(),
            chain_asked: Arc::default(),
        };
        let (chain, reply) = (node.chain.clone(), node.reply.clone());
        let (asked, chain_asked) = (node.asked.clone(), node.chain_asked.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (chain, reply) = (chain.clone(), reply.clone());
                let (asked, chain_asked) = (asked.clone(), chain_asked.clone());
                tokio::spawn(async move {
                    let mut stream = stream;
                    let Some(request) = read_request(&mut stream).await else {
                        return;
                    };
                    let reply = if request["method"] == "eth_chainId" {
                        chain_asked.fetch_add(1, Ordering::SeqCst);
                        Reply::Result(json!(format!("{:#x}", *chain.lock().unwrap())))
                    } else {
                        asked.fetch_add(1, Ordering::SeqCst);
                        reply.lock().unwrap().clone()
                    };
                    answer(stream, &request, reply).await;
                });
            }
        });
        node
    }

    fn url(&self) -> Url {
        format!("http://127.0.0.1:{}/", self.port).parse().unwrap()
    }

    fn set(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((_, body)) = text.split_once("\r\n\r\n")
            && let Ok(request) = serde_json::from_str(body)
        {
            return Some(request);
        }
    }
}

async fn answer(mut stream: TcpStream, request: &Value, reply: Reply) {
    let one = |request: &Value| match &reply {
        Reply::Result(result) | Reply::Late(_, result) => {
            json!({"jsonrpc": "2.0", "id": request["id"], "result": result})
        }
        Reply::Error(code, message, data) => {
            let mut error = json!({"code": code, "message": message});
            if let Some(data) = data {
                error["data"] = data.clone();
            }
            json!({"jsonrpc": "2.0", "id": request["id"], "error": error})
        }
        _ => json!({"jsonrpc": "2.0", "id": 987_654, "result": "0x1"}),
    };
    let body = match request.as_array() {
        Some(requests) => requests.iter().map(one).collect(),
        None => one(request),
    };
    if let Reply::Late(after, _) = reply {
        tokio::time::sleep(after).await;
    }
    let (status, headers, body) = match reply {
        Reply::Http(status, headers, body) => (status, headers, body.to_owned()),
        Reply::Close => return,
        Reply::Silence => {
            tokio::time::sleep(LONG).await;
            return;
        }
        Reply::Endless => {
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
            let mut sent = stream.write_all(head.as_bytes()).await;
            while sent.is_ok() {
                sent = stream.write_all(&[b' '; 1 << 16]).await;
            }
            return;
        }
        _ => (200, "", body.to_string()),
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(text.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// Longer than any machine takes.
const LONG: Duration = Duration::from_secs(300);

fn failover(urls: Vec<Url>, timeout: Duration, pace: Pace) -> Failover {
    Failover::with_pace(urls, CHAIN, Patience::new(timeout, LONG), pace)
}

fn over(nodes: &[&Node]) -> Failover {
    let urls = nodes.iter().map(|node| node.url()).collect();
    failover(urls, LONG, QUICK)
}

async fn block_number(failover: &Failover) -> Result<u64, TransportError> {
    failover.provider().get_block_number().await
}

fn seven() -> Reply {
    Reply::Result(json!("0x7"))
}

fn error(code: i64, message: &'static str) -> Reply {
    Reply::Error(code, message, None)
}

#[tokio::test]
async fn the_first_node_serves_as_long_as_it_works() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    let failover = over(&[&a, &b]);
    for _ in 0..5 {
        assert_eq!(block_number(&failover).await.unwrap(), 7);
    }
    assert_eq!((a.asked(), b.asked()), (5, 0));
    assert_eq!(a.chain_asked.load(Ordering::SeqCst), 1);
    let health = failover.health();
    assert_eq!((health[0].score, health[0].requests), (100, 6));
    assert!(health.iter().all(|h| h.usable && h.failures == 0));
    assert_eq!(health[0].node, format!("127.0.0.1:{}", a.port));
}

#[tokio::test]
async fn every_failure_leads_to_the_next_node() {
    let failures = [
        (Reply::Close, "error sending request"),
        (
            Reply::Http(429, "Retry-After: 0\r\n", "too many"),
            "429 Too Many Requests",
        ),
        (Reply::Http(500, "", "oops"), "500"),
        (Reply::Http(502, "", "<html>"), "502"),
        (
            Reply::Http(302, "Location: http://127.0.0.1:1/\r\n", ""),
            "302",
        ),
        (Reply::Http(403, "", "{}"), "403"),
        (Reply::Http(200, "", "{\"jsonrpc\":\"2.0\",\"id"), "JSON"),
        (Reply::Http(200, "", "<html>"), "JSON"),
        (Reply::Http(200, "", ""), "JSON"),
        (Reply::Endless, "over 33554432 bytes"),
        (Reply::WrongId, "another request"),
        (error(-32603, "Internal error"), "-32603"),
        (error(-32005, "project ID request rate exceeded"), "-32005"),
        (error(-32002, "request timed out"), "-32002"),
        (error(-32000, "header not found"), "header not found"),
        (error(-32000, "Too Many Requests"), "Too Many"),
        (error(-32000, "missing trie node 12"), "trie"),
        (error(-32000, "block 0x12 not found"), "not found"),
        (error(429, "compute units"), "429"),
    ];
    for (failure, said) in failures {
        let (a, b) = (Node::start(failure).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        assert_eq!(block_number(&failover).await.unwrap(), 7, "{said}");
        assert_eq!((a.asked(), b.asked()), (1, 1), "{said}");
        let health = failover.health();
        assert_eq!((health[0].score, health[0].failures), (50, 1), "{said}");
        let last = health[0].last_error.clone().unwrap();
        assert!(last.contains(said), "{last} should contain {said}");
    }
}

#[tokio::test]
async fn a_silent_node_leads_to_the_next_one() {
    let (a, b) = (
        Node::start(Reply::Silence).await,
        Node::start(seven()).await,
    );
    let urls = vec![a.url(), b.url()];
    // The second may need more than one attempt where machines are slow.
    let failover = failover(urls, Duration::from_millis(700), QUICK);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert!(a.asked() >= 1 && b.asked() >= 1);
    let last = failover.health()[0].last_error.clone().unwrap();
    assert!(
        last.contains("no answer to eth_") && last.contains("within"),
        "{last}"
    );
}

/// Repeated unchanged, a request that takes a second would never be answered within a tenth of it.
#[tokio::test]
async fn what_no_node_answers_in_time_is_waited_for_longer() {
    let second = Duration::from_secs(1);
    let a = Node::start(Reply::Late(second, json!("0x7"))).await;
    let failover = failover(vec![a.url()], second / 10, QUICK);
    let error = block_number(&failover).await.unwrap_err();
    let RpcError::Transport(kind) = &error else {
        panic!("{error}");
    };
    let unanswered = kind.as_custom().unwrap().downcast_ref::<Unanswered>();
    assert!(unanswered.unwrap().slow, "{error}");
    let slow = failover.slow();
    assert_eq!((slow.len(), slow[0].times), (1, ROUNDS), "{slow:?}");
    assert!(slow[0].method == "eth_blockNumber" && slow[0].next > slow[0].waited);
    // However slow this machine is: waits double up to minutes.
    for _ in 0..10 {
        if let Ok(number) = block_number(&failover).await {
            assert_eq!((number, failover.slow()), (7, Vec::new()));
            return;
        }
    }
    panic!("no answer in spite of long waits: {:?}", failover.slow());
}

/// For what nodes look up by its hash an error may mean that they do not know it: it says nothing against the node.
#[tokio::test]
async fn not_to_know_a_transaction_is_an_answer() {
    for answer in [
        error(-32001, "Resource not found"),
        error(-32000, "transaction not found"),
        error(-32603, "Internal error: unknown transaction"),
    ] {
        let a = Node::start(answer.clone()).await;
        let failover = over(&[&a]);
        let provider = failover.provider();
        let error = provider.get_transaction_receipt(Default::default()).await;
        assert!(error.unwrap_err().as_error_resp().is_some());
        assert_eq!((a.asked(), failover.health()[0].score), (1, 100));
        // To another question it is none.
        if matches!(answer, Reply::Error(-32001, ..)) {
            assert!(block_number(&failover).await.is_err());
            assert_eq!(a.asked(), 1 + ROUNDS as usize);
        }
    }
    let a = Node::start(error(-32000, "block 0x12 not found")).await;
    let receipt = over(&[&a])
        .provider()
        .get_transaction_receipt(Default::default())
        .await;
    assert!(
        receipt.unwrap_err().as_error_resp().is_none(),
        "it lacks a block"
    );
}

#[tokio::test]
async fn a_refused_connection_leads_to_the_next_node() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", nobody.local_addr().unwrap());
    drop(nobody);
    let b = Node::start(seven()).await;
    let urls = vec![url.parse().unwrap(), b.url()];
    let failover = failover(urls, LONG, QUICK);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    let last = failover.health()[0].last_error.clone().unwrap();
    assert!(last.contains("refused"), "{last}");
}

#[tokio::test]
async fn answers_that_say_no_are_returned_at_once() {
    let data = || Some(json!("0x08c379a0"));
    let answers = [
        error(3, "execution reverted: no"),
        error(-32000, "execution reverted"),
        Reply::Error(-32603, "VM Exception", data()),
        Reply::Error(
            -32603,
            "Internal error",
            Some(json!({"data": "0x01020304"})),
        ),
        Reply::Error(-32015, "VM execution error.", Some(json!("Reverted 0x"))),
        error(-32000, "already known"),
        error(-32000, "nonce too low: next nonce 5, tx nonce 4"),
        // As Besu has it.
        error(-32001, "Nonce too low"),
        error(-32603, "replacement transaction underpriced"),
        error(-32000, "insufficient funds for gas * price + value"),
        error(-32602, "invalid params"),
        error(-32601, "the method eth_x does not exist/is not available"),
        error(-32005, "query returned more than 10000 results"),
        error(-32000, "something that nobody has heard of"),
        Reply::Http(
            400,
            "",
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"invalid params"}}"#,
        ),
        Reply::Http(
            500,
            "",
            r#"{"jsonrpc":"2.0","id":0,"error":{"code":3,"message":"execution reverted"}}"#,
        ),
    ];
    for answer in answers {
        let (a, b) = (Node::start(answer).await, Node::start(seven()).await);
        let failover = over(&[&a, &b]);
        let error = block_number(&failover).await.unwrap_err();
        assert!(error.as_error_resp().is_some(), "{error}");
        assert_eq!((a.asked(), b.asked()), (1, 0), "{error}");
        assert_eq!(failover.health()[0].score, 100, "{error}");
    }
}

#[tokio::test]
async fn the_last_error_is_returned_after_three_rounds() {
    let (a, b) = (
        Node::start(Reply::Http(500, "", "oops")).await,
        Node::start(error(-32603, "internal error")).await,
    );
    let error = block_number(&over(&[&a, &b])).await.unwrap_err();
    assert_eq!((a.asked(), b.asked()), (3, 3));
    let RpcError::Transport(kind) = &error else {
        panic!("{error}");
    };
    let unanswered = kind.as_custom().unwrap().downcast_ref::<Unanswered>();
    assert!(unanswered.unwrap().node.starts_with("127.0.0.1:"));
    assert!(error.as_error_resp().is_none());
}

#[tokio::test]
async fn a_failure_that_passes_is_not_seen() {
    let a = Node::start(Reply::Close).await;
    let failover = over(&[&a]);
    let reply = a.reply.clone();
    let asked = a.asked.clone();
    tokio::spawn(async move {
        while asked.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        *reply.lock().unwrap() = seven();
    });
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    // It lost its connection, and so was asked for its chain again.
    assert!(a.chain_asked.load(Ordering::SeqCst) >= 2);
}

#[tokio::test]
async fn a_wrong_chain_is_never_used() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    *a.chain.lock().unwrap() = 1;
    let failover = over(&[&a, &b]);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert!(!failover.health()[0].usable);
    b.set(Reply::Close);
    assert!(block_number(&failover).await.is_err());
    let error = failover.health()[0].last_error.clone().unwrap();
    assert_eq!(error, "it is on chain 1, not 31337");
    assert_eq!(a.asked(), 0);
    // Until it is on the right one.
    *a.chain.lock().unwrap() = CHAIN;
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert_eq!(a.asked(), 1);
}

#[tokio::test]
async fn a_node_that_comes_back_on_another_chain_is_not_used() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    let failover = over(&[&a, &b]);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    a.set(Reply::Close);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    let asked = a.asked();
    a.set(seven());
    *a.chain.lock().unwrap() = 5;
    for _ in 0..10 {
        tokio::time::sleep(QUICK.rest).await;
        assert_eq!(block_number(&failover).await.unwrap(), 7);
    }
    assert_eq!(a.asked(), asked);
    assert!(!failover.health()[0].usable);
}

#[tokio::test]
async fn a_node_that_never_failed_is_asked_for_its_chain_again() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    let urls = vec![a.url(), b.url()];
    let pace = Pace {
        trust: Duration::from_millis(50),
        ..QUICK
    };
    let failover = failover(urls, LONG, pace);
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    *a.chain.lock().unwrap() = 1;
    tokio::time::sleep(pace.trust).await;
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert_eq!((a.asked(), b.asked()), (1, 1));
}

#[tokio::test]
async fn checks_look_at_every_node() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    *b.chain.lock().unwrap() = 1;
    let health = over(&[&a, &b]).check().await;
    assert!(health[0].usable && !health[1].usable);
    assert_eq!((a.asked(), b.asked()), (0, 0));
}

#[tokio::test]
async fn scores_recover_and_the_preferred_node_returns() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    let failover = over(&[&a, &b]);
    a.set(Reply::Http(500, "", ""));
    let mut lowest = 100;
    for _ in 0..5 {
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        tokio::time::sleep(QUICK.rest * 2).await;
        lowest = lowest.min(failover.health()[0].score);
    }
    assert!(lowest < 30, "{lowest}");
    a.set(seven());
    for _ in 0..100 {
        assert_eq!(block_number(&failover).await.unwrap(), 7);
        if failover.health()[0].score == 100 {
            break;
        }
        tokio::time::sleep(QUICK.rest).await;
    }
    assert_eq!(failover.health()[0].score, 100);
    let before = b.asked();
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert_eq!(b.asked(), before);
}

#[tokio::test]
async fn a_resting_node_is_left_alone_but_for_need() {
    let (a, b) = (
        Node::start(Reply::Http(500, "", "")).await,
        Node::start(seven()).await,
    );
    let urls = vec![a.url(), b.url()];
    let pace = Pace {
        rest: Duration::from_secs(60),
        rest_cap: Duration::from_secs(60),
        ..QUICK
    };
    let failover = failover(urls, LONG, pace);
    for _ in 0..5 {
        assert_eq!(block_number(&failover).await.unwrap(), 7);
    }
    assert_eq!(a.asked(), 1);
    b.set(Reply::Close);
    a.set(seven());
    assert_eq!(block_number(&failover).await.unwrap(), 7);
    assert_eq!(a.asked(), 2);
}

#[tokio::test]
async fn transactions_do_not_probe() {
    let (a, b) = (
        Node::start(Reply::Http(500, "", "")).await,
        Node::start(Reply::Result(json!(format!("{:#066x}", 1)))).await,
    );
    let failover = over(&[&a, &b]);
    let provider = failover.provider();
    let _ = provider.send_raw_transaction(&[1]).await.unwrap();
    assert_eq!(a.asked(), 1);
    tokio::time::sleep(QUICK.rest * 2).await;
    let _ = provider.send_raw_transaction(&[1]).await.unwrap();
    assert_eq!((a.asked(), b.asked()), (1, 2));
}

#[tokio::test]
async fn retry_after_is_honoured() {
    let a = Node::start(Reply::Http(429, "Retry-After: 1\r\n", "")).await;
    let failover = over(&[&a]);
    let start = Instant::now();
    assert!(block_number(&failover).await.is_err());
    assert_eq!(a.asked(), 3);
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert!(!failover.health()[0].usable);
}

#[tokio::test]
async fn batches_need_every_answer() {
    let (a, b) = (Node::start(seven()).await, Node::start(seven()).await);
    let failover = over(&[&a, &b]);
    let ask = || async {
        let provider = failover.provider();
        let mut batch = BatchRequest::new(provider.client());
        let first = batch.add_call::<_, String>("eth_blockNumber", &()).unwrap();
        let second = batch.add_call::<_, String>("eth_gasPrice", &()).unwrap();
        batch.send().await.unwrap();
        (first.await.unwrap(), second.await.unwrap())
    };
    let both = ("0x7".to_owned(), "0x7".to_owned());
    assert_eq!(ask().await, both);
    assert_eq!((a.asked(), b.asked()), (1, 0));
    let part = r#"[{"jsonrpc":"2.0","id":0,"result":"0x8"}]"#;
    a.set(Reply::Http(200, "", part));
    assert_eq!(ask().await, both);
    assert_eq!(b.asked(), 1);
}

#[tokio::test]
async fn no_nodes_are_an_error() {
    let failover = Failover::new(vec![], CHAIN, LONG, LONG);
    let error = block_number(&failover).await.unwrap_err().to_string();
    assert!(error.contains("none is configured"), "{error}");
}

#[tokio::test]
async fn secrets_of_addresses_stay_hidden() {
    let body = "no project SECRETKEY123 for hunter2 and apikey=QUERYSECRET";
    let a = Node::start(Reply::Http(401, "", body)).await;
    let url = format!(
        "http://bob:hunter2@127.0.0.1:{}/v3/SECRETKEY123?apikey=QUERYSECRET",
        a.port
    );
    let nobody = "http://127.0.0.1:1/v3/SECRETKEY123".parse().unwrap();
    let urls = vec![url.parse().unwrap(), nobody];
    let failover = failover(urls, LONG, QUICK);
    let error = block_number(&failover).await.unwrap_err();
    let health = serde_json::to_string(&failover.health()).unwrap();
    assert_eq!(failover.health()[0].node, format!("127.0.0.1:{}", a.port));
    for text in [
        error.to_string(),
        format!("{error:?}"),
        format!("{failover:?}"),
        health,
    ] {
        for secret in ["SECRETKEY", "hunter2", "QUERYSECRET", "bob", "apikey"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let url = "https://node.example/v3/key".parse().unwrap();
    assert_eq!(node_name(&url), "node.example:443");
}

#[test]
fn rests_grow_to_half_a_minute() {
    let rests: Vec<u64> = (0..9)
        .map(|n| Pace::USUAL.rest_after(n).as_secs())
        .collect();
    assert_eq!(rests, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
    assert_eq!(Pace::USUAL.rest_after(u32::MAX).as_secs(), 30);
}
