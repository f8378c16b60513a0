//! Settles a claim by a final proof, on a chain of this machine: the contracts are deployed, a requester orders an answer, a
//! provider claims it, proves it and is paid.
//!
//! ```text
//! script/packages                                  # anvil, from npm
//! script/local-chain start work/chain              # its address and funded accounts are files in work/chain
//! cargo run --release -p nanozk --features prove,chain --example settle_on_anvil -- work/chain work/example
//! script/local-chain stop work/chain
//! ```
//!
//! `work/example` is what the example `prove_layer` made: the model and its setup.

use nanozk::chain::Client;
use nanozk::chain::account::Account;
use nanozk::chain::deployment::{Parameters, deploy};
use nanozk::chain::policy::{self, Wishes};
use nanozk::chain::primitives::{Address, B256, U256};
use nanozk::chain::request::JobRequest;
use nanozk::prover::session::random_salt;
use nanozk::verifier::hex::Scalar;
use nanozk::{Finisher, Model, Setups};
use rand_core::OsRng;
use std::error::Error;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [chain, work] = &arguments[..] else {
        return Err("usage: settle_on_anvil CHAIN DIR".into());
    };
    let owner = node(chain, "owner")?;
    let (requester, provider) = (node(chain, "requester")?, node(chain, "provider")?);

    // The contracts: those that are there from an earlier run are kept.
    let parameters = Parameters {
        guardian: owner.account()?,
        assets: vec![Address::ZERO],
        unbond_delay: 86_400,
        beacon_delay: None,
        challenge_window: 43_200,
        answer_window: 14_400,
        salt: B256::ZERO,
    };
    let contracts = deploy(&owner, &parameters)?;
    let by_requester = Account::new(&requester, &contracts)?;
    let by_provider = Account::new(&provider, &contracts)?;

    // A model, under terms under which cheating loses; the requester's money, and the provider's.
    let model = Model::load(work.join("model"))?;
    let terms = policy::terms(model.manifest(), &Wishes::default())?;
    let version = Account::new(&owner, &contracts)?.register(model.manifest(), &terms)?;
    let (price, stake) = (U256::from(10_u64.pow(16)), U256::from(terms.policy.stake));
    by_requester.deposit(price)?;
    by_provider.deposit(stake)?;
    by_provider.bond(stake)?;

    // An order, signed by the requester. The file has the prompt and its salt: it is for the provider only.
    let now = requester.head()?.timestamp;
    let order = JobRequest {
        provider: provider.account()?,
        version,
        new_tokens: 4,
        price,
        lock_by: now + 600,
        claim_by: now + 7_200,
        answer_window: 3_600,
        nonce: U256::from(now),
        ..JobRequest::default()
    };
    let prompt = model.tokens("Ownership is")?;
    let prompt = (prompt, Scalar(random_salt(&mut OsRng)));
    let request = by_requester.sign(model.manifest(), order, prompt)?;
    by_requester.open(&request)?;

    // The provider answers, takes the job, and claims the answer.
    let setups = Setups::new(work.join("setups"));
    let k = model.manifest().manifest().k;
    let parameters = setups.final_parameters(model.manifest(), k)?;
    let session = work.join(format!("job-{}", request.job));
    let session = model.run(&model.task(&request, None)?, session, &parameters)?;
    let claim = session.claim()?;
    by_provider.lock(&request, claim.claim())?;
    let posted = by_provider.post(claim.claim())?;
    println!("{}", by_requester.status(&posted)?);

    // One proof of all layers settles it, and the provider is paid.
    let finisher = Finisher::new(&parameters)?;
    let file = session.finish(&model.layers(), &finisher, &parameters)?;
    let receipt = by_provider.prove(&file, &[(&posted, model.manifest())])?;
    println!("{}: {} gas", receipt.what, receipt.gas);
    println!("{}", by_requester.status(&posted)?);

    // The provider hands over the answer, which the requester compares with the claim.
    let output = session.output()?;
    let positions = model.manifest().manifest().tokens as u32;
    output.open(&request, positions, posted.claim.outputDigest)?;
    println!("{:?}", model.tokenizer().decode(&output.tokens)?);
    Ok(())
}

/// A node, with the key of an account that `script/local-chain` made.
fn node(chain: &Path, name: &str) -> Result<Client> {
    let key = std::fs::read_to_string(chain.join(format!("{name}.key")))?;
    let rpc = std::fs::read_to_string(chain.join("rpc"))?;
    Ok(Client::connect(rpc.trim(), Some(key.trim().parse()?))?)
}
