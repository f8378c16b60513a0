//! Routes, and who may ask.

use crate::answer::{self, Frame};
use crate::epochs::Epochs;
use crate::error::{Error, Problem};
use crate::request::{Endpoint, Request};
use crate::store::Store;
use crate::worker::{Event, Job, Worker, now};
use axum::body::Body;
use axum::extract::rejection::StringRejection;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream::{self, Stream, StreamExt};
use nanozk_chain::address::parse_address;
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::primitives::Address;
use nanozk_http::{bears, is_local};
use rand_core::{OsRng, RngCore};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{self, UnboundedReceiver};

/// Bytes of a request, at most.
const LARGEST: usize = 4 << 20;
/// How often old answers are looked for.
const CLEANING: Duration = Duration::from_secs(3_600);
/// How often epochs are looked at, which may be old enough to be closed.
const CLOSING: Duration = Duration::from_secs(1);
/// Header of a request that names whose channel pays.
const REQUESTER: &str = "nanozk-requester";

/// How to listen.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address.
    pub listen: SocketAddr,
    /// What clients have to bear; without one only programs of this machine are answered.
    pub api_key: Option<Arc<str>>,
}

struct Shared {
    workers: BTreeMap<String, Worker>,
    key: Option<Arc<str>>,
    listen: IpAddr,
    started: u64,
}

type App = Arc<Shared>;

impl Shared {
    /// By name, or by model id.
    fn worker(&self, name: &str) -> Result<&Worker, Problem> {
        let by_id = || {
            let mut all = self.workers.values();
            all.find(|worker| worker.model.version.id().to_string() == name)
        };
        let found = self.workers.get(name).or_else(by_id);
        found.ok_or_else(|| Problem {
            status: StatusCode::NOT_FOUND,
            parameter: Some("model"),
            code: "model_not_found",
            message: format!(
                "there is no model {name:?}; there is {}",
                self.workers.keys().cloned().collect::<Vec<_>>().join(", ")
            ),
        })
    }
}

/// A name that nobody can guess.
fn random_name() -> String {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn permitted(State(shared): State<App>, request: HttpRequest<Body>, next: Next) -> Response {
    let headers = request.headers();
    let (is_permitted, advice) = match &shared.key {
        Some(key) => (
            bears(headers, key),
            "send the server's API key (Authorization: Bearer …)",
        ),
        None => (
            is_local(headers, shared.listen),
            "without an API key only this machine is answered, under its own name: not with this Host or Origin",
        ),
    };
    match is_permitted {
        true => next.run(request).await,
        false => Problem::new(StatusCode::UNAUTHORIZED, "invalid_api_key", advice).into_response(),
    }
}

async fn models(State(shared): State<App>) -> Json<Value> {
    let all = shared.workers.values();
    let all: Vec<Value> = all
        .map(|worker| answer::model(worker, shared.started))
        .collect();
    Json(json!({ "object": "list", "data": all }))
}

async fn model(
    State(shared): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(answer::model(shared.worker(&name)?, shared.started)))
}

/// Whose channel pays for an answer of an epoch; zero if it is of none.
fn requester(worker: &Worker, headers: &HeaderMap) -> Result<Address, Problem> {
    let refused = |code, message: String| Problem::new(StatusCode::BAD_REQUEST, code, message);
    let given = headers.get(REQUESTER);
    if worker.epochs.is_none() {
        return match given {
            None => Ok(Address::ZERO),
            Some(_) => Err(refused(
                "no_epochs",
                format!(
                    "answers of {} are of no epoch: leave the header {REQUESTER} out",
                    worker.model.name
                ),
            )),
        };
    }
    let expected = "the address whose channel pays, 0x and 40 hexadecimal digits";
    let Some(given) = given else {
        return Err(refused(
            "no_requester",
            format!(
                "answers of {} are of epochs: send a header {REQUESTER} with {expected}",
                worker.model.name
            ),
        ));
    };
    let text = given.to_str().unwrap_or_default();
    parse_address(text).map_err(|e| {
        refused(
            "invalid_requester",
            format!("the header {REQUESTER} has to be {expected}: {e}"),
        )
    })
}

/// The epochs of a model.
fn epochs(worker: &Worker) -> Result<Arc<Epochs>, Problem> {
    let message = || format!("answers of {} are of no epoch", worker.model.name);
    let missing = || Problem::new(StatusCode::NOT_FOUND, "no_epochs", message());
    worker.epochs.clone().ok_or_else(missing)
}

