//! `nanozk escrow`.

use super::Chain;
use crate::args::{AmountArgs, BalanceArgs, EscrowCommand, UnbondArgs, WithdrawArgs};
use crate::output::Out;
use anyhow::{Error, Result, bail};
use nanozk_chain::bindings::{erc20, escrow as abi};
use nanozk_chain::client::Call;
use nanozk_chain::format::{amount, eth, relative, utc};
use nanozk_chain::primitives::{Address, U256};
use nanozk_chain::sol_types::SolCall;
use serde_json::json;

pub(in crate::commands) fn escrow(command: &EscrowCommand, out: &Out) -> Result<()> {
    match command {
        EscrowCommand::Deposit(args) => deposit(args, out),
        EscrowCommand::Bond(args) => {
            let chain = Chain::sending(&args.send, out)?;
            let account = chain.client.account()?;
            let (asset, amount) = (args.asset, wanted(args)?);
            chain.require_free(account, asset, amount, "the bond")?;
            act(&chain, args, "bonding", &abi::bondCall { asset, amount })
        }
        EscrowCommand::Unbond(args) => unbond(args, out),
        EscrowCommand::Withdraw(args) => withdraw(args, out),
        EscrowCommand::Balance(args) => balance(args, out),
    }
}

/// The amount, in the smallest unit of its asset.
fn wanted(args: &AmountArgs) -> Result<U256> {
    args.amount.of(args.asset).map_err(Error::msg)
}

fn act<C: SolCall>(chain: &Chain<'_>, args: &AmountArgs, doing: &str, call: &C) -> Result<()> {
    let what = format!("{doing} {}", amount(args.asset, wanted(args)?));
    chain.send(&Call::new(what, chain.address("BondEscrow")?, call))?;
    Ok(())
}

fn deposit(args: &AmountArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let escrow = chain.address("BondEscrow")?;
    let wanted = wanted(args)?;
    let call = abi::depositCall {
        asset: args.asset,
        amount: wanted,
    };
    let what = format!("depositing {}", amount(args.asset, wanted));
    let deposit = Call::new(what, escrow, &call);
    if args.asset.is_zero() {
        chain.send(&deposit.paying(wanted))?;
        return Ok(());
    }
    let account = chain.client.account()?;
    let balance = chain
        .client
        .read(args.asset, &erc20::balanceOfCall { account })?;
    if balance < wanted {
        bail!(
            "{account} has {} of the token {}, {} are missing",
            balance,
            args.asset,
            wanted - balance
        );
    }
    let allowance = erc20::allowanceCall {
        owner: account,
        spender: escrow,
    };
    if chain.client.read(args.asset, &allowance)? < wanted {
        let approve = erc20::approveCall {
            spender: escrow,
            value: wanted,
        };
        let what = format!("allowing the escrow to take {}", amount(args.asset, wanted));
        let sent = chain.send(&Call::new(what, args.asset, &approve))?;
        if sent.is_none() {
            // A deposit cannot be simulated before.
            return Ok(());
        }
    }
    chain.send(&deposit)?;
    Ok(())
}

fn unbond(args: &UnbondArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.send, out)?;
    let escrow = chain.address("BondEscrow")?;
    let account = chain.client.account()?;
    if let Some(wanted) = &args.amount {
        let wanted = wanted.of(args.asset).map_err(Error::msg)?;
        chain.require_bond(account, args.asset, wanted, "the request")?;
        let call = abi::requestUnbondCall {
            asset: args.asset,
            amount: wanted,
        };
        let what = format!("asking {} of the bond back", amount(args.asset, wanted));
        chain.send(&Call::new(what, escrow, &call))?;
        let delay = chain.client.read(escrow, &abi::unbondDelayCall {})?;
        out.text(format!(
            "take it out with nanozk escrow unbond after {}",
            nanozk_chain::format::duration(delay)
        ));
        return Ok(());
    }
    let queued = abi::queuedCall {
        account,
        asset: args.asset,
    };
    let queued = chain.client.read(escrow, &queued)?;
    let now = chain.client.head()?.timestamp;
    if !queued.amount.is_zero() && now < queued.availableAt {
        bail!(
            "{} can be taken out from {} on ({})",
            amount(args.asset, queued.amount),
            utc(queued.availableAt),
            relative(queued.availableAt, now)
        );
    }
    let call = abi::unbondCall { asset: args.asset };
    chain.send(&Call::new("taking the queued bond out", escrow, &call))?;
    Ok(())
}

fn withdraw(args: &WithdrawArgs, out: &Out) -> Result<()> {
    let chain = Chain::sending(&args.amount.send, out)?;
    let account = chain.client.account()?;
    let (asset, wanted) = (args.amount.asset, wanted(&args.amount)?);
    chain.require_free(account, asset, wanted, "the withdrawal")?;
    let call = abi::withdrawCall {
        asset,
        amount: wanted,
        to: args.to.unwrap_or(account),
    };
    act(&chain, &args.amount, "withdrawing", &call)
}

fn balance(args: &BalanceArgs, out: &Out) -> Result<()> {
    let chain = Chain::reading(&args.chain, &args.key, out)?;
    let account = match args.account {
        Some(account) => account,
        None => chain.client.account()?,
    };
    let escrow = chain.address("BondEscrow")?;
    let wallet = chain.client.balance(account)?;
    out.text(format!("account     {account}"));
    out.text(format!("outside     {}", eth(wallet)));
    for asset in chain.client.read(escrow, &abi::assetsCall {})? {
        let b = balances(&chain, escrow, account, asset)?;
        if !asset.is_zero() {
            out.text(format!("asset       {asset}"));
        }
        out.text(format!("free        {}", amount(asset, b.free)));
        out.text(format!("bond        {}", amount(asset, b.bonded)));
        out.text(format!("held bond   {}", amount(asset, b.encumbered)));
        if !b.queued.is_zero() {
            out.text(format!(
                "queued      {}, from {} on",
                amount(asset, b.queued),
                utc(b.available_at)
            ));
        }
        out.json(&json!({
            "account": account,
            "asset": asset,
            "outside": wallet.to_string(),
            "free": b.free.to_string(),
            "bonded": b.bonded.to_string(),
            "encumbered": b.encumbered.to_string(),
            "queued": b.queued.to_string(),
            "available_at": b.available_at,
        }));
    }
    Ok(())
}

struct Balances {
    free: U256,
    bonded: U256,
    encumbered: U256,
    queued: U256,
    available_at: u64,
}

fn balances(
    chain: &Chain<'_>,
    escrow: Address,
    account: Address,
    asset: Address,
) -> Result<Balances> {
    let client = &chain.client;
    let queued = client.read(escrow, &abi::queuedCall { account, asset })?;
    Ok(Balances {
        free: chain.free(account, asset)?,
        bonded: chain.bonded(account, asset)?,
        encumbered: client.read(escrow, &abi::encumberedCall { account, asset })?,
        queued: queued.amount,
        available_at: queued.availableAt,
    })
}
