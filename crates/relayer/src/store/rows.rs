//! Rows as what they are of.

use super::{Attempt, Block, ClaimRow, Final, Intent};
use crate::error::Error;
use crate::facts::{Posting, id_of};
use alloy::primitives::{Bytes, U256};
use alloy::sol_types::SolValue;
use nanozk_chain::bindings::book;
use nanozk_chain::claim::Posted;
use sqlx::Row;
use sqlx::any::AnyRow;
use std::str::FromStr;

pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(super) fn uint(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}

pub(super) fn parse<T: FromStr>(text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|_| Error::Damaged(format!("{text:?} where a value was written")))
}

fn parse_opt<T: FromStr>(text: Option<String>) -> Result<Option<T>, Error> {
    text.as_deref().map(parse).transpose()
}

fn json_opt<T: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<T>, Error> {
    text.map(|t| serde_json::from_str(&t).map_err(|e| Error::Damaged(e.to_string())))
        .transpose()
}

pub(super) fn claim_of(row: &AnyRow) -> Result<ClaimRow, Error> {
    let facts = json_opt(row.try_get("facts")?)?;
    let verdict = json_opt(row.try_get("verdict")?)?;
    let code: Option<String> = row.try_get("error_code")?;
    let error: Option<String> = row.try_get("error")?;
    Ok(ClaimRow {
        id: parse(row.try_get("id")?)?,
        role: parse(row.try_get("role")?)?,
        directory: row.try_get("directory")?,
        ended: row.try_get::<i64, _>("ended")? != 0,
        due: uint(row.try_get("due")?),
        next: row.try_get("next")?,
        facts,
        verdict,
        error: code.zip(error),
        failures: uint(row.try_get("failures")?),
        updated: uint(row.try_get("updated")?),
    })
}

pub(super) fn intent_of(row: &AnyRow) -> Result<Intent, Error> {
    let number = |name: &str| -> Result<Option<u64>, Error> {
        Ok(row.try_get::<Option<i64>, _>(name)?.map(uint))
    };
    Ok(Intent {
        id: row.try_get("id")?,
        claim: parse(row.try_get("claim")?)?,
        action: row.try_get("action")?,
        what: row.try_get("what")?,
        to: parse(row.try_get("destination")?)?,
        data: parse(row.try_get("data")?)?,
        status: parse(row.try_get("status")?)?,
        deadline: uint(row.try_get("deadline")?),
        gas_limit: uint(row.try_get("gas_limit")?),
        nonce: number("nonce")?,
        block: number("block")?,
        tx: parse_opt(row.try_get("tx")?)?,
        gas_used: number("gas_used")?,
        fee: parse_opt(row.try_get("fee")?)?,
        error: row.try_get("error")?,
    })
}

pub(super) fn attempt_of(row: &AnyRow) -> Result<Attempt, Error> {
    Ok(Attempt {
        hash: parse(row.try_get("hash")?)?,
        intent: row.try_get("intent")?,
        nonce: uint(row.try_get("nonce")?),
        cancels: row.try_get::<i64, _>("cancels")? != 0,
        raw: parse(row.try_get("raw")?)?,
        max_fee: parse(row.try_get("max_fee")?)?,
        priority_fee: parse(row.try_get("priority_fee")?)?,
        data_fee: parse(row.try_get("data_fee")?)?,
        signed_block: uint(row.try_get("signed_block")?),
    })
}

pub(super) fn posting_of(row: &AnyRow) -> Result<Posting, Error> {
    let data: Bytes = parse(row.try_get("data")?)?;
    let points: Bytes = parse(row.try_get("points")?)?;
    let claim = book::Claim::abi_decode(&data).map_err(|e| Error::Damaged(e.to_string()))?;
    let id = parse(row.try_get("claim")?)?;
    if id != id_of(&claim) {
        return Err(Error::Damaged(format!("another claim under {id}")));
    }
    let points = points.chunks_exact(32).map(U256::from_be_slice).collect();
    Ok(Posting {
        posted: Posted {
            id,
            provider: parse(row.try_get("provider")?)?,
            claim,
            points,
        },
        block: uint(row.try_get("block")?),
    })
}

pub(super) fn final_of(row: &AnyRow) -> Result<Final, Error> {
    let layers: String = row.try_get("layers")?;
    let layers = layers.split(',').map(parse);
    Ok(Final {
        id: parse(row.try_get("id")?)?,
        path: row.try_get("path")?,
        layers: layers.collect::<Result<_, Error>>()?,
        claims: uint(row.try_get("n")?) as usize,
    })
}

pub(super) fn block_of(row: &AnyRow) -> Result<Block, Error> {
    Ok(Block {
        number: uint(row.try_get("number")?),
        hash: parse(row.try_get("hash")?)?,
        parent: parse(row.try_get("parent")?)?,
    })
}