/// Runs what reads and writes files.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|e| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", e.to_string()))?
}

async fn paths(
    State(shared): State<App>,
    Path((name, number, requester)): Path<(String, u32, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<Paths>, Problem> {
    let epochs = epochs(shared.worker(&name)?)?;
    let requester = parse_address(&requester).map_err(|e| {
        let message = format!("{requester:?} is no address: {e}");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_requester", message)
    })?;
    let places =
        |list: &String| -> Result<Vec<u32>, _> { list.split(',').map(str::parse).collect() };
    let some = query.get("answers").map(places).transpose().map_err(|e| {
        let message = format!("answers has to be a list of places, such as 0,3: {e}");
        Problem::bad("answers", "invalid_value", message)
    })?;
    Ok(Json(
        blocking(move || epochs.paths(number, requester, some.as_deref())).await?,
    ))
}

async fn voucher(
    State(shared): State<App>,
    Path(name): Path<String>,
    body: Content,
) -> Result<Json<Value>, Problem> {
    let epochs = epochs(shared.worker(&name)?)?;
    let body = body.map_err(|e| Problem::new(e.status(), "unreadable", e.body_text()))?;
    let voucher: Voucher = serde_json::from_str(&body).map_err(|e| {
        let message = format!("the body is no voucher (nanozk channel pay writes them): {e}");
        Problem::new(StatusCode::BAD_REQUEST, "invalid_voucher", message)
    })?;
    let said = json!({
        "requester": voucher.requester,
        "epoch": voucher.epoch,
        "amount": voucher.amount,
        "answers": voucher.answers,
    });
    blocking(move || epochs.voucher(&voucher)).await?;
    Ok(Json(json!({ "kept": said })))
}

async fn completions(
    state: State<App>,
    headers: HeaderMap,
    body: Content,
) -> Result<Response, Problem> {
    generate(Endpoint::Completion, &state.0, &headers, body).await
}

async fn chat(state: State<App>, headers: HeaderMap, body: Content) -> Result<Response, Problem> {
    generate(Endpoint::Chat, &state.0, &headers, body).await
}

/// The body of a request, if it could be read.
type Content = Result<String, StringRejection>;

async fn generate(
    endpoint: Endpoint,
    shared: &App,
    headers: &HeaderMap,
    body: Content,
) -> Result<Response, Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok());
    // Browsers ask before they send that to another site.
    if !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        let message = "the body has to be JSON: Content-Type: application/json";
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            message,
        ));
    }
    let body = body.map_err(|e| Problem::new(e.status(), "unreadable", e.body_text()))?;
    let request = Request::parse(endpoint, &body)?;
    let worker = shared.worker(&request.model)?.clone();
    let requester = requester(&worker, headers)?;
    // Long prompts take long to tokenize.
    let (request, prompt, worker) = blocking(move || {
        let model = &worker.model;
        let prompt = request.prompt(&model.tokenizer, model.template.as_ref())?;
        Ok((request, prompt, worker))
    })
    .await?;
    let most = worker.room(prompt.tokens.len(), request.most)?;
    let frame = Frame {
        endpoint,
        name: random_name(),
        created: now(),
        model: request.model,
        notes: prompt.notes,
    };
    let (events, receiver) = mpsc::unbounded_channel();
    worker.submit(Job {
        name: frame.name.clone(),
        prompt: prompt.tokens,
        most,
        stops: request.stops,
        ignore_eos: request.ignore_eos,
        requester,
        events,
    })?;
    match request.stream {
        true => {
            let parts = parts(frame, receiver, request.stream_usage);
            Ok(Sse::new(parts)
                .keep_alive(KeepAlive::default())
                .into_response())
        }
        false => whole(&frame, receiver).await,
    }
}

async fn whole(frame: &Frame, mut events: UnboundedReceiver<Event>) -> Result<Response, Problem> {
    let mut text = String::new();
    loop {
        match events.recv().await {
            Some(Event::Text(more)) => text.push_str(&more),
            Some(Event::Done(done)) => return Ok(Json(frame.whole(&text, &done)).into_response()),
            Some(Event::Failed(problem)) => return Err(problem),
            None => return Err(Problem::stopped()),
        }
    }
}

