//! What a contract meant by reverting: each custom error as a sentence that says what happened and what to do.

use crate::artifacts;
use crate::claim::{OUTPUT, WHOLE};
use crate::format::{amount, duration, eth, readable, units, utc};
use alloy::dyn_abi::{DynSolValue, JsonAbiExt};
use alloy::json_abi::{Error as AbiError, Param};
use alloy::primitives::{Bytes, U256};
use alloy::sol_types::{Panic, Revert as Message, SolError};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// Sentences, by the error's name; `{0}` is its first argument.
#[rustfmt::skip]
const SENTENCES: &[(&str, &str)] = &[
    // Deployment
    ("SaltUsed", "{0} deployed under the salt {1} before: choose another with --salt"),
    ("NoCodeDeployed", "the constructor left no code under the salt {1}"),
    ("FailedDeployment", "the constructor failed"),
    ("Create2EmptyBytecode", "there is no code to deploy"),
    ("Create3EmptyBytecode", "there is no code to deploy"),
    ("InsufficientBalance", "the contract has {0:eth} where {1:eth} are needed"),
    ("ZeroAddress", "an address is zero that must not be"),
    ("UnbondDelayTooLong", "bonds may be delayed by at most {0:s}, not {1:s}"),
    ("BadDelay", "the beacon's delay is {2} blocks, it must be {0} to {1}"),
    ("InvalidShortString", "a name is too short"),
    ("StringTooLong", "the name {0} is too long"),
    // Escrow
    ("AssetNotAllowed", "the asset {0} is not allowed in this deployment's escrow"),
    ("AmountZero", "the amount is zero"),
    ("WrongValue", "{1:eth} came along where {0:eth} are needed"),
    ("DeltaMismatch", "the token {0} moved {2:units} where {1:units} were asked for: tokens with fees or rebasing are not supported"),
    ("InsufficientFree", "the free balance of {0} is {3:of 1}, {2:of 1} are needed: nanozk escrow deposit"),
    ("InsufficientBond", "the bond of {0} that is not held is {3:of 1}, {2:of 1} are needed: nanozk escrow bond"),
    ("NotYetAvailable", "the bond can be taken out from {0} on"),
    ("NothingQueued", "{0} asked for no bond of the asset {1} back: first nanozk escrow unbond"),
    ("NotOperator", "{0} is none of the escrow's operators: the deployment is not consistent"),
    ("HoldExists", "the hold {0} exists, or did: it happens once"),
    ("UnknownHold", "there is no hold {0}"),
    ("AmountTooLarge", "an amount of {1:units} is held at once, the most is {0:units}"),
    ("TooManyAssets", "{1} assets are named, the escrow takes at most {0}"),
    ("SharesExceedHold", "the shares {2:units} exceed the hold {0} of {1:units}"),
    ("TransferFailed", "the transfer of {2:of 0} to {1} failed: the receiver or the token refuses it"),
    ("Insolvent", "the token {0} holds {2:units} for the escrow where {1:units} are owed: nobody may pay in any more"),
    ("SafeERC20FailedOperation", "the token {0} refused: is its allowance for the escrow large enough?"),
    ("ReentrancyGuardReentrantCall", "the contract was entered again while it worked"),
    // Registry
    ("UnknownVersion", "no version {0} is registered: nanozk model register"),
    ("LayerCount", "{2} layers are given where the header says {1}; a model has at most {0}"),
    ("SetupMismatch", "the model is registered under the setup {1}, these contracts verify under {0}"),
    ("DevelopmentSetup", "the development setup's secret is public: no model under it on chain {0}"),
    ("AuditWeightBelowFloor", "the audit weight of layer {0} is {2}, the floor is {1} parts per million"),
    ("AuditWeightAboveMax", "the audit weight of layer {0} is {2}, the most is {1} parts per million"),
    ("AuditCount", "{1} layers are to be drawn of {0}"),
    ("StakeTooLow", "cheating on layer {0} would pay: the stake is {2:units}, it must be at least {1:units}"),
    ("ChallengeBondTooLow", "challenging layer {0} for nothing would be too cheap: the bond is {2:units}, it must be at least {1:units}"),
    ("ChallengerRewardTooLow", "challengers would gain {1:units} of the stake, less than {0:units}, twice what one of them risks: raise the stake"),
    ("BadTokenCount", "{1} positions: it must be a power of two from 4 to {0}"),
    ("VerifierUnusable", "the verifier {0} is frozen, or its code is gone or another: a claim under it ends by nanozk claim void only"),
    ("VerifierAlreadyFrozen", "the verifier {0} is frozen already"),
    ("NotGuardian", "{0} is not the guardian, who alone freezes verifiers"),
    ("MetadataTooLong", "the metadata URI has {1} bytes, the most is {0}"),
    ("NoSuchLayer", "there is no layer {0}: the version has {1}, counted from zero"),
    ("StoreFailed", "the layers could not be stored: too little gas"),
    // Jobs
    ("BadSignature", "the signature is not {0}'s, or of something else"),
    ("NonceUsed", "{0} used the nonce {1} before: make a new request"),
    ("UnknownJob", "there is no job {0}: nanozk job open"),
    ("WrongJobStatus", "the job {0} is {2}, it must be {1}"),
    ("PriceTooHigh", "the price is {1:units}, the version allows at most {0:units}"),
    ("PriceZero", "the price is zero"),
    ("VersionUnusable", "the verifier of the version {0} is frozen: nothing but nanozk claim void, or nanozk job expire before a claim, ends this"),
    ("BadDuration", "{0} is {3:s}, it must be {1:s} to {2:s}"),
    ("BadTokens", "{0} prompt tokens and {1} new ones: each must be at least 1, both together at most {2}"),
    ("DigestNotReduced", "{0} is no digest: it is not below the order of the scalar field"),
    ("DecodingNotGreedy", "the decoding {0} cannot be proved, only the greedy one (zero)"),
    ("DeadlinePassed", "the deadline {0} has passed"),
    ("DeadlineNotPassed", "the deadline {0} has not passed"),
    ("NotProvider", "the job is for the provider {0}, not for {1}"),
    ("NotRequester", "only the requester {0} may do this, {1} is not"),
    ("NotAuthorized", "{0} may not do this"),
    ("LockIsCancelled", "{0} said that it does not take the job {1}: that is final"),
    ("AuditsDisabled", "these contracts audit no claims, since their chain has no prevrandao: choose another --mode"),
    // Claims
    ("UnknownClaim", "there is no claim {0}: what is given is not what was posted"),
    ("BadPoints", "{0} words of commitments to activations: a point has three, and there is one at least"),
    ("ZeroRecipient", "the recipient is zero"),
    ("ClaimIsOver", "the claim {0} is over: {1}"),
    ("NotInThisMode", "claims of this mode have no such step: in the mode of proofs every layer is proven, nothing is challenged"),
    ("NotYet", "this is possible from {0} on"),
    // Proofs
    ("NothingToProve", "no proofs were given"),
    ("VerifierMismatch", "the claims of one proof have two verifiers, {0} and {1}: prove them apart"),
    ("ProvingIsOver", "layers could be proven until {1}"),
    ("WordNotReduced", "word {0} of what a node says is not below the order of the scalar field"),
    ("MalformedTree", "the tree of nodes is not one over the given leaves (byte {0} of its shape)"),
    ("LayersOutOfModel", "a program of {1} layers from layer {0} on: the model has {2}, counted from zero"),
    ("NotAProgramOfTheModel", "the program {1} is not under the model's root of programs {0}: was the proof made with another manifest?"),
    ("LayersMissing", "the proof does not show all layers: {0} are missing"),
    // Challenges
    ("NoSuchTarget", "there is no layer {0}: the version has {1}, counted from zero"),
    ("SeedMismatch", "the seed is not that of the session: its digest is {1}, the claim has {0}"),
    ("LayerIsProven", "{1} is proven: it cannot be challenged any more"),
    ("AlreadyChallenged", "this account challenges {1} already, or it is closed, or the output was accepted"),
    ("NotChallenged", "{1} is not challenged"),
    ("ChallengeWindowOver", "challenges were possible until {0}"),
    ("AnswerWindowOver", "answers of the challenge of {1} were possible until {2}: it can only time out"),
    ("AnswerWindowOpen", "the challenge can be answered until {0}"),
    ("Undecided", "the claim is not over: the bonds of the challenge of {1} are paid out when it is"),
    // Ends
    ("ChallengesOpen", "{1} challenges are open: they are decided first"),
    ("NotRevealed", "the layers to prove were not drawn yet: nanozk claim draw"),
    ("DrawnLayersMissing", "{1} of the layers that were drawn are not proven yet"),
    ("StillUsable", "the verifier of the claim can be used: there is no reason to void it"),
    ("NothingMissing", "nothing that was due is missing"),
    ("NotAudited", "no layers of the claim {0} are drawn: it is of another mode"),
    ("WrongOutputLength", "the tokens have {1} bytes where the job ordered {0}, three for each token"),
    ("OutputNotRevealed", "no output of the claim {0} was revealed that could be disputed"),
    ("DisputeWindowOver", "the output could be disputed until {0}"),
    ("NotTheRevealedOutput", "these are not the tokens and the salt that were revealed of the claim {0}"),
    ("OutputIsRight", "the revealed tokens have the digest that the claim {0} names: there is nothing to dispute"),
    ("TooManyTokens", "{1} tokens where a session has {0} positions"),
    ("OutputMismatch", "the tokens do not have the claimed digest: it is {0}, theirs is {1}"),
    // Draws
    ("AlreadyRevealed", "the layers of the claim {0} were drawn before"),
    ("TooLate", "the chain does not know the hash of block {0} any more: no draw, so all layers must be proven (nanozk aggregate, nanozk claim prove)"),
    ("TooEarly", "the block {0} whose RANDAO draws the layers is not there yet"),
    ("WrongHeader", "the header hashes to {1}, the block to {0}"),
    ("WrongNumber", "the header is of block {1}, not {0}"),
    ("MalformedHeader", "this is no block header of a known kind"),
    ("DrawCount", "{1} layers are to be drawn of {0}"),
    ("ZeroWeight", "layer {0} has the weight zero"),
    // Adapters
    ("AnotherSession", "the session is of another version, prompt, recipient or word than is asked for"),
    ("CloneArgumentsTooLong", "the task is too long"),
    ("NotHere", "evaluators are made by the contract that is none of a task, and complete jobs themselves"),
    ("TooLittleGas", "a verdict takes {0} gas: less could make a good proof fail"),
    // Epochs
    ("EpochsDisabled", "these contracts have no epochs, since their chain has no prevrandao to draw from"),
    ("NoPrograms", "{1} programs are given, a page takes 1 to {0}, each with its path"),
    ("PageTooLong", "the page would have {1} bytes, code has at most {0}"),
    ("PageFailed", "the page could not be written: too little gas"),
    ("UnknownPage", "the page {0} is not one of the version {1}: nanozk epoch enroll"),
    ("AnswerDigestNotReduced", "a digest of an answer, program or node (number {0}) is not below the order of the scalar field"),
    ("LineIsOver", "the line of {0} for the version {1} was slashed: it is over"),
    ("LineBondTooLow", "{0:units} of the line's bond are needed, {1:units} are free: nanozk epoch bond"),
    ("BadCounts", "{1} answers and {3} draws: an epoch has at most {0} answers, and at most {2} draws, as many as answers"),
    ("TooManyEpochs", "the line has {1} open epochs, up to number {0}: settle some first"),
    ("WrongEpochNumber", "the line's next epoch is number {0}, not {1}"),
    ("UnknownEpoch", "there is no epoch {0}: what is given is not what was committed to"),
    ("WrongEpochStatus", "the epoch {0} is {2}, it must be {1}"),
    ("EpochIsOver", "the epoch {0} is over: {1}"),
    ("NotWhatWasFixed", "what is given is not what was fixed of {0}"),
    ("NotDrawnYet", "the layers of the epoch {0} were not drawn, and no header is given"),
    ("OpenDisputes", "{1} disputes about answers of the epoch {0} are open: they are decided first"),
    ("OutOfOrder", "the epochs of a line are settled in order: {0} comes before {1}"),
    ("VerifierStillUsable", "the verifier {0} can be used: there is no reason to void the epoch"),
    ("RecordCount", "{1} bytes of records or digests of nodes are given, {0} are needed"),
    ("NotDrawn", "answer {0} was not drawn, or is not behind the one before it"),
    ("LayerNotProven", "program {1} of the page does not prove the layer that was drawn of answer {0}"),
    ("NotInTheRoot", "what is given does not lead to the root {0}"),
    // Channels
    ("ChannelIsClosing", "the channel closes {0}"),
    ("ChannelNotClosing", "the channel is not being closed: nanozk channel close"),
    ("ChannelStillOpen", "vouchers can be redeemed until {0}: what is left comes back then"),
    ("WrongRound", "the voucher is of round {1} of its channel, which is in round {0}"),
    ("NotSettled", "the voucher is of epoch {0}: {1} epochs of the line are settled, and it has to be one of them"),
    ("VoucherSpent", "the voucher is of {1:units}, the channel has paid {0:units}"),
    ("VoucherExceedsDeposit", "the voucher is of {1:units}, the channel has {0:units}"),
    ("VoucherExceedsAnswers", "the voucher pays for {1} answers, of which the line's settled epochs have {0} that nobody paid for"),
    ("FewerAnswers", "the voucher is for {1} answers in all, the channel has paid for {0}"),
    // Disputes of epochs
    ("ReceiptOfAnother", "the receipt is of another epoch than {0}"),
    ("NoSuchAnswer", "there is no answer {1}: the epoch has {0}, counted from zero"),
    ("NoSuchLayers", "the layers {1} are not all among the model's {0}"),
    ("NotAContradiction", "the receipts do not contradict each other: two different ones of one place do"),
    ("DisputeExists", "the dispute {0} exists, or did: it happens once"),
    ("UnknownDispute", "there is no dispute {0}"),
    ("WrongDisputeStatus", "the dispute {0} is {2}, it must be {1}"),
    ("LayersNotProven", "the proof does not show the layers {0} that were asked for"),
    ("BondAbove", "the challenge needs a bond of {1:units}, above the most that you would risk, {0:units}: nanozk dispute challenge --max-bond"),
    ("NoBond", "the dispute {0} holds no bond"),
    ("StillOpen", "the epoch {0} is open: the bonds of its disputes are paid out when it is over"),
    // Lens
    ("MoreGasNeeded", "{0} gas are too little to judge a proof"),
    // Verifier
    ("CalldataNotCanonical", "the calldata of the proof is not in its one form"),
    ("WrongProofLength", "the proof has {1} bytes, a final proof has {0}"),
    ("PublicInputNotReduced", "public input {0} is not reduced"),
    ("CoordinateNotReduced", "a coordinate of point {0} of the proof is not reduced"),
    ("PointNotOnCurve", "point {0} of the proof is not on the curve"),
    ("ScalarNotReduced", "scalar {0} of the proof is not reduced"),
    ("DegenerateChallenge", "a challenge hit an excluded value: prove again"),
    ("PrecompileFailed", "the precompiled contract {0} failed: too little gas"),
    ("ProofRejected", "the proof is false: it is not valid for these layers of these claims"),
];

