//! Parameters under which a model is offered, and cheating on any layer loses: as `Economics.sol` has it, which has
//! the last word. Defaults come with their reasons.

use crate::bindings::registry;
use crate::format::{amount, eth};
use alloy::primitives::{Address, U256};
use nanozk_verifier::CheckedManifest;

/// Probability 1.
const ONE: u64 = 1_000_000_000_000_000_000;
/// Parts of a stake that go to a challenger and to the requester, of 10,000.
const CHALLENGER_BPS: u64 = 4_000;
const REQUESTER_BPS: u64 = 3_000;
const BPS: u64 = 10_000;
/// Gas of answering a challenge: verification of the final proof, its calldata, and what is written.
const ANSWER_GAS: u64 = 400_000;
/// Price of gas that is assumed, in wei: a fixed one, so that the same options always give the same version.
pub const GAS_PRICE: u64 = 2_000_000_000;
/// What proving one layer costs besides, in wei: a few minutes of a rented processor.
const PROVING_COST: u64 = 20_000_000_000_000;

/// What the registrant decides; the rest is derived.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// Asset; zero is ETH.
    pub asset: Address,
    /// Greatest price of a job.
    pub max_price: Option<U256>,
    /// Most that a false answer may be worth besides the price.
    pub external_gain: Option<U256>,
    /// Stake.
    pub stake: Option<U256>,
    /// Bond of a challenger.
    pub challenge_bond: Option<U256>,
    /// Layers drawn for each audited claim.
    pub audits: Option<u16>,
    /// Cost of answering a challenge.
    pub answer_cost: Option<U256>,
    /// Audit weights of the layers, parts per million; even ones otherwise.
    pub audit_weights: Option<Vec<u32>>,
}

