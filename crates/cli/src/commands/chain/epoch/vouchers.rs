//! Vouchers that a provider was given.

use crate::commands::chain::channel::channel_of;
use crate::commands::chain::Chain;
use crate::output::count;
use anyhow::{bail, Context, Result};
use nanozk_chain::bindings::epochs::{redeemCall, Payment};
use nanozk_chain::client::Call;
use nanozk_chain::epoch::answers::Header;
use nanozk_chain::epoch::voucher::Voucher;
use nanozk_chain::epoch::Books;
use nanozk_chain::primitives::U256;
use nanozk_prover::files;
use std::path::{Path, PathBuf};

/// Files of a directory whose name says JSON, by name.
pub(super) fn json_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("cannot list {}", directory.display());
    let entries = std::fs::read_dir(directory).with_context(failed)?;
    let paths = entries.map(|entry| Ok(entry.with_context(failed)?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    Ok(paths)
}

/// What a voucher pays, once all epochs up to `settled` are; else says why it pays nothing.
pub(super) fn payment(
    chain: &Chain<'_>,
    header: &Header,
    settled: u32,
    path: &Path,
) -> Result<Payment> {
    let voucher: Voucher = files::read_json(path)?;
    let is_contract = !chain.client.code(voucher.requester)?.is_empty();
    let payment = voucher.payment(&header.books, &header.line, is_contract)?;
    let channel = channel_of(chain, voucher.requester, &header.line)?;
    let (paid, deposited) = (U256::from(channel.redeemed), U256::from(channel.deposited));
    if voucher.round != channel.round {
        bail!("it is of another round of its channel");
    }
    if voucher.amount <= paid {
        bail!("it was, or one of more");
    }
    if voucher.amount > deposited {
        bail!("it is of more than its channel has: ask its requester for nanozk channel fund");
    }
    if voucher.epoch > settled {
        bail!("it is of a later epoch");
    }
    Ok(payment)
}

/// Redeems vouchers, together; where that is refused, each by itself.
pub(super) fn redeem(chain: &Chain<'_>, books: &Books, payments: Vec<Payment>) -> Result<()> {
    let send = |payments: Vec<Payment>| {
        let what = format!("redeeming {}", count(payments.len(), "voucher"));
        chain.send(&Call::new(what, books.book, &redeemCall { payments }))
    };
    match payments.len() {
        0 => return Ok(()),
        1 => {
            send(payments)?;
            return Ok(());
        }
        _ => {}
    }
    let Err(together) = send(payments.clone()) else {
        return Ok(());
    };
    let mut has_sent = false;
    for payment in payments {
        let requester = payment.voucher.requester;
        match send(vec![payment]) {
            Ok(_) => has_sent = true,
            Err(e) => chain
                .out
                .note(format!("note: the voucher of {requester}: {e:#}")),
        }
    }
    match has_sent {
        true => Ok(()),
        // Not the vouchers' fault.
        false => Err(together),
    }
}
