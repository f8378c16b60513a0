//! `nanozk channel`: what requesters pay for answers of epochs.

use super::epoch::asset_of;
use super::{Chain, when};
use crate::args::{ChannelCommand, ChannelSendArgs, FundArgs, LineArgs, PayArgs, ShowChannelArgs};
use crate::output::{Out, Progress, count};
use anyhow::{Context, Error, Result, ensure};
use nanozk_chain::bindings::disputes::AnswerReceipt;
use nanozk_chain::bindings::epochs as abi;
use nanozk_chain::client::Call;
use nanozk_chain::epoch::answers::EpochReceipt;
use nanozk_chain::epoch::paths::Paths;
use nanozk_chain::epoch::voucher::{VOUCHER_FORMAT, Voucher};
use nanozk_chain::epoch::{Books, Committed, Line};
use nanozk_chain::format::amount;
use nanozk_chain::primitives::{Address, Bytes, U256};
use nanozk_chain::sol_types::SolCall;
use nanozk_prover::files;
use nanozk_verifier::hex::Digest32;
use rayon::prelude::*;
use serde_json::Deserializer;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

pub(in crate::commands) fn channel(command: &ChannelCommand, out: &Out) -> Result<()> {
    match command {
        ChannelCommand::Fund(args) => fund(args, out),
        ChannelCommand::Pay(args) => pay(args, out),
        ChannelCommand::Close(args) => close(args, out),
        ChannelCommand::Reclaim(args) => reclaim(args, out),
        ChannelCommand::Show(args) => show(args, out),
    }
}

fn send(chain: &Chain<'_>, what: String, call: &impl SolCall) -> Result<()> {
    let books = Books::of(&chain.deployment)?;
    chain.send(&Call::new(what, books.book, call))?;
    Ok(())
}

pub(super) fn channel_of(
    chain: &Chain<'_>,
    requester: Address,
    line: &Line,
) -> Result<abi::Channel> {
    let books = Books::of(&chain.deployment)?;
    let call = abi::channelCall {
        requester,
        provider: line.provider,
        version: line.version,
    };
    Ok(chain.client.read(books.book, &call)?)
}

fn line_of(args: &LineArgs) -> Line {
    Line {
        provider: args.provider,
        version: args.model_version,
    }
}

fn fund(args: &FundArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let Line { provider, version } = line_of(&args.line);
    // Refuses versions whose verifier is another one.
    let asset = chain.terms(version)?.policy.asset;
    let wanted = args.amount.of(asset).map_err(Error::msg)?;
    chain.require_free(chain.client.account()?, asset, wanted, "the channel")?;
    let call = abi::fundCall {
        provider,
        version,
        amount: wanted,
    };
    send(
        &chain,
        format!("funding the channel with {}", amount(asset, wanted)),
        &call,
    )
}

fn close(args: &ChannelSendArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let Line { provider, version } = line_of(&args.line);
    send(
        &chain,
        "closing the channel".into(),
        &abi::closeCall { provider, version },
    )?;
    let own = channel_of(&chain, chain.client.account()?, &line_of(&args.line))?;
    if own.closeBy > 0 {
        let head = chain.client.head()?;
        out.text(format!(
            "what is left comes back by nanozk channel reclaim after {}",
            when(own.closeBy.into(), head.timestamp)
        ));
    }
    Ok(())
}

fn reclaim(args: &ChannelSendArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let Line { provider, version } = line_of(&args.line);
    let call = abi::reclaimCall {
        requester: chain.client.account()?,
        provider,
        version,
    };
    send(
        &chain,
        "taking back what is left of the channel".into(),
        &call,
    )
}

fn show(args: &ShowChannelArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &Default::default(), out)?;
    let line = line_of(&args.line);
    let asset = asset_of(&chain, line.version)?;
    let own = channel_of(&chain, args.requester, &line)?;
    let (deposited, redeemed) = (U256::from(own.deposited), U256::from(own.redeemed));
    out.text(format!("requester      {}", args.requester));
    out.text(format!("provider       {}", line.provider));
    out.text(format!("version        {}", line.version));
    out.text(format!("deposited      {}", amount(asset, deposited)));
    out.text(format!(
        "paid           {} for {}",
        amount(asset, redeemed),
        count(own.answers as usize, "answer")
    ));
    out.text(format!(
        "left           {}",
        amount(asset, deposited.saturating_sub(redeemed))
    ));
    if own.closeBy > 0 {
        let now = chain.client.head()?.timestamp;
        out.text(format!("closes         {}", when(own.closeBy.into(), now)));
    }
    out.json(&json!({
        "event": "channel",
        "deposited": deposited.to_string(),
        "redeemed": redeemed.to_string(),
        "answers": own.answers,
        "round": own.round,
        "close_by": own.closeBy,
    }));
    Ok(())
}

