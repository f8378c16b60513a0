//! The library's account does what the commands do, and refuses what they refuse.

use crate::anvil::*;
use crate::common::*;
use crate::modes::WAIVED;
use crate::read;
use crate::world::*;
use nanozk_chain::account::Account;
use nanozk_chain::deployment::{Deployment, Parameters, deploy};
use nanozk_chain::policy::{self, Wishes};
use nanozk_chain::primitives::{Address, B256, U256, keccak256};
use nanozk_chain::request::RequestFile;
use nanozk_chain::{Client, Error};
use nanozk_verifier::{CheckedManifest, Claim, FinalFile};

fn client(w: &World, key: &str) -> Client {
    Client::connect(&w.anvil.url(), Some(key.parse().unwrap())).unwrap()
}

#[track_caller]
fn mismatch<T: std::fmt::Debug>(result: Result<T, Error>, words: &str) {
    match result {
        Err(Error::Mismatch(reason)) => assert!(reason.contains(words), "{reason}"),
        other => panic!("no {words:?}: {other:?}"),
    }
}

#[test]
fn an_account_settles() {
    let w = World::new();
    let contracts: Deployment = read(&w.deployment);
    let clients = [CURATOR, REQUESTER, PROVIDER].map(|key| client(&w, key));
    let [owner, requester, provider] = &clients;
    let by = |client| Account::new(client, &contracts).unwrap();

    // What the commands registered and signed is the same.
    let manifest = read(&fixture().model.join("manifest.json"));
    let manifest = CheckedManifest::new(manifest).unwrap();
    let (file, _) = w.request(&WAIVED);
    let request: RequestFile = read(&file);
    let order = request.request.clone();
    let terms = policy::terms(&manifest, &Wishes::default()).unwrap();
    let version = by(owner).register(&manifest, &terms).unwrap();
    assert_eq!(version, order.version);
    let prompt = (request.prompt.clone(), request.input_salt);
    let signed = by(requester).sign(&manifest, order, prompt).unwrap();
    assert_eq!(signed, request);

    let [free, bonded] = w.balance(PROVIDER);
    by(provider).deposit(U256::from(5)).unwrap();
    by(provider).bond(U256::from(3)).unwrap();
    assert_eq!(w.balance(PROVIDER), [free + 2, bonded + 3]);
    assert!(by(provider).bond(U256::from(free + 3)).is_err());

    // A request of other contracts, and one whose prompt is another, hold nothing.
    let mut other = request.clone();
    other.chain = 1;
    mismatch(by(requester).open(&other), "the request is for chain 1");
    let mut other = request.clone();
    other.prompt[0] ^= 1;
    assert!(by(requester).open(&other).is_err());
    by(requester).open(&request).unwrap();

    // No stake is held for a session that does not answer it, and no such session claimed.
    let session = w.run(fixture(), &file);
    let claim: Claim = read(&session.join("claim.json"));
    let mut short = claim.clone();
    short.generated_tokens -= 1;
    mismatch(by(provider).lock(&request, &short), "generated 3 tokens");
    let mut elsewhere = claim.clone();
    elsewhere.context.claim.0[0] ^= 1;
    mismatch(by(provider).lock(&request, &elsewhere), "of another job");
    by(provider).lock(&request, &claim).unwrap();
    mismatch(by(provider).post(&short), "generated 3 tokens");
    assert!(by(requester).post(&claim).is_err(), "another's job");
    let posted = by(provider).post(&claim).unwrap();
    let status = by(requester).status(&posted).unwrap();
    assert!(status.starts_with("Posted"), "{status}");

    w.prove(&session, "all");
    let proof: FinalFile = read(&session.join("final.json"));
    mismatch(by(provider).prove(&proof, &[]), "0 are given");
    let claims = [(&posted, &manifest)];
    by(provider).prove(&proof, &claims).unwrap();
    let status = by(requester).status(&posted).unwrap();
    assert!(status.starts_with("Proven"), "{status}");
}

#[test]
fn an_account_deploys() {
    let w = World::empty(&[]);
    let owner = client(&w, CURATOR);
    let parameters = Parameters {
        guardian: owner.account().unwrap(),
        assets: vec![Address::ZERO],
        unbond_delay: 86_400,
        beacon_delay: Some(72),
        challenge_window: 43_200,
        answer_window: 14_400,
        salt: keccak256("nanozk"),
    };
    let contracts = deploy(&owner, &parameters).unwrap();
    let block = w.anvil.block();
    // The command finds them, and so does a second run.
    w.ok(CURATOR, &["deploy"]);
    let found: Deployment = read(&w.deployment);
    let addresses = |of: &Deployment| -> Vec<Address> {
        of.contracts
            .values()
            .map(|contract| contract.address)
            .collect()
    };
    assert_eq!(addresses(&found), addresses(&contracts));
    deploy(&owner, &parameters).unwrap();
    assert_eq!(w.anvil.block(), block);

    let account = Account::new(&owner, &contracts).unwrap();
    assert!(account.terms(B256::ZERO).is_err(), "no such version");
    let elsewhere = Deployment {
        chain_id: 1,
        ..contracts.clone()
    };
    let refused = Account::new(&owner, &elsewhere);
    assert!(
        matches!(refused, Err(Error::WrongChain { .. })),
        "{refused:?}"
    );
}