/// Why parameters cannot be derived.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// An amount of tokens cannot be derived from costs in ETH.
    #[error(
        "with an asset other than ETH, --{0} has to be given: costs in ETH say nothing about it"
    )]
    NoRate(&'static str),
    /// Weights of another model.
    #[error("{got} audit weights where the model has {expected} layers")]
    Weights {
        /// Layers.
        expected: usize,
        /// Given.
        got: usize,
    },
    /// A number that does not fit.
    #[error("{0} has more than 128 bits")]
    TooLarge(&'static str),
    /// The number of draws is not from one to the number of layers.
    #[error("{audits} layers to draw of {layers}")]
    Audits {
        /// Layers.
        layers: usize,
        /// Draws.
        audits: u16,
    },
    /// A layer that is never drawn.
    #[error("the audit weight of layer {0} is zero")]
    ZeroWeight(usize),
}

/// Parameters, with reasons.
#[derive(Clone, Debug)]
pub struct Terms {
    /// As registered.
    pub policy: registry::Policy,
    /// Audit weights of the layers.
    pub audit_weights: Vec<u32>,
    /// Cost of answering a challenge of a layer.
    pub answer_cost: u128,
    /// Name, value and reason of each.
    pub reasons: Vec<(&'static str, String, String)>,
    /// Least probability with which a cheat on one layer is drawn, in parts of 10^18.
    pub caught: u64,
}

fn ceil_div(a: U256, b: U256) -> U256 {
    (a + b - U256::from(1)) / b
}

/// A lower bound of the probability that a layer is among those drawn, in parts of 10^18.
pub fn inclusion(weight: u32, total: u64, audits: u16) -> u64 {
    let one = U256::from(ONE);
    let total = U256::from(total);
    let mut missed = ceil_div((total - U256::from(weight)) * one, total);
    let mut power = one;
    let mut left = audits;
    while left != 0 {
        if left & 1 == 1 {
            power = ceil_div(power * missed, one);
        }
        missed = ceil_div(missed * missed, one);
        left >>= 1;
    }
    (one - power).to::<u64>()
}

/// What a job that was taken and never claimed costs its provider: the price. More than that, and an answer that is false
/// would cost less than none.
pub fn no_show_penalty(price: U256) -> U256 {
    price
}

/// Least stake under which a false answer that is caught with that probability loses more than no answer.
pub fn required_stake(caught: u64, price: U256, external_gain: U256) -> U256 {
    let escaped = |gain: U256| U256::from(ONE - caught) * gain;
    let part =
        |lost: U256, kept: u64| lost * U256::from(BPS) / (U256::from(caught) * U256::from(kept));
    let penalty = U256::from(ONE) * no_show_penalty(price);
    let alone = part(
        escaped(price + external_gain) + penalty,
        BPS - CHALLENGER_BPS,
    );
    let both = part(escaped(external_gain), BPS - CHALLENGER_BPS - REQUESTER_BPS);
    alone.max(both) + U256::from(1)
}

/// Parameters for a model.
pub fn terms(manifest: &CheckedManifest, wishes: &Wishes) -> Result<Terms, PolicyError> {
    let layers = manifest.layers();
    let token = !wishes.asset.is_zero();
    let show = |v: U256| amount(wishes.asset, v);
    let given = |text: &str| format!("given by {text}");
    let mut reasons = Vec::new();

    let weights = match &wishes.audit_weights {
        Some(weights) if weights.len() != layers => {
            return Err(PolicyError::Weights {
                expected: layers,
                got: weights.len(),
            });
        }
        Some(weights) => weights.clone(),
        None => vec![(1_000_000 / layers as u32).max(1); layers],
    };
    if let Some(layer) = weights.iter().position(|w| *w == 0) {
        return Err(PolicyError::ZeroWeight(layer));
    }
    reasons.push((
        "audit weights",
        format!("{weights:?}"),
        match &wishes.audit_weights {
            Some(_) => "Fisher information of the layers, with a floor".into(),
            None => "even, since no importance was measured (nanozk importance)".into(),
        },
    ));

    let audits = wishes.audits.unwrap_or((layers as u16).div_ceil(4));
    if audits == 0 || usize::from(audits) > layers {
        return Err(PolicyError::Audits { layers, audits });
    }
    let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
    let (weakest, caught) = weights
        .iter()
        .map(|w| inclusion(*w, total, audits))
        .enumerate()
        .min_by_key(|(_, p)| *p)
        .unwrap_or((0, 1));
    let caught = caught.max(1);
    reasons.push((
        "audits",
        audits.to_string(),
        format!(
            "{}: a cheat on one layer (layer {weakest} at worst) is drawn with probability at least {:.1} %",
            match wishes.audits {
                Some(_) => given("--audits"),
                None => "a quarter of the layers".into(),
            },
            100.0 * caught as f64 / ONE as f64
        ),
    ));

    let answer_cost = match wishes.answer_cost {
        Some(cost) => cost,
        None if token => return Err(PolicyError::NoRate("answer-cost")),
        None => U256::from(ANSWER_GAS) * U256::from(GAS_PRICE) + U256::from(PROVING_COST),
    };
    reasons.push((
        "answer cost",
        show(answer_cost),
        match wishes.answer_cost {
            Some(_) => given("--answer-cost"),
            None => format!(
                "{ANSWER_GAS} gas at {} gwei, and {} for proving a layer",
                GAS_PRICE / 1_000_000_000,
                eth(U256::from(PROVING_COST))
            ),
        },
    ));

    let challenge_bond = wishes
        .challenge_bond
        .unwrap_or(answer_cost * U256::from(2) + U256::from(1));
    reasons.push((
        "challenge bond",
        show(challenge_bond),
        match wishes.challenge_bond {
            Some(_) => given("--challenge-bond"),
            None => "twice the answer cost, so that a failed challenge pays for its answer".into(),
        },
    ));

    let max_price = match wishes.max_price {
        Some(price) => price,
        None if token => return Err(PolicyError::NoRate("max-price")),
        // All layers may have to be proven for it.
        None => answer_cost * U256::from(2 * layers),
    };
    reasons.push((
        "greatest price",
        show(max_price),
        match wishes.max_price {
            Some(_) => given("--max-price"),
            None => format!("twice the cost of proving all {layers} layers"),
        },
    ));
    let external_gain = wishes.external_gain.unwrap_or(max_price);
    reasons.push((
        "external gain",
        show(external_gain),
        match wishes.external_gain {
            Some(_) => given("--external-gain"),
            None => "as much again as the price: an assumption, raise it where answers decide about more".into(),
        },
    ));

    let least = required_stake(caught, max_price, external_gain);
    // The provider may challenge its own claim: half of the challengers' part must exceed a bond.
    let reward = U256::from(2) * challenge_bond * U256::from(BPS) / U256::from(CHALLENGER_BPS)
        + U256::from(3);
    let stake = wishes
        .stake
        .unwrap_or_else(|| least.max(reward) * U256::from(11) / U256::from(10));
    reasons.push((
        "stake",
        show(stake),
        match wishes.stake {
            Some(_) => format!(
                "{}; the least is {}",
                given("--stake"),
                show(least.max(reward))
            ),
            None => format!(
                "a tenth above the least, {}: {}",
                show(least.max(reward)),
                if least >= reward {
                    "what a cheat that is caught so rarely may gain"
                } else {
                    "half of the challengers' part must exceed a bond"
                }
            ),
        },
    ));

    let small = |name, v: U256| u128::try_from(v).map_err(|_| PolicyError::TooLarge(name));
    Ok(Terms {
        policy: registry::Policy {
            asset: wishes.asset,
            maxPrice: small("max-price", max_price)?,
            externalGain: small("external-gain", external_gain)?,
            stake: small("stake", stake)?,
            challengeBond: small("challenge-bond", challenge_bond)?,
            audits,
        },
        audit_weights: weights,
        answer_cost: small("answer-cost", answer_cost)?,
        reasons,
        caught,
    })
}

/// A manifest as the registry takes it.
pub fn registration(
    manifest: &CheckedManifest,
    terms: &Terms,
) -> (registry::ModelHeader, Vec<registry::Layer>) {
    let m = manifest.manifest();
    let header = registry::ModelHeader {
        dimensions: m.dimensions_digest().into(),
        tokenizer: m.tokenizer.0.into(),
        weights: m.weights_digest().into(),
        programs: m.program_tree().root().into(),
        setup: m.setup.0.into(),
        fractions: U256::from(m.fractions).into(),
        tokens: m.tokens as u32,
        layers: manifest.layers() as u16,
        k: m.k as u8,
    };
    let layer = |weight: &u32| registry::Layer {
        auditWeight: *weight,
        answerCost: terms.answer_cost,
    };
    (header, terms.audit_weights.iter().map(layer).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn inclusion_is_what_it_should_be() {
        assert_eq!(inclusion(1, 4, 1), ONE / 4);
        assert_eq!(inclusion(1, 4, 2), 437_500_000_000_000_000);
        assert_eq!(inclusion(5, 5, 1), ONE);
    }

    #[test]
    fn stakes_make_cheating_lose() {
        // Caught with 1/4: 3/4 of the gain against 1/4 of what is lost of the stake.
        let stake = required_stake(ONE / 4, U256::from(100), U256::ZERO);
        // And no answer costs the price.
        assert_eq!(stake, U256::from(501 + 666));
        // The provider is requester and challenger too: three tenths of the stake are lost.
        let stake = required_stake(ONE / 4, U256::ZERO, U256::from(100));
        assert_eq!(stake, U256::from(1001));
    }

    proptest! {
        #[test]
        fn inclusion_is_a_lower_bound(weights in proptest::collection::vec(1u32..1_000_000, 3..40), audits in 1u16..40) {
            let audits = audits.min(weights.len() as u16);
            let total: u64 = weights.iter().map(|w| u64::from(*w)).sum();
            for w in &weights {
                let exact = 1.0 - (1.0 - f64::from(*w) / total as f64).powi(i32::from(audits));
                let got = inclusion(*w, total, audits) as f64 / ONE as f64;
                prop_assert!(got <= exact + 1e-12 && got >= exact - 1e-9, "{got} {exact}");
            }
        }
    }
}
