//! A proxy in front of a node that does what networks do.

use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a peer may be silent.
const PATIENCE: Duration = Duration::from_secs(600);
/// How many earlier answers are kept, to be given to later requests.
const MEMORY: usize = 32;
/// The longest body.
const BODY_CAP: usize = 64 << 20;

/// How often things go wrong, in cases per thousand requests. Each is drawn on its own, and the first of those that
/// exclude each other wins, in the order of this list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chaos {
    /// Closes every connection.
    pub(crate) down: bool,
    /// Waits, up to `delay_ms`, before anything else.
    pub(crate) delay: u32,
    /// The longest wait, in milliseconds.
    pub(crate) delay_ms: u64,
    /// Closes the connection before the node sees the request.
    pub(crate) drop_request: u32,
    /// Answers with status 429, with a Retry-After of 0 or 1, before the node sees the request.
    pub(crate) too_many: u32,
    /// Answers with an internal error of JSON-RPC; in half of the cases the node has handled the request.
    pub(crate) error_packet: u32,
    /// Sends the request to the node twice, and gives the first answer.
    pub(crate) duplicate: u32,
    /// Closes the connection after the node handled the request.
    pub(crate) drop_answer: u32,
    /// Gives the answer of an earlier request, after the node handled this one.
    pub(crate) wrong_order: u32,
    /// Gives half of the answer, as if it were all, after the node handled the request.
    pub(crate) garbage: u32,
    /// Answers as a node does that lacks the newest two blocks.
    pub(crate) behind: u32,
    /// What kind of node it is.
    pub(crate) node: Node,
}

/// What some nodes do, always.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Node {
    /// Takes numbers of blocks only (no EIP-1898).
    pub(crate) no_hashes: bool,
    /// Answers for the newest block, whatever hash is asked for.
    pub(crate) ignores_hashes: bool,
    /// Answers calls with this selector as of the block before the one that is asked for.
    pub(crate) stale: Option<[u8; 4]>,
    /// Has no events.
    pub(crate) no_events: bool,
    /// Says by an error of this code and text that there is no receipt.
    pub(crate) no_receipt: Option<(i64, &'static str)>,
    /// Takes so long to estimate calls with more than so many bytes.
    pub(crate) slow_estimates: Option<(usize, Duration)>,
    /// Blocks cost so many wei for a gas from the first broadcast on.
    pub(crate) costs_at_broadcast: Option<u64>,
    /// Receipts say that bytes cost so many wei.
    pub(crate) data_fee: Option<u64>,
}

/// How often things happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Requests that were read.
    pub(crate) requests: u64,
    /// Answers of the node that were given as they are.
    pub(crate) answered: u64,
    /// Connections that were closed while down.
    pub(crate) refused: u64,
    /// Delays.
    pub(crate) delayed: u64,
    /// Requests that the node did not see.
    pub(crate) dropped_requests: u64,
    /// Status 429.
    pub(crate) too_many: u64,
    /// Internal errors that the node did not have.
    pub(crate) error_packets: u64,
    /// Requests that the node saw twice.
    pub(crate) duplicated: u64,
    /// Answers of the node that were not given.
    pub(crate) dropped_answers: u64,
    /// Answers to other requests.
    pub(crate) wrong_order: u64,
    /// Halves of answers.
    pub(crate) garbage: u64,
    /// Answers without the newest blocks.
    pub(crate) behind: u64,
    /// Requests that the node did not answer.
    pub(crate) unreachable: u64,
    /// Answers that only some nodes give.
    pub(crate) peculiar: u64,
}

/// What was drawn for one request.
#[derive(Clone, Copy, Debug)]
struct Draw {
    wait: Option<Duration>,
    drop_request: bool,
    too_many: Option<u64>,
    /// Whether the node handles the request first.
    error_packet: Option<bool>,
    duplicate: bool,
    drop_answer: bool,
    wrong_order: bool,
    garbage: bool,
    behind: bool,
}

struct State {
    chaos: Chaos,
    counts: Counts,
    random: u64,
    /// Something was broadcast.
    broadcast: bool,
    /// Ids and answers of earlier requests.
    memory: VecDeque<(Value, Vec<u8>)>,
}

