use super::*;
use crate::facts::id_of;
use alloy::primitives::U256;
use alloy::primitives::keccak256;
use nanozk_chain::bindings::book;

async fn store() -> (Store, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("relayer.db").display());
    let store = Store::open(&url, Arc::new(|_| {})).await.expect("opens");
    (store, folder)
}

fn intent(claim: B256, action: &str) -> Intent {
    let data = Bytes::from_static(&[1, 2, 3]);
    Intent::new(claim, action.into(), action.into(), Address::ZERO, data)
}

fn attempt(intent: &Intent, nonce: u64, fee: u128) -> Attempt {
    Attempt {
        hash: keccak256(format!("{} {nonce} {fee}", intent.id)),
        intent: intent.id.clone(),
        nonce,
        cancels: false,
        raw: Bytes::new(),
        max_fee: fee,
        priority_fee: 1,
        data_fee: U256::ZERO,
        signed_block: 1,
    }
}

/// Plans, and gives it with its id.
async fn plan(store: &Store, claim: B256, action: &str) -> Intent {
    let planned = store.plan(&intent(claim, action), 1).await;
    assert!(planned.expect("written"));
    let all = store.intents_of(claim).await.expect("read");
    let planned = |i: &Intent| i.action == action && i.status == Status::Planned;
    all.into_iter().find(planned).expect("there")
}

/// In block 9.
fn included() -> Inclusion {
    Inclusion {
        tx: B256::ZERO,
        block: 9,
        block_time: 90,
        gas_used: 1,
        fee: U256::ONE,
        status: Status::Included,
        error: None,
        postings: Vec::new(),
    }
}

