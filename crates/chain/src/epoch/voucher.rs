//! What requesters sign to pay for answers of epochs: all that they owe on a channel, up to an epoch.

use super::{Books, Line};
use crate::bindings::epochs;
use crate::error::Error;
use crate::signing::{sign, signer_of};
use alloy::primitives::aliases::{U24, U88};
use alloy::primitives::{Address, Bytes, U256};
use alloy::signers::local::PrivateKeySigner;
use serde::{Deserialize, Serialize};

/// Format name of a voucher.
pub const VOUCHER_FORMAT: &str = "nanozk-voucher-1";

/// A voucher: a file, from requester to provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voucher {
    /// [`VOUCHER_FORMAT`].
    pub format: String,
    /// Where it is redeemed.
    pub books: Books,
    /// To whom, for which version.
    pub line: Line,
    /// Who pays.
    #[serde(deserialize_with = "crate::address::deserialize")]
    pub requester: Address,
    /// Round of the channel.
    pub round: u16,
    /// The epoch that has to be settled.
    pub epoch: u32,
    /// All that the channel has paid in this round when this is redeemed, in the asset's smallest unit.
    pub amount: U256,
    /// For how many answers.
    pub answers: u32,
    /// The requester's signature (EIP-712).
    pub signature: Bytes,
}

impl Voucher {
    /// As contracts take it.
    ///
    /// # Errors
    /// If a number is beyond the contracts'.
    pub fn typed(&self) -> Result<epochs::Voucher, Error> {
        let beyond = |what: &str| {
            Error::Mismatch(format!(
                "{what} of the voucher is beyond what contracts take"
            ))
        };
        let amount = u128::try_from(self.amount).ok();
        let amount = amount.and_then(|amount| U88::try_from(amount).ok());
        let amount = amount.ok_or_else(|| beyond("the amount"))?;
        let epoch = U24::try_from(self.epoch).map_err(|_| beyond("the epoch"))?;
        Ok(epochs::Voucher {
            requester: self.requester,
            provider: self.line.provider,
            version: self.line.version,
            round: self.round,
            epoch,
            amount,
            answers: self.answers,
        })
    }

    /// Signs it, as its requester.
    ///
    /// # Errors
    /// If a number is beyond the contracts'.
    pub fn signed(mut self, signer: &PrivateKeySigner) -> Result<Self, Error> {
        self.requester = signer.address();
        let digest = self.books.voucher(&self.typed()?);
        self.signature = sign(signer, digest).into();
        Ok(self)
    }

    /// As contracts redeem it.
    ///
    /// # Errors
    /// If its format, its place or its signature is another. A contract's signature is for the chain to check.
    pub fn payment(
        &self,
        books: &Books,
        line: &Line,
        is_contract: bool,
    ) -> Result<epochs::Payment, Error> {
        if self.format != VOUCHER_FORMAT {
            return Err(Error::Format {
                expected: VOUCHER_FORMAT,
                got: self.format.clone(),
            });
        }
        if (self.books, self.line) != (*books, *line) {
            return Err(Error::Mismatch(
                "the voucher is of another provider, version or deployment".into(),
            ));
        }
        let voucher = self.typed()?;
        if !is_contract
            && signer_of(&self.signature, books.voucher(&voucher)) != Some(self.requester)
        {
            return Err(Error::Mismatch(format!(
                "the voucher's signature is not {}'s",
                self.requester
            )));
        }
        Ok(epochs::Payment {
            voucher,
            signature: self.signature.clone(),
        })
    }
}