/// Arguments of these names are times.
const TIMES: &[&str] = &[
    "deadline",
    "challengeBy",
    "answerBy",
    "provenBy",
    "availableAt",
    "disputeBy",
    "from",
    "lockBy",
    "claimBy",
    "postedAt",
    "closeBy",
];
/// A smaller number is no time: zero says that there is none.
const FIRST_TIME: u64 = 1_000_000_000;

const JOB_STATUS: &[&str] = &[
    "none", "open", "locked", "claimed", "settled", "slashed", "refunded", "expired",
];
const CLAIM_STATUS: &[&str] = &[
    "none",
    "posted",
    "proven",
    "finalized",
    "defeated",
    "voided",
];
const CHALLENGE_STATUS: &[&str] = &[
    "none",
    "open",
    "revealed",
    "answered",
    "timed out",
    "cancelled",
];
const EPOCH_STATUS: &[&str] = &["none", "committed", "fixed", "proven", "settled", "void"];
const DISPUTE_STATUS: &[&str] = &["none", "open", "fixed", "asked", "answered", "dropped"];
const MODE: &[&str] = &["proofs", "optimistic", "audited"];

/// Why a contract reverted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revert {
    /// Name of the error; empty if there was no data.
    pub name: String,
    /// Arguments, by name, as text.
    pub arguments: Vec<(String, String)>,
    /// What happened and what to do.
    pub message: String,
    /// As returned.
    pub data: Bytes,
}