async fn only(store: &Store, claim: B256) -> Intent {
    let mut all = store.intents_of(claim).await.expect("read");
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

#[tokio::test]
async fn an_intent_has_one_nonce() {
    let (store, _folder) = store().await;
    let claim = B256::repeat_byte(1);
    assert_eq!(store.next_nonce().await.expect("read"), 0);
    let post = plan(&store, claim, "post").await;
    store
        .signed(&attempt(&post, 5, 10), 1)
        .await
        .expect("signed");
    // A replacement has the same; another is of a relayer that lost the lock.
    store
        .signed(&attempt(&post, 5, 20), 1)
        .await
        .expect("replaced");
    let other = store.signed(&attempt(&post, 6, 30), 1).await;
    assert!(matches!(other, Err(Error::Locked(_))), "{other:?}");
    assert_eq!(only(&store, claim).await.nonce, Some(5));
    assert_eq!(store.attempts(&post.id).await.expect("read").len(), 2);
    assert_eq!(store.next_nonce().await.expect("read"), 6);
    assert!(!store.used(5).await.expect("read"), "not in a block yet");

    store.included(&post, &included()).await.expect("written");
    // A node that is behind would say 5.
    assert_eq!(store.next_nonce().await.expect("read"), 6);
    assert!(store.used(5).await.expect("read"));
    let again = store.signed(&attempt(&post, 6, 30), 1).await;
    assert!(matches!(again, Err(Error::Locked(_))), "{again:?}");
}

#[tokio::test]
async fn reorganizations_undo_what_was_said_of_nonces() {
    let (store, _folder) = store().await;
    let claim = B256::repeat_byte(1);
    let post = plan(&store, claim, "post").await;
    store
        .signed(&attempt(&post, 5, 10), 1)
        .await
        .expect("signed");
    store.displaced(&post, 9).await.expect("written");
    assert_eq!(store.next_nonce().await.expect("read"), 0, "it has none");
    assert_eq!(store.displaced_above(8).await.expect("read").len(), 1);
    assert_eq!(store.displaced_above(9).await.expect("read").len(), 0);
    store.rewind(9).await.expect("written");
    assert_eq!(only(&store, claim).await.status, Status::Displaced);
    store.rewind(8).await.expect("written");
    let undone = only(&store, claim).await;
    assert_eq!((undone.status, undone.nonce), (Status::Signed, Some(5)));
    assert_eq!(undone.error, None);
}

#[tokio::test]
async fn what_is_dropped_does_not_pile_up() {
    let (store, _folder) = store().await;
    let claim = B256::repeat_byte(1);
    for n in 0..5 {
        let post = plan(&store, claim, "post").await;
        assert_eq!(number_of(&post.id), n);
        store
            .hold_intent(&post.id, "too\0 poor")
            .await
            .expect("written");
        assert_eq!(
            only(&store, claim).await.error.as_deref(),
            Some("too  poor")
        );
        // Not wanted any more is no refusal.
        store.drop_unwanted(claim, &[]).await.expect("written");
        assert_eq!(only(&store, claim).await.error, None);
    }
    let post = plan(&store, claim, "post").await;
    let reason = "x".repeat(5_000);
    store
        .drop_intent(&post.id, Some(&reason))
        .await
        .expect("written");
    let error = only(&store, claim).await.error;
    assert_eq!(
        error.map(|e| e.chars().count()),
        Some(1_001),
        "with an ellipsis"
    );
}

#[tokio::test]
async fn what_happened_comes_before_what_is_only_due_for_a_look() {
    let (store, _folder) = store().await;
    let ids: Vec<B256> = (1..=3).map(B256::repeat_byte).collect();
    for (id, due) in ids.iter().zip([0, 0, 700]) {
        let added = store.add_claim(*id, Role::Provider, "d", 1).await;
        assert!(added.expect("written"));
        let look = Look {
            facts: None,
            ended: false,
            wake: 2,
            due,
            next: "a\0b".into(),
            error: None,
            failed: false,
            now: 1,
            block: 1,
        };
        store.looking(*id).await.expect("written");
        store.looked(*id, &look).await.expect("written");
    }
    store.touch(&ids[1..2]).await.expect("written");
    let awake = store.awake(10, 9).await.expect("read");
    assert_eq!(awake, [ids[2], ids[1], ids[0]]);
    assert_eq!(store.awake(1, 9).await.expect("read"), [ids[1]]);
    let row = store.claim(ids[0]).await.expect("read").expect("there");
    assert_eq!(row.next, "a b");
}

#[tokio::test]
async fn what_happens_to_a_claim_that_ended_is_looked_at() {
    let (store, _folder) = store().await;
    let ids: Vec<B256> = (1..=2).map(B256::repeat_byte).collect();
    let look = |block| Look {
        facts: None,
        ended: true,
        wake: 2,
        due: 0,
        next: String::new(),
        error: None,
        failed: false,
        now: 1,
        block,
    };
    let end = async |id: B256, block| {
        store.looking(id).await.expect("written");
        store.looked(id, &look(block)).await.expect("written");
    };
    for (id, block) in ids.iter().zip([7, 8]) {
        let added = store.add_claim(*id, Role::Provider, "d", 1).await;
        assert!(added.expect("written"));
        end(*id, block).await;
    }
    assert!(store.awake(10, 9).await.expect("read").is_empty());
    // An event, of which all that is known is its claim.
    let block = |number| Block {
        number,
        hash: B256::repeat_byte(9),
        parent: B256::ZERO,
    };
    let advanced = store.advance(&[block(9)], &ids[..1], &[]).await;
    advanced.expect("written");
    assert_eq!(store.awake(10, 9).await.expect("read"), [ids[0]]);
    end(ids[0], 7).await;
    // Blocks whose events are not read.
    store.touch_all(8).await.expect("written");
    assert_eq!(store.awake(10, 9).await.expect("read"), [ids[1]]);
}

/// Looks at all that is dirty, and gives it.
async fn looked_at(store: &Store) -> Vec<B256> {
    let awake = store.awake(10, 9).await.expect("read");
    let look = Look {
        facts: None,
        ended: false,
        wake: 100,
        due: 0,
        next: String::new(),
        error: None,
        failed: false,
        now: 1,
        block: 1,
    };
    for id in &awake {
        store.looking(*id).await.expect("written");
        store.looked(*id, &look).await.expect("written");
    }
    let mut awake = awake;
    awake.sort();
    awake
}

#[tokio::test]
async fn a_final_proof_is_of_all_its_claims() {
    let (store, _folder) = store().await;
    let ids: Vec<B256> = (1..=3).map(B256::repeat_byte).collect();
    for id in &ids {
        let added = store.add_claim(*id, Role::Provider, "d", 1).await;
        assert!(added.expect("written"));
    }
    assert_eq!(looked_at(&store).await, ids);
    let proof = B256::repeat_byte(9);
    let claims = [(ids[0], vec![0]), (ids[1], vec![1, 2])];
    for _ in 0..2 {
        let added = store.add_final(proof, "f", &claims).await;
        added.expect("written");
    }
    assert_eq!(looked_at(&store).await, ids[..2], "they can go on");
    let of = |id| store.finals_of(id);
    let second = of(ids[1]).await.expect("read");
    assert_eq!(
        second,
        [Final {
            id: proof,
            path: "f".into(),
            layers: [1, 2].into(),
            claims: 2
        }]
    );
    assert!(of(ids[2]).await.expect("read").is_empty());

    // Whoever is the first plans it; it is due when the first of them is.
    let planned = |deadline| Intent {
        deadline,
        ..intent(proof, "prove")
    };
    assert!(store.plan(&planned(700), 1).await.expect("written"));
    assert!(!store.plan(&planned(500), 1).await.expect("written"));
    assert!(!store.plan(&planned(600), 1).await.expect("written"));
    for id in &ids[..2] {
        assert_eq!(only(&store, *id).await.deadline, 500);
    }
    let none = store.intents_of(ids[2]).await;
    assert!(none.expect("read").is_empty());

    // It is dropped once nobody wants it.
    let wanted = [(proof, "prove".to_owned())];
    store.drop_unwanted(ids[0], &[]).await.expect("written");
    store.drop_unwanted(ids[1], &wanted).await.expect("written");
    assert_eq!(only(&store, ids[0]).await.status, Status::Planned);
    store.drop_unwanted(ids[1], &[]).await.expect("written");
    assert_eq!(only(&store, ids[0]).await.status, Status::Dropped);

    // What becomes of it concerns all of them.
    let again = plan(&store, proof, "prove").await;
    store
        .signed(&attempt(&again, 5, 10), 1)
        .await
        .expect("signed");
    store.included(&again, &included()).await.expect("written");
    assert_eq!(looked_at(&store).await, ids[..2]);
}

#[tokio::test]
async fn what_was_posted_goes_with_its_block() {
    let (store, _folder) = store().await;
    let (job, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
    let added = store.add_claim(job, Role::Watcher, "d", 1).await;
    assert!(added.expect("written"));
    looked_at(&store).await;
    let posting = |job: B256, n: u8, block| {
        let mut claim = book::Claim::abi_decode(&[0; 32].repeat(64)).expect("words");
        (claim.job, claim.point) = (job, U256::from(n));
        let id = id_of(&claim);
        let points = vec![U256::from(n), U256::MAX];
        Posting {
            posted: Posted {
                id,
                provider: Address::repeat_byte(n),
                claim,
                points,
            },
            block,
        }
    };
    let all = [posting(job, 1, 7), posting(job, 2, 8), posting(other, 3, 8)];
    let block = |number| Block {
        number,
        hash: B256::with_last_byte(number as u8),
        parent: B256::with_last_byte(number as u8 - 1),
    };
    let advanced = store.advance(&[block(7), block(8)], &[], &all).await;
    advanced.expect("written");
    let ids = async || -> Vec<B256> {
        let known = store.posted_of(job).await.expect("read");
        known.iter().map(|p| p.posted.id).collect()
    };
    assert_eq!(ids().await, [all[1].posted.id, all[0].posted.id]);
    let known = store.posted_of(job).await.expect("read");
    assert_eq!(
        (known[0].block, &known[0].posted.points),
        (8, &all[1].posted.points)
    );
    let stranger = store.posted_of(other).await.expect("read");
    assert!(stranger.is_empty(), "its job is not known");
    // An event names the claim, which is the job's.
    let id = all[0].posted.id;
    let advanced = store.advance(&[block(9)], &[id], &[]).await;
    advanced.expect("written");
    assert_eq!(looked_at(&store).await, [job]);
    store.rewind(7).await.expect("written");
    assert_eq!(ids().await, [id]);
}