/// An answer as it comes. What goes wrong after it began can only be said in it.
fn parts(
    frame: Frame,
    events: UnboundedReceiver<Event>,
    with_usage: bool,
) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    let begun: VecDeque<String> = frame.first().iter().map(Value::to_string).collect();
    let state = (frame, Some(events), begun);
    stream::unfold(state, move |(frame, mut events, mut ready)| async move {
        loop {
            if let Some(data) = ready.pop_front() {
                let event = SseEvent::default().data(data);
                return Some((Ok(event), (frame, events, ready)));
            }
            let received = events.as_mut()?.recv().await;
            match received {
                Some(Event::Text(text)) => ready.push_back(frame.more(&text).to_string()),
                Some(Event::Done(done)) => {
                    let parts = frame.last(&done, with_usage);
                    ready.extend(parts.iter().map(Value::to_string));
                    ready.push_back("[DONE]".to_owned());
                    events = None;
                }
                Some(Event::Failed(problem)) => {
                    ready.push_back(problem.body().to_string());
                    events = None;
                }
                None => {
                    ready.push_back(Problem::stopped().body().to_string());
                    events = None;
                }
            }
        }
    })
    .fuse()
}

fn routes(shared: App) -> Router {
    let missing =
        |status, message| move || async move { Problem::new(status, "not_found", message) };
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(model))
        .route(
            "/v1/models/{name}/epochs/{number}/paths/{requester}",
            get(paths),
        )
        .route("/v1/models/{name}/vouchers", post(voucher))
        .route("/v1/completions", post(completions))
        .route("/v1/chat/completions", post(chat))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&shared),
            permitted,
        ))
        .route("/healthz", get(|| async { "ok\n" }))
        .fallback(missing(
            StatusCode::NOT_FOUND,
            "there is no such page: POST /v1/chat/completions or /v1/completions, GET /v1/models",
        ))
        .method_not_allowed_fallback(missing(
            StatusCode::METHOD_NOT_ALLOWED,
            "there is no such method here: GET for models, POST for answers",
        ))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(shared)
}

/// Removes old answers now, and every hour.
async fn clean(store: Option<Store>) {
    let Some(store) = store else {
        return;
    };
    loop {
        let own = store.clone();
        match tokio::task::spawn_blocking(move || own.clean(now())).await {
            Ok(Ok(0)) | Err(_) => {}
            Ok(Ok(removed)) => tracing::info!(removed, "answers whose receipts have expired"),
            Ok(Err(e)) => tracing::error!("{e}"),
        }
        tokio::time::sleep(CLEANING).await;
    }
}

/// Closes epochs that are due, now and all the while.
async fn close(all: Vec<Arc<Epochs>>) {
    loop {
        for epochs in &all {
            let own = Arc::clone(epochs);
            match tokio::task::spawn_blocking(move || own.close_if_due()).await {
                Ok(Ok(None)) | Err(_) => {}
                Ok(Ok(Some(epoch))) => tracing::info!(epoch, "closed"),
                Ok(Err(e)) => tracing::error!("{e}"),
            }
        }
        tokio::time::sleep(CLOSING).await;
    }
}

/// Answers until `end` comes, then what is being answered. `ready` is told the address. The store has answers that are of no
/// epoch.
///
/// # Errors
/// If the address cannot be listened at, or anybody could ask there.
pub async fn serve(
    config: &Config,
    workers: Vec<Worker>,
    store: Option<Store>,
    ready: impl FnOnce(SocketAddr),
    end: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Error> {
    if config.api_key.is_none() && !config.listen.ip().is_loopback() {
        return Err(Error::Open(config.listen));
    }
    let mut by_name = BTreeMap::new();
    for worker in workers {
        let name = worker.model.name.clone();
        if by_name.insert(name.clone(), worker).is_some() {
            return Err(Error::NameTwice(name));
        }
    }
    let failed = |source| Error::Listen {
        address: config.listen,
        source,
    };
    let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let shared = Arc::new(Shared {
        workers: by_name,
        key: config.api_key.clone(),
        listen: address.ip(),
        started: now(),
    });
    let all = shared.workers.values();
    let epochs: Vec<_> = all.filter_map(|worker| worker.epochs.clone()).collect();
    let (cleaning, closing) = (tokio::spawn(clean(store)), tokio::spawn(close(epochs)));
    ready(address);
    let served = axum::serve(listener, routes(shared)).with_graceful_shutdown(end);
    let ended = served.await;
    cleaning.abort();
    closing.abort();
    ended.map_err(failed)
}