impl Revert {
    /// Reads what a contract returned.
    pub fn decode(data: &[u8]) -> Self {
        let other = |name: &str, message: String| Revert {
            name: name.into(),
            arguments: Vec::new(),
            message,
            data: Bytes::copy_from_slice(data),
        };
        if data.is_empty() {
            return other(
                "",
                "it reverted without saying why: too little gas, or no such contract".into(),
            );
        }
        if let Ok(e) = Message::abi_decode(data) {
            return other("Error", e.reason);
        }
        if let Ok(e) = Panic::abi_decode(data) {
            return other("Panic", format!("the contract panicked: {e}"));
        }
        let known = data
            .first_chunk()
            .and_then(|selector| errors().get(selector));
        let decoded = known.and_then(|e| Some((*e, e.abi_decode_input(&data[4..]).ok()?)));
        let Some((error, values)) = decoded else {
            return other(
                "",
                format!(
                    "it reverted with data of no known error: {}",
                    Bytes::copy_from_slice(data)
                ),
            );
        };
        let arguments: Vec<(String, String)> = error
            .inputs
            .iter()
            .zip(&values)
            .map(|(param, value)| (param.name.clone(), text(param, value)))
            .collect();
        Revert {
            name: error.name.clone(),
            message: sentence(&error.name, &arguments),
            arguments,
            data: Bytes::copy_from_slice(data),
        }
    }
}

