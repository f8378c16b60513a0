//! `nanozk relayer`.

use super::runtime;
use crate::args::{InitArgs, RelayerArgs, RelayerCommand, RelayerStatusArgs};
use crate::log;
use crate::output::Out;
use anyhow::{Context, Result, bail};
use nanozk_chain::format::{duration, eth, relative, utc};
use nanozk_chain::primitives::U256;
use nanozk_relayer::template::Template;
use nanozk_relayer::{Config, Outcome, api, unobserved};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

/// The configuration that is read if none is named.
const FILE: &str = "relayer.toml";

pub(super) fn relayer(command: &RelayerCommand, out: &Out) -> Result<()> {
    match command {
        RelayerCommand::Init(args) => init(args, out),
        RelayerCommand::Check(args) => check(args, out),
        RelayerCommand::Run(args) => run(args, out),
        RelayerCommand::Status(args) => status(args, out),
        RelayerCommand::Openapi => {
            let document = api::document();
            out.text(&document);
            out.json(&serde_json::from_str(&document)?);
            Ok(())
        }
    }
}

fn init(args: &InitArgs, out: &Out) -> Result<()> {
    let file = &args.file;
    if file.exists() {
        bail!(
            "{} exists and is not replaced: name another file, or delete it",
            file.display()
        );
    }
    let mut template = Template::default();
    if !args.rpc.is_empty() {
        template.nodes(&args.rpc)?;
    }
    if let Some(deployment) = &args.deployment {
        template.deployment(deployment)?;
    }
    if let Some(key) = &args.key.private_key_file {
        template.key_file(key)?;
    }
    if let (Some(keystore), Some(password)) = (&args.key.keystore, &args.key.password_file) {
        template.keystore(keystore, password)?;
    }
    std::fs::write(file, template.text())
        .with_context(|| format!("cannot write {}", file.display()))?;
    out.text(format!(
        "wrote {}: read it, then run nanozk relayer check",
        file.display()
    ));
    out.json(&json!({"event": "written", "file": file}));
    Ok(())
}

fn load(args: &RelayerArgs) -> Result<Config> {
    let named = [
        ("rpc", &args.rpc),
        ("deployment", &args.deployment),
        ("database", &args.database),
        ("inbox", &args.inbox),
        ("api.listen", &args.listen),
    ];
    let mut options: Vec<(String, String)> = named
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
        .collect();
    options.extend(args.set.iter().cloned());
    let file = match &args.config {
        Some(file) => Some(file.clone()),
        None => Some(PathBuf::from(FILE)).filter(|f| f.is_file()),
    };
    // The variable that names the file is no setting.
    let environment = std::env::vars().filter(|(name, _)| name != "NANOZK_RELAYER_CONFIG");
    Ok(Config::load(file.as_deref(), environment, &options)?)
}

fn check(args: &RelayerArgs, out: &Out) -> Result<()> {
    let config = load(args)?;
    log::start(&args.log.filter, out.is_json())?;
    let report = runtime()?.block_on(nanozk_relayer::check(&config, args.dry_run));
    for item in &report.checks {
        let word = match item.outcome {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Failed => "failed",
        };
        let code = item.code.map(|code| format!("{code}: "));
        let code = code.unwrap_or_default();
        out.text(format!(
            "{word:<8} {:<15} {code}{}",
            item.name, item.message
        ));
    }
    let failures = report.failures();
    out.json(&json!({
        "event": "checked",
        "ready": failures == 0,
        "chain_id": report.chain_id,
        "account": report.account,
        "balance": report.balance.map(|b| b.to_string()),
        "provider": report.provider,
        "checks": report.checks,
    }));
    if failures == 0 {
        out.text("\nready: nanozk relayer run");
        return Ok(());
    }
    let failed = report.checks.iter();
    let failed = failed.filter(|item| item.outcome == Outcome::Failed);
    let failed: Vec<String> = failed
        .map(|item| format!("\n  {}: {}", item.name, item.message))
        .collect();
    let noun = if failures == 1 { "check" } else { "checks" };
    bail!("{failures} {noun} failed:{}", failed.concat())
}

fn run(args: &RelayerArgs, out: &Out) -> Result<()> {
    let config = load(args)?;
    log::start(&args.log.filter, out.is_json())?;
    let dry_run = args.dry_run;
    runtime()?.block_on(async {
        nanozk_relayer::run(config, dry_run, unobserved(), |address| {
            out.text(format!("listening on http://{address}"));
            out.json(&json!({"event": "listening", "address": format!("http://{address}")}));
        })
        .await?;
        Ok(())
    })
}