impl State {
    /// Xorshift, the variant with 64 bits and a multiplication.
    fn next(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Always takes as many numbers, so that one probability does not change what the others hit.
    fn draw(&mut self) -> Draw {
        let chaos = self.chaos;
        let mut hit = |rate: u32| {
            let (roll, amount) = (self.next() % 1000, self.next());
            (roll < u64::from(rate)).then_some(amount)
        };
        Draw {
            wait: hit(chaos.delay)
                .map(|amount| Duration::from_millis(amount % chaos.delay_ms.saturating_add(1))),
            drop_request: hit(chaos.drop_request).is_some(),
            too_many: hit(chaos.too_many).map(|amount| amount % 2),
            error_packet: hit(chaos.error_packet).map(|amount| amount % 2 == 1),
            duplicate: hit(chaos.duplicate).is_some(),
            drop_answer: hit(chaos.drop_answer).is_some(),
            wrong_order: hit(chaos.wrong_order).is_some(),
            garbage: hit(chaos.garbage).is_some(),
            behind: hit(chaos.behind).is_some(),
        }
    }
}

struct Shared {
    target: u16,
    state: Mutex<State>,
    stopped: AtomicBool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A proxy on a port of its own, until it is dropped.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    listener: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Starts one in front of a node on this machine. The same requests, one after another, meet the same fate for
    /// the same seed.
    ///
    /// # Panics
    /// If there is no free port.
    pub(crate) fn start(target_port: u16, chaos: Chaos, seed: u64) -> Proxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            target: target_port,
            state: Mutex::new(State {
                chaos,
                counts: Counts::default(),
                // Xorshift needs a state other than 0, and seeds next to each other should differ.
                random: (seed ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9) | 1,
                broadcast: false,
                memory: VecDeque::new(),
            }),
            stopped: AtomicBool::new(false),
        });
        let of_thread = shared.clone();
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if of_thread.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = of_thread.clone();
                std::thread::spawn(move || {
                    // A client that goes away is no concern of ours.
                    let _ = serve(&shared, stream);
                });
            }
        });
        Proxy {
            port,
            shared,
            listener: Some(listener),
        }
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Changes what goes wrong from now on.
    pub(crate) fn set(&self, chaos: Chaos) {
        self.shared.state().chaos = chaos;
    }

    /// How often things happened so far.
    pub(crate) fn counts(&self) -> Counts {
        self.shared.state().counts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

/// One connection, which carries one request.
fn serve(shared: &Shared, client: TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(PATIENCE))?;
    client.set_write_timeout(Some(PATIENCE))?;
    client.set_nodelay(true)?;
    if refuses(shared) {
        return client.shutdown(Shutdown::Both);
    }
    let mut reader = BufReader::new(client.try_clone()?);
    let Some((first, body)) = read_message(&mut reader, false)? else {
        return Ok(());
    };
    let draw = {
        let mut state = shared.state();
        state.counts.requests += 1;
        state.draw()
    };
    let count = |field: fn(&mut Counts) -> &mut u64| *field(&mut shared.state().counts) += 1;
    if let Some(wait) = draw.wait {
        count(|c| &mut c.delayed);
        std::thread::sleep(wait);
    }
    if refuses(shared) {
        return client.shutdown(Shutdown::Both);
    }
    if draw.drop_request {
        count(|c| &mut c.dropped_requests);
        return client.shutdown(Shutdown::Both);
    }
    if let Some(seconds) = draw.too_many {
        count(|c| &mut c.too_many);
        let header = format!("Retry-After: {seconds}\r\n");
        return respond(client, "429 Too Many Requests", &header, b"slow down");
    }
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let ids = ids(&request);
    let error = draw.error_packet.map(|_| internal_error(&ids));
    if let (Some(false), Some(error)) = (draw.error_packet, &error) {
        count(|c| &mut c.error_packets);
        return respond(client, "200 OK", "", error);
    }
    // The first word is the method, the second the path.
    let path = first.split(' ').nth(1).unwrap_or("/");
    let answer = match draw.behind {
        true => {
            count(|c| &mut c.behind);
            forward_behind(shared.target, path, request)
        }
        false => match peculiar(shared, path, &request)? {
            Some(answer) => {
                count(|c| &mut c.peculiar);
                Ok(("200 OK".to_owned(), answer.to_string().into_bytes()))
            }
            None => forward(shared.target, path, &body),
        },
    };
    if draw.duplicate {
        count(|c| &mut c.duplicated);
        let _ = forward(shared.target, path, &body);
    }
    let Ok((status, answer)) = answer else {
        count(|c| &mut c.unreachable);
        return client.shutdown(Shutdown::Both);
    };
    let earlier = {
        let mut state = shared.state();
        // Another id: with the same one nobody could tell.
        let earlier = state.memory.iter().find(|(other, _)| *other != ids);
        let earlier = earlier.map(|(_, answer)| answer.clone());
        if state.memory.len() == MEMORY {
            state.memory.pop_front();
        }
        state.memory.push_back((ids, answer.clone()));
        earlier
    };
    if refuses(shared) {
        return client.shutdown(Shutdown::Both);
    }
    if let Some(error) = error {
        count(|c| &mut c.error_packets);
        return respond(client, "200 OK", "", &error);
    }
    if draw.drop_answer {
        count(|c| &mut c.dropped_answers);
        return client.shutdown(Shutdown::Both);
    }
    if let (true, Some(earlier)) = (draw.wrong_order, earlier) {
        count(|c| &mut c.wrong_order);
        return respond(client, "200 OK", "", &earlier);
    }
    if draw.garbage {
        count(|c| &mut c.garbage);
        return respond(client, "200 OK", "", &answer[..answer.len() / 2]);
    }
    count(|c| &mut c.answered);
    respond(client, &status, "", &answer)
}