impl std::fmt::Display for Revert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)?;
        if !self.name.is_empty() && self.name != "Error" {
            write!(f, " ({})", self.name)?;
        }
        Ok(())
    }
}

fn errors() -> &'static BTreeMap<[u8; 4], &'static AbiError> {
    static ERRORS: OnceLock<BTreeMap<[u8; 4], &'static AbiError>> = OnceLock::new();
    ERRORS.get_or_init(|| {
        artifacts::all()
            .iter()
            .flat_map(|a| a.abi.errors())
            .map(|e| (e.selector().0, e))
            .collect()
    })
}

/// A template with its arguments. `{0}` is an argument as it is; `{0:s}` a duration in seconds; `{0:eth}` an amount of
/// ETH; `{0:of 1}` an amount of the asset in argument 1; `{0:units}` one of an asset that the error does not name.
fn filled(template: &str, arguments: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}').unwrap_or((after, ""));
        out += before;
        let (index, form) = hole.split_once(':').unwrap_or((hole, ""));
        let argument = |index: &str| {
            let index = index.parse::<usize>().ok()?;
            arguments.get(index).map(|(_, value)| value.as_str())
        };
        let value = argument(index).unwrap_or_default();
        let number = || U256::from_str_radix(value, 10).ok();
        let shown = match form.split_once(' ').unwrap_or((form, "")) {
            ("s", _) => value.parse().ok().map(duration),
            ("eth", _) => number().map(eth),
            ("units", _) => number().map(units),
            ("of", asset) => {
                argument(asset).and_then(|asset| Some(amount(asset.parse().ok()?, number()?)))
            }
            _ => None,
        };
        out += shown.as_deref().unwrap_or(value);
        rest = after;
    }
    out + rest
}