/// Asks a relayer.
fn get(address: &str, path: &str) -> Result<Value> {
    let host = address.trim_start_matches("http://").trim_end_matches('/');
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(host)?;
        // Of silence, however long an answer takes to come in.
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let question = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAccept-Encoding: identity\r\n\r\n"
        );
        stream.write_all(question.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = ask().with_context(|| {
        format!("no relayer answers on {host}: start one with nanozk relayer run, or give its address with --listen")
    })?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let status = head.split(' ').nth(1).unwrap_or_default();
    match (status, body["code"].as_str(), body["message"].as_str()) {
        ("200", ..) if body.is_object() => Ok(body),
        (_, Some(code), Some(message)) => bail!("{code}: {message}"),
        _ => {
            let line: String = head
                .chars()
                .take(60)
                .take_while(|c| !c.is_control())
                .collect();
            bail!("what answers on {host} is not a relayer of this version: it says {line:?}")
        }
    }
}

fn amount(value: &Value) -> String {
    let wei = value.as_str().and_then(|t| t.parse::<U256>().ok());
    wei.map_or_else(|| "?".into(), eth)
}

fn status(args: &RelayerStatusArgs, out: &Out) -> Result<()> {
    let status = get(&args.listen, "/v1/status")?;
    let which = if args.all { "all" } else { "open" };
    let list = get(
        &args.listen,
        &format!("/v1/claims?state={which}&limit=1000"),
    )?;
    out.json(&json!({"status": status, "claims": list["claims"]}));
    let now = status["now"].as_u64().unwrap_or_default();
    let word = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    out.text(match status["ready"].as_bool() {
        Some(true) => "ready".to_owned(),
        _ => format!("not ready: {}", word(&status["not_ready"])),
    });
    out.text(
        match (status["slack"].as_i64(), status["slack_claim"].as_str()) {
            (Some(slack), Some(claim)) if slack < 0 => {
                let late = duration(slack.unsigned_abs());
                format!("slack      {late} too late, claim {claim}")
            }
            (Some(slack), Some(claim)) => {
                let left = duration(slack.unsigned_abs());
                format!("slack      {left} until the next deadline, of claim {claim}")
            }
            _ => "slack      nothing is due".to_owned(),
        },
    );
    out.text(format!(
        "chain      {}, block {}",
        status["chain_id"], status["head"]["number"]
    ));
    out.text(format!(
        "account    {} with {}",
        word(&status["account"]),
        amount(&status["balance"])
    ));
    out.text(format!(
        "fees       {} in the last day, {} on their way, of {}",
        amount(&status["spending"]["day"]),
        amount(&status["spending"]["reserved"]),
        amount(&status["spending"]["day_cap"])
    ));
    out.text(format!(
        "at risk    stakes {}, bonds {}; prices {}",
        amount(&status["exposure"]["stake"]),
        amount(&status["exposure"]["bonds"]),
        amount(&status["exposure"]["price"])
    ));
    for node in status["endpoints"].as_array().into_iter().flatten() {
        out.text(format!(
            "node       {}, health {} of 100{}",
            word(&node["node"]),
            node["score"],
            node["error"]
                .as_str()
                .map(|e| format!(", last trouble: {e}"))
                .unwrap_or_default()
        ));
    }
    for slow in status["slow"].as_array().into_iter().flatten() {
        let wait = |name: &str| duration(slow[name].as_f64().unwrap_or_default() as u64);
        out.text(format!(
            "slow       {}: no node answered within {}; it is asked again and waited for up to {}",
            word(&slow["method"]),
            wait("waited"),
            wait("next")
        ));
    }
    for (name, reason) in status["inbox"].as_object().into_iter().flatten() {
        out.text(format!("refused    {name}: {}", word(reason)));
    }
    let counts = &status["claims"];
    out.text(format!(
        "claims     {} open, {} ended\n",
        counts["open"], counts["ended"]
    ));
    for claim in list["claims"].as_array().into_iter().flatten() {
        out.text(format!(
            "{} {:<9} {:<10} {:<9} {} of {} layers proven",
            word(&claim["id"]),
            word(&claim["role"]),
            word(&claim["mode"]),
            word(&claim["status"]),
            claim["proven"].as_array().map_or(0, Vec::len),
            claim["layers"]
        ));
        if let Some(action) = claim["next"]["action"].as_str() {
            let by = match claim["next"]["by"].as_u64().unwrap_or_default() {
                0 => String::new(),
                t => format!(", until {} ({})", utc(t), relative(t, now)),
            };
            out.text(format!("  next: {action}{by}"));
        }
        if let Some(message) = claim["error"]["message"].as_str() {
            out.text(format!("  {}: {message}", word(&claim["error"]["code"])));
        }
    }
    Ok(())
}
