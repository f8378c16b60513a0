//! What contracts said happened.

use crate::artifacts;
use crate::format::{amount, units};
use crate::revert::text;
use alloy::dyn_abi::EventExt;
use alloy::json_abi::{Event as AbiEvent, Param};
use alloy::primitives::{B256, Log, U256};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// An event of one of the contracts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Name.
    pub name: String,
    /// Arguments, by name, as text.
    pub arguments: Vec<(String, String)>,
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments: Vec<String> = self
            .arguments
            .iter()
            // A struct has no text: whoever needs it reads the log.
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name} {}", self.shown(name, value)))
            .collect();
        write!(f, "{} ({})", self.name, arguments.join(", "))
    }
}

/// Arguments of these names are amounts.
const AMOUNTS: [&str; 9] = [
    "amount",
    "price",
    "stake",
    "bond",
    "toChallenger",
    "toReporter",
    "toRequester",
    "burned",
    "penalty",
];

impl Event {
    /// An argument as people read it.
    fn shown(&self, name: &str, value: &str) -> String {
        let number = U256::from_str_radix(value, 10).ok();
        let Some(number) = number.filter(|_| AMOUNTS.contains(&name)) else {
            return value.to_owned();
        };
        let asset = self.arguments.iter().find(|(name, _)| name == "asset");
        match asset.and_then(|(_, asset)| asset.parse().ok()) {
            Some(asset) => amount(asset, number),
            None => units(number),
        }
    }
}

fn known() -> &'static BTreeMap<B256, &'static AbiEvent> {
    static KNOWN: OnceLock<BTreeMap<B256, &'static AbiEvent>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        artifacts::all()
            .iter()
            .flat_map(|a| a.abi.events())
            .map(|e| (e.selector(), e))
            .collect()
    })
}

/// Reads a log; none if it is of no contract of ours.
pub fn decode(log: &Log) -> Option<Event> {
    let event = known().get(log.topics().first()?)?;
    let decoded = event.decode_log(&log.data).ok()?;
    let (mut indexed, mut body) = (decoded.indexed.iter(), decoded.body.iter());
    let arguments = event.inputs.iter().filter_map(|input| {
        let value = if input.indexed {
            indexed.next()
        } else {
            body.next()
        }?;
        let param = Param {
            ty: input.ty.clone(),
            name: input.name.clone(),
            components: Vec::new(),
            internal_type: input.internal_type.clone(),
        };
        Some((input.name.clone(), text(&param, value)))
    });
    Some(Event {
        name: event.name.clone(),
        arguments: arguments.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{book, epochs, escrow};
    use alloy::primitives::{Address, LogData, Uint};
    use alloy::sol_types::SolEvent;

    #[test]
    fn events_are_decoded() {
        let event = book::ClaimEnded {
            claim: B256::repeat_byte(3),
            status: 2,
        };
        let log = Log {
            address: Address::ZERO,
            data: event.encode_log_data(),
        };
        let decoded = decode(&log).expect("known");
        let claim = B256::repeat_byte(3);
        assert_eq!(
            decoded.to_string(),
            format!("ClaimEnded (claim {claim}, status proven)")
        );
        let event = escrow::Bonded {
            account: Address::ZERO,
            asset: Address::ZERO,
            amount: U256::from(10u64.pow(18)),
        };
        let log = Log {
            address: Address::ZERO,
            data: event.encode_log_data(),
        };
        let decoded = decode(&log).expect("known");
        assert!(decoded.to_string().ends_with("amount 1 ETH)"), "{decoded}");
        let (_, raw) = decoded.arguments.last().expect("an amount");
        assert_eq!(raw, "1000000000000000000");
        let event = epochs::EpochFixed {
            epoch: claim,
            fixed_: epochs::FixedDraws {
                seed: claim,
                commitments: claim,
                fixedAt: Uint::from(1),
                drawBlock: Uint::from(2),
            },
        };
        let log = Log {
            address: Address::ZERO,
            data: event.encode_log_data(),
        };
        let decoded = decode(&log).expect("known");
        assert_eq!(decoded.to_string(), format!("EpochFixed (epoch {claim})"));
        let unknown = Log {
            address: Address::ZERO,
            data: LogData::new_unchecked(vec![B256::ZERO], Default::default()),
        };
        assert_eq!(decode(&unknown), None);
    }
}