fn sentence(name: &str, arguments: &[(String, String)]) -> String {
    match SENTENCES.iter().find(|(n, _)| *n == name) {
        Some((_, template)) => readable(&filled(template, arguments)),
        None => {
            let list: Vec<String> = arguments.iter().map(|(n, v)| format!("{n} {v}")).collect();
            format!("{name} {}", list.join(", "))
        }
    }
}

/// A value as people read it.
pub fn text(param: &Param, value: &DynSolValue) -> String {
    let kind = param
        .internal_type
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    let enumeration = |names: &[&str], v: &U256| {
        let index = usize::try_from(*v).unwrap_or(usize::MAX);
        names
            .get(index)
            .map_or_else(|| v.to_string(), |n| (*n).to_owned())
    };
    match value {
        DynSolValue::Uint(v, _) => match kind.rsplit(['.', ' ']).next().unwrap_or_default() {
            "JobStatus" => enumeration(JOB_STATUS, v),
            "ClaimStatus" => enumeration(CLAIM_STATUS, v),
            "EpochStatus" => enumeration(EPOCH_STATUS, v),
            "DisputeStatus" => enumeration(DISPUTE_STATUS, v),
            "ChallengeStatus" => enumeration(CHALLENGE_STATUS, v),
            "Mode" => enumeration(MODE, v),
            _ if param.name == "target" => target(u64::try_from(*v).unwrap_or(u64::MAX)),
            _ => match u64::try_from(*v) {
                Ok(time) if time >= FIRST_TIME && TIMES.contains(&param.name.as_str()) => utc(time),
                _ => v.to_string(),
            },
        },
        DynSolValue::Address(a) => a.to_string(),
        DynSolValue::FixedBytes(word, _) => word.to_string(),
        DynSolValue::Bool(b) => b.to_string(),
        DynSolValue::String(s) => s.clone(),
        DynSolValue::Bytes(b) => Bytes::copy_from_slice(b).to_string(),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            let list: Vec<String> = values.iter().map(|v| text(&Param::default(), v)).collect();
            list.join(" ")
        }
        // A struct, or a tuple without a name.
        other => match other.as_fixed_seq() {
            Some(values) => {
                let fields = param.components.iter().zip(values);
                let list: Vec<String> = fields
                    .map(|(field, value)| format!("{} {}", field.name, text(field, value)))
                    .collect();
                list.join(", ")
            }
            None => format!("{other:?}"),
        },
    }
}

