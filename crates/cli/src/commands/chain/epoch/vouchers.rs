//! Vouchers that a provider was given.

use super::line_of;
use crate::commands::chain::channel::channel_of;
use crate::commands::chain::{Chain, when};
use crate::output::count;
use anyhow::{Context, Result, anyhow};
use nanozk_chain::bindings::epochs::{Payment, redeemCall};
use nanozk_chain::client::Call;
use nanozk_chain::epoch::Books;
use nanozk_chain::epoch::answers::Header;
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::primitives::{Address, U256};
use nanozk_prover::files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Vouchers that are redeemed by one transaction.
const CHUNK: usize = 100;

/// Files of a directory, and of its directories, whose name says JSON.
pub(in crate::commands::chain) fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let list = |directory: &Path| -> Result<Vec<PathBuf>> {
        let failed = || format!("cannot list {}", directory.display());
        let entries = std::fs::read_dir(directory).with_context(failed)?;
        let paths = entries.map(|entry| Ok(entry.with_context(failed)?.path()));
        paths.collect()
    };
    let mut paths = Vec::new();
    for path in list(directory)? {
        match path.is_dir() {
            true => paths.extend(list(&path)?),
            false => paths.push(path),
        }
    }
    paths.retain(|path| path.extension().is_some_and(|name| name == "json"));
    paths.sort();
    Ok(paths)
}

/// A voucher that pays nothing, and why.
pub(super) type Refused = (PathBuf, anyhow::Error);

/// Of each requester the voucher that pays most, once all epochs up to `settled` are; and why others pay nothing.
pub(super) fn payments(
    chain: &Chain<'_>,
    header: &Header,
    settled: u32,
    paths: &[PathBuf],
) -> Result<(Vec<Payment>, Vec<Refused>)> {
    let mut refused = Vec::new();
    let mut of: BTreeMap<Address, Vec<(&PathBuf, Voucher)>> = BTreeMap::new();
    for path in paths {
        match files::read_json::<Voucher>(path) {
            Ok(voucher) => of
                .entry(voucher.requester)
                .or_default()
                .push((path, voucher)),
            Err(e) => refused.push((path.clone(), e.into())),
        }
    }
    let line = line_of(chain, &header.books, &header.line)?;
    let now = chain.client.head()?.timestamp;
    let mut payments = Vec::new();
    for (requester, mut vouchers) in of {
        let channel = channel_of(chain, requester, &header.line)?;
        let is_contract = !chain.client.code(requester)?.is_empty();
        let (paid, deposited) = (U256::from(channel.redeemed), U256::from(channel.deposited));
        let close_by: u64 = channel.closeBy.into();
        let check = |voucher: &Voucher| -> Result<Payment> {
            let payment = voucher.payment(&header.books, &header.line, is_contract)?;
            let answers = voucher.answers.checked_sub(channel.answers);
            let why = if voucher.round != channel.round {
                "it is of another round of its channel".to_owned()
            } else if voucher.amount <= paid {
                "it was, or one of more".to_owned()
            } else if voucher.epoch > settled {
                "it is of a later epoch".to_owned()
            } else if voucher.amount > deposited {
                "it is of more than its channel has: ask its requester for nanozk channel fund"
                    .to_owned()
            } else if close_by != 0 && now > close_by {
                format!("its channel was closed until {}", when(close_by, now))
            } else if answers.is_none_or(|answers| u64::from(answers) > line.answers.to::<u64>()) {
                "it is of more answers than the settled epochs have, or of fewer than were paid for"
                    .to_owned()
            } else {
                return Ok(payment);
            };
            Err(anyhow!(why))
        };
        vouchers.sort_by_key(|(_, voucher)| std::cmp::Reverse(voucher.amount));
        let mut best = None;
        for (path, voucher) in &vouchers {
            match check(voucher) {
                Ok(payment) if best.is_none() => best = Some(payment),
                // Less than the one that is redeemed.
                Ok(_) => {}
                Err(why) => refused.push(((*path).clone(), why)),
            }
        }
        payments.extend(best);
    }
    Ok((payments, refused))
}

/// Redeems vouchers, many by a transaction. One that is refused, though it looked good, keeps no other from it.
pub(super) fn redeem(chain: &Chain<'_>, books: &Books, payments: &[Payment]) -> Result<()> {
    for chunk in payments.chunks(CHUNK) {
        redeem_chunk(chain, books, chunk)?;
    }
    Ok(())
}

fn redeem_chunk(chain: &Chain<'_>, books: &Books, payments: &[Payment]) -> Result<()> {
    let call = redeemCall {
        payments: payments.to_vec(),
    };
    let what = format!("redeeming {}", count(payments.len(), "voucher"));
    match (chain.send(&Call::new(what, books.book, &call)), payments) {
        (Ok(_), _) => Ok(()),
        (Err(e), [one]) => {
            let requester = one.voucher.requester;
            chain
                .out
                .note(format!("note: the voucher of {requester}: {e:#}"));
            Ok(())
        }
        // Halves: few of many are refused.
        (Err(_), several) => {
            let (first, second) = several.split_at(several.len() / 2);
            redeem_chunk(chain, books, first)?;
            redeem_chunk(chain, books, second)
        }
    }
}