/// The answer of a node that lacks the newest two blocks, to one request.
fn forward_behind(target: u16, path: &str, mut request: Value) -> io::Result<(String, Vec<u8>)> {
    let number = |text: &Value| {
        let digits = text.as_str()?.strip_prefix("0x")?;
        u64::from_str_radix(digits, 16).ok()
    };
    let question = json!({"jsonrpc": "2.0", "id": 0, "method": "eth_blockNumber", "params": []});
    let (_, answer) = forward(target, path, question.to_string().as_bytes())?;
    let answer: Value = serde_json::from_slice(&answer)?;
    let head = number(&answer["result"])
        .unwrap_or_default()
        .saturating_sub(2);
    for parameter in request["params"].as_array_mut().into_iter().flatten() {
        if *parameter == "latest" || *parameter == "pending" {
            *parameter = json!(format!("{head:#x}"));
        }
    }
    let (status, answer) = forward(target, path, request.to_string().as_bytes())?;
    let mut answer: Value = serde_json::from_slice(&answer)?;
    // Blocks, receipts and transactions.
    let result = &answer["result"];
    let block = number(&result["blockNumber"]).or(number(&result["number"]));
    if block.is_some_and(|b| b > head) {
        answer["result"] = Value::Null;
    }
    Ok((status, answer.to_string().into_bytes()))
}

/// The answer that only some nodes give to a request.
fn peculiar(shared: &Shared, path: &str, request: &Value) -> io::Result<Option<Value>> {
    let node = shared.state().chaos.node;
    let error = |code: i64, message: &str| json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}});
    let ask = |request: &Value| -> io::Result<Value> {
        let (_, answer) = forward(shared.target, path, request.to_string().as_bytes())?;
        Ok(serde_json::from_slice(&answer)?)
    };
    let method = request["method"].as_str().unwrap_or_default();
    let parameters = &request["params"];
    // As EIP-1898's object, or bare.
    let bare = |p: &Value| p.as_str().is_some_and(|p| p.len() == 66);
    let by_hash = parameters[1]["blockHash"].is_string() || bare(&parameters[1]);
    Ok(match method {
        _ if by_hash && node.no_hashes => Some(error(
            -32602,
            "invalid argument 1: json: cannot unmarshal object into Go value of type string",
        )),
        _ if by_hash && node.ignores_hashes => {
            let mut other = request.clone();
            other["params"][1] = json!("latest");
            Some(ask(&other)?)
        }
        "eth_call" if by_hash && is_stale(&parameters[0], node.stale) => {
            let hash = match &parameters[1] {
                Value::String(hash) => hash.clone(),
                block => block["blockHash"].as_str().unwrap_or_default().into(),
            };
            let block = json!({"jsonrpc": "2.0", "id": 0, "method": "eth_getBlockByHash", "params": [hash, false]});
            let parent = ask(&block)?["result"]["parentHash"].clone();
            let mut other = request.clone();
            other["params"][1] = json!({ "blockHash": parent });
            Some(ask(&other)?)
        }
        "eth_getLogs" if node.no_events => {
            Some(error(-32601, "the method eth_getLogs is not available"))
        }
        "eth_getTransactionReceipt" => match node.no_receipt {
            None if node.data_fee.is_some() => {
                let mut answer = ask(request)?;
                if let (Some(receipt), Some(fee)) =
                    (answer["result"].as_object_mut(), node.data_fee)
                {
                    receipt.insert("l1Fee".into(), json!(format!("{fee:#x}")));
                }
                Some(answer)
            }
            Some((code, message)) => {
                Some(ask(request)?).map(|answer| match answer["result"].is_null() {
                    true => error(code, message),
                    false => answer,
                })
            }
            None => None,
        },
        "eth_estimateGas" => {
            let call = &parameters[0];
            let data = call["input"].as_str().or(call["data"].as_str());
            let bytes = data.unwrap_or_default().len() / 2;
            if let Some((_, time)) = node.slow_estimates.filter(|(most, _)| bytes > *most) {
                std::thread::sleep(time);
            }
            None
        }
        "eth_sendRawTransaction" => {
            if let Some(fee) = node.costs_at_broadcast {
                let first = !std::mem::replace(&mut shared.state().broadcast, true);
                let params = json!([format!("{fee:#x}")]);
                let method = "anvil_setNextBlockBaseFeePerGas";
                if first {
                    ask(&json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}))?;
                }
            }
            None
        }
        _ => None,
    })
}