fn pay(args: &PayArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let books = Books::of(&chain.deployment)?;
    let requester = chain.client.account()?;
    let paths: Paths = files::read_json(&args.paths)?;
    let (line, number) = (paths.line, paths.epoch);
    ensure!(
        paths.books == books,
        "{} is of another chain or deployment",
        args.paths.display()
    );
    let model = chain.terms(line.version)?;
    let committed = Committed::find(&chain.client, &books, &line, number)?;
    let committed = committed.with_context(|| format!("epoch {number} is not committed to"))?;
    let progress = Progress::spinner("checking receipts");
    let mut signed: BTreeMap<u32, AnswerReceipt> = BTreeMap::new();
    for path in &args.receipts {
        let named = || path.display().to_string();
        let file = File::open(path).with_context(named)?;
        let values = Deserializer::from_reader(BufReader::new(file)).into_iter();
        let receipts = values.map(|value| EpochReceipt::from_json(value?));
        let receipts: Vec<EpochReceipt> = receipts.collect::<Result<_, _>>().with_context(named)?;
        let check = |receipt: &EpochReceipt| {
            let named = || format!("{}, answer {}", path.display(), receipt.index);
            let own = receipt.check().with_context(named)?;
            ensure!(
                receipt.books == books,
                "{} is of another chain or deployment",
                named()
            );
            ensure!(
                own.requester == requester,
                "{} is of {}, the key is of {requester}",
                named(),
                own.requester
            );
            Ok(own)
        };
        let checked: Vec<AnswerReceipt> = receipts.par_iter().map(check).collect::<Result<_>>()?;
        for own in checked {
            let index = own.index;
            let is_new = signed.insert(index, own).is_none();
            ensure!(is_new, "{}, answer {index} is given twice", path.display());
        }
    }
    let signed: Vec<AnswerReceipt> = signed.into_values().collect();
    ensure!(!signed.is_empty(), "no receipts are given");
    paths.check(&committed, Digest32(model.model.0), &signed)?;
    drop(progress);
    let own = channel_of(&chain, requester, &line)?;
    let answers = u32::try_from(signed.len()).context("too many receipts")?;
    let asset = model.policy.asset;
    let price = args.price.of(asset).map_err(Error::msg)?;
    let dearest = U256::from(model.policy.maxPrice);
    ensure!(
        price <= dearest,
        "the version's greatest price is {}: bonds are computed for that",
        amount(asset, dearest)
    );
    let before = match &args.after {
        None => (U256::from(own.redeemed), own.answers),
        Some(path) => {
            let last: Voucher = files::read_json(path)?;
            last.payment(&books, &line, false)
                .with_context(|| path.display().to_string())?;
            ensure!(
                last.requester == requester && last.round == own.round && last.epoch <= number,
                "{} is of another requester, of another round of the channel, or of a later epoch",
                path.display()
            );
            (last.amount, last.answers)
        }
    };
    let voucher = Voucher {
        format: VOUCHER_FORMAT.into(),
        books,
        line,
        requester,
        round: own.round,
        epoch: number,
        amount: before.0 + price * U256::from(answers),
        answers: before.1.saturating_add(answers),
        signature: Bytes::new(),
    };
    let left = U256::from(own.deposited);
    ensure!(
        voucher.amount <= left,
        "the channel has {}, the voucher would be of {}: nanozk channel fund",
        amount(asset, left),
        amount(asset, voucher.amount)
    );
    let voucher = voucher.signed(chain.client.signer()?)?;
    files::write_json(&args.output, &voucher)?;
    out.text(format!(
        "{} of epoch {number}: signed by the provider, and in what it committed to",
        count(answers as usize, "answer")
    ));
    out.text(format!(
        "voucher        {} of {} in all, for {}",
        args.output.display(),
        amount(asset, voucher.amount),
        count(voucher.answers as usize, "answer")
    ));
    out.json(&json!({"event": "voucher", "file": args.output, "voucher": voucher}));
    Ok(())
}