/// What a challenge is of, as people say it.
pub fn target(target: u64) -> String {
    match target {
        WHOLE => "the whole claim".into(),
        OUTPUT => "the output".into(),
        layer => format!("layer {layer}"),
    }
}

/// Name of a job's status.
pub fn job_status(status: u8) -> &'static str {
    JOB_STATUS.get(usize::from(status)).unwrap_or(&"unknown")
}

/// Name of a claim's status.
pub fn claim_status(status: u8) -> &'static str {
    CLAIM_STATUS.get(usize::from(status)).unwrap_or(&"unknown")
}

/// Name of a challenge's status.
pub fn challenge_status(status: u8) -> &'static str {
    CHALLENGE_STATUS
        .get(usize::from(status))
        .unwrap_or(&"unknown")
}

/// Name of a settlement mode.
pub fn mode(mode: u8) -> &'static str {
    MODE.get(usize::from(mode)).unwrap_or(&"unknown")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bindings::{book, escrow, market};
    use alloy::primitives::{Address, B256};
    use std::collections::BTreeSet;

    #[test]
    fn every_error_has_a_sentence_and_every_sentence_an_error() {
        let names: BTreeSet<&str> = artifacts::all()
            .iter()
            .flat_map(|a| a.abi.errors())
            .map(|e| e.name.as_str())
            .collect();
        let sentences: BTreeSet<&str> = SENTENCES.iter().map(|(n, _)| *n).collect();
        assert_eq!(sentences.len(), SENTENCES.len(), "one sentence each");
        let missing: Vec<_> = names.difference(&sentences).collect();
        assert!(missing.is_empty(), "without a sentence: {missing:?}");
        let stale: Vec<_> = sentences.difference(&names).collect();
        assert!(stale.is_empty(), "of no error: {stale:?}");
    }

    #[test]
    fn sentences_name_arguments_that_are_there() {
        for error in artifacts::all().iter().flat_map(|a| a.abi.errors()) {
            let arguments: Vec<_> = error
                .inputs
                .iter()
                .map(|i| (i.name.clone(), "x".into()))
                .collect();
            let text = sentence(&error.name, &arguments);
            assert!(!text.contains('{'), "{}: {text}", error.name);
        }
    }

    #[test]
    fn errors_are_decoded() {
        let job = B256::repeat_byte(7);
        let data = market::WrongJobStatus {
            job,
            expected: 1,
            got: 2,
        }
        .abi_encode();
        let revert = Revert::decode(&data);
        assert_eq!(revert.name, "WrongJobStatus");
        assert_eq!(
            revert.to_string(),
            format!("the job {job} is locked, it must be open (WrongJobStatus)")
        );
        let data = book::NotYet {
            from: 1_700_000_000,
        }
        .abi_encode();
        assert!(
            Revert::decode(&data)
                .message
                .contains("2023-11-14 22:13:20 UTC")
        );
        // Amounts and durations as people write them.
        let data = escrow::InsufficientFree {
            account: Address::repeat_byte(1),
            asset: Address::ZERO,
            needed: U256::from(10u64.pow(17)),
            available: U256::ZERO,
        };
        let message = Revert::decode(&data.abi_encode()).message;
        assert!(
            message.contains("is 0 ETH, 0.1 ETH are needed"),
            "{message}"
        );
        let data = market::BadDuration {
            field: "answerWindow".into(),
            min: U256::from(60),
            max: U256::from(604_800),
            got: U256::from(5),
        };
        let message = Revert::decode(&data.abi_encode()).message;
        assert!(
            message.contains("is 5 s, it must be 1 min to 7 d"),
            "{message}"
        );
        let data = book::AnswerWindowOver {
            claim: job,
            target: U256::from(256),
            answerBy: 1_700_000_000,
        };
        let message = Revert::decode(&data.abi_encode()).message;
        assert!(
            message.starts_with(
                "answers of the challenge of the output were possible until 2023-11-14"
            ),
            "{message}"
        );
        assert_eq!(
            Revert::decode(&Message::from("why").abi_encode()).to_string(),
            "why"
        );
        assert!(Revert::decode(&[]).message.contains("without saying why"));
        assert!(
            Revert::decode(&[1, 2, 3, 4, 5])
                .message
                .contains("0x0102030405")
        );
        // Data of a known error that is cut.
        let data = market::UnknownJob { job }.abi_encode();
        assert!(
            Revert::decode(&data[..20])
                .message
                .contains("no known error")
        );
    }
}