/// Whether a call has a selector.
fn is_stale(call: &Value, selector: Option<[u8; 4]>) -> bool {
    let data = call["input"].as_str().or(call["data"].as_str());
    let hex = |s: [u8; 4]| format!("0x{:08x}", u32::from_be_bytes(s));
    selector.is_some_and(|s| data.is_some_and(|d| d.starts_with(&hex(s))))
}

fn refuses(shared: &Shared) -> bool {
    let mut state = shared.state();
    state.counts.refused += u64::from(state.chaos.down);
    state.chaos.down
}

/// The id of a request, or those of a batch.
fn ids(request: &Value) -> Value {
    match request.as_array() {
        Some(requests) => requests.iter().map(|r| r["id"].clone()).collect(),
        None => request["id"].clone(),
    }
}

fn internal_error(ids: &Value) -> Vec<u8> {
    let one = |id: &Value| {
        let error = json!({"code": -32603, "message": "Internal error"});
        json!({"jsonrpc": "2.0", "id": id, "error": error})
    };
    let packet: Value = match ids.as_array() {
        Some(ids) => ids.iter().map(one).collect(),
        None => one(ids),
    };
    packet.to_string().into_bytes()
}

/// Status and body of the node's answer.
fn forward(port: u16, path: &str, body: &[u8]) -> io::Result<(String, Vec<u8>)> {
    let mut node = TcpStream::connect(("127.0.0.1", port))?;
    node.set_read_timeout(Some(PATIENCE))?;
    node.set_write_timeout(Some(PATIENCE))?;
    node.set_nodelay(true)?;
    let length = body.len();
    let mut message = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    message.extend_from_slice(body);
    node.write_all(&message)?;
    let (first, body) = read_message(&mut BufReader::new(node), true)?
        .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let status = first.split_once(' ').map_or("", |(_, status)| status);
    Ok((status.to_owned(), body))
}

fn respond(mut client: TcpStream, status: &str, headers: &str, body: &[u8]) -> io::Result<()> {
    let length = body.len();
    let mut message = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n"
    )
    .into_bytes();
    message.extend_from_slice(body);
    client.write_all(&message)?;
    client.flush()?;
    client.shutdown(Shutdown::Write)
}

/// The first line and the body of a message of HTTP/1.1, unless there is none. Only answers can end with the
/// connection.
fn read_message(
    reader: &mut BufReader<TcpStream>,
    is_answer: bool,
) -> io::Result<Option<(String, Vec<u8>)>> {
    let first = read_line(reader)?;
    if first.is_empty() {
        return Ok(None);
    }
    let (mut length, mut chunked) = (None, false);
    loop {
        let line = read_line(reader)?;
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse::<usize>().ok(),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let size = read_line(reader)?;
            let size = size.split(';').next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(|_| invalid())?;
            read_exactly(reader, size, &mut body)?;
            read_line(reader)?;
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = length {
        read_exactly(reader, length, &mut body)?;
    } else if is_answer {
        reader.take(BODY_CAP as u64).read_to_end(&mut body)?;
    }
    Ok(Some((first, body)))
}

fn read_line(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    reader.take(1 << 16).read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

fn read_exactly(
    reader: &mut BufReader<TcpStream>,
    count: usize,
    body: &mut Vec<u8>,
) -> io::Result<()> {
    if body.len().saturating_add(count) > BODY_CAP {
        return Err(invalid());
    }
    let start = body.len();
    body.resize(start + count, 0);
    reader.read_exact(&mut body[start..])
}

fn invalid() -> io::Error {
    io::ErrorKind::InvalidData.into()
}
