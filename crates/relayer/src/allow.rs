//! What a key may sign: calls of known functions of known contracts, and nothing that moves ETH.

use alloy::primitives::{Address, U256, hex};
use nanozk_chain::format::eth;
use std::collections::HashMap;

/// Functions of contracts that a key may call. The default allows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowList(HashMap<Address, (String, HashMap<[u8; 4], String>)>);

/// Why a key does not sign a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAllowed {
    /// It creates a contract.
    #[error("the key signs no creations of contracts: deploy with another account")]
    Creation,
    /// It sends ETH.
    #[error("the key signs nothing that sends ETH, and this would send {} to {to}: send it from another account", eth(*value))]
    Value {
        /// To whom.
        to: Address,
        /// How much.
        value: U256,
    },
    /// It calls no function.
    #[error("the key signs calls of functions only, {length} bytes of calldata to {to} name none")]
    NoFunction {
        /// Called.
        to: Address,
        /// Bytes of calldata.
        length: usize,
    },
    /// It calls a contract that is not listed.
    #[error(
        "the key does not sign calls of {to}, which is none of the contracts it works with: check the deployment's file"
    )]
    Contract {
        /// Called.
        to: Address,
    },
    /// It calls a function that is not listed.
    #[error(
        "the key does not sign calls of 0x{} of {contract} at {to}, only of {allowed}",
        hex::encode(selector)
    )]
    Function {
        /// Name of the contract.
        contract: String,
        /// Called.
        to: Address,
        /// Of the function.
        selector: [u8; 4],
        /// Functions that are listed.
        allowed: String,
    },
}

impl AllowList {
    /// A list of contracts: address, name, and functions by their selectors. What is said of the same address twice adds
    /// up.
    pub fn new(
        entries: impl IntoIterator<Item = (Address, String, Vec<([u8; 4], String)>)>,
    ) -> Self {
        let mut list: HashMap<Address, (String, HashMap<[u8; 4], String>)> = HashMap::new();
        for (address, contract, functions) in entries {
            let (_, known) = list
                .entry(address)
                .or_insert_with(|| (contract, HashMap::new()));
            known.extend(functions);
        }
        AllowList(list)
    }

    /// Refuses what is not listed. The calldata behind the selector is the contract's to judge.
    pub fn check(&self, to: Address, data: &[u8], value: U256) -> Result<(), NotAllowed> {
        if !value.is_zero() {
            return Err(NotAllowed::Value { to, value });
        }
        // Less than a selector reaches `receive` or `fallback`, which no list names.
        let Some(selector) = data.first_chunk::<4>() else {
            return Err(NotAllowed::NoFunction {
                to,
                length: data.len(),
            });
        };
        let Some((contract, functions)) = self.0.get(&to) else {
            return Err(NotAllowed::Contract { to });
        };
        if functions.contains_key(selector) {
            return Ok(());
        }
        let mut names: Vec<&str> = functions.values().map(String::as_str).collect();
        names.sort_unstable();
        Err(NotAllowed::Function {
            contract: contract.clone(),
            to,
            selector: *selector,
            allowed: match names.is_empty() {
                true => "nothing".into(),
                false => names.join(", "),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: Address = Address::repeat_byte(1);
    const BOOK: Address = Address::repeat_byte(2);

    fn list() -> AllowList {
        AllowList::new([
            (
                MARKET,
                "JobMarket".into(),
                vec![([1, 2, 3, 4], "lock".into())],
            ),
            (
                BOOK,
                "ClaimBook".into(),
                vec![([5, 6, 7, 8], "post".into())],
            ),
            (
                BOOK,
                "ClaimBook".into(),
                vec![([9, 9, 9, 9], "answer".into())],
            ),
        ])
    }

    #[test]
    fn listed_functions_are_allowed() {
        let list = list();
        for (to, data) in [
            (MARKET, &[1, 2, 3, 4][..]),
            (MARKET, &[1, 2, 3, 4, 5, 6]),
            (BOOK, &[5, 6, 7, 8]),
            (BOOK, &[9, 9, 9, 9, 0]),
        ] {
            list.check(to, data, U256::ZERO).expect("listed");
        }
    }

    #[test]
    fn nothing_else_is() {
        let list = list();
        let call = [1, 2, 3, 4];
        let value = U256::from(1);
        assert_eq!(
            list.check(MARKET, &call, value),
            Err(NotAllowed::Value { to: MARKET, value })
        );
        for length in 0..4 {
            assert_eq!(
                list.check(MARKET, &call[..length], U256::ZERO),
                Err(NotAllowed::NoFunction { to: MARKET, length })
            );
        }
        let stranger = Address::repeat_byte(3);
        assert_eq!(
            list.check(stranger, &call, U256::ZERO),
            Err(NotAllowed::Contract { to: stranger })
        );
        // A function of one contract is none of another's.
        let error = list.check(BOOK, &call, U256::ZERO).expect_err("not listed");
        assert_eq!(
            error.to_string(),
            format!(
                "the key does not sign calls of 0x01020304 of ClaimBook at {BOOK}, only of answer, post"
            )
        );
        assert!(
            AllowList::default()
                .check(MARKET, &call, U256::ZERO)
                .is_err()
        );
    }
}
