use super::answers::{Answer, Closed, EPOCH_FORMAT, EpochReceipt, Folder, Header};
use super::paths::Paths;
use super::voucher::{VOUCHER_FORMAT, Voucher};
use super::*;
use crate::signing::sign;
use alloy::primitives::Bytes;
use alloy::signers::local::PrivateKeySigner;
use nanozk_poseidon::sequence_digests;
use nanozk_verifier::encoding::scalar_from_bytes;
use nanozk_verifier::hex::Scalar;
use std::path::Path;

#[test]
fn words_are_taken_apart() {
    let terms = Terms {
        number: 7,
        count: 100_000,
        draws: 64,
        committed_at: (1 << 40) - 1,
        draw_block: (1 << 48) - 2,
        exposure: (U256::from(1) << 88) - U256::from(3),
    };
    assert_eq!(Terms::of(terms.pack()), terms);
    let asked = Terms::asked(1, 2, 3);
    assert_eq!(asked.pack() >> 80, U256::ZERO);
    assert_eq!(Terms::of(asked.pack()), asked);
}

#[test]
fn type_strings_are_those_of_the_format() {
    assert_eq!(
        AnswerReceipt::eip712_encode_type(),
        "AnswerReceipt(address provider,bytes32 version,uint32 epoch,uint32 index,address requester,\
         bytes32 inputDigest,bytes32 outputDigest,uint32 promptTokens,uint32 newTokens,bytes32 decoding,\
         bytes32 seedDigest)"
    );
    assert_eq!(
        epochs::Voucher::eip712_encode_type(),
        "Voucher(address requester,address provider,bytes32 version,uint16 round,uint24 epoch,uint88 amount,\
         uint32 answers)"
    );
    assert_eq!(
        typed::Commit::eip712_encode_type(),
        "Commit(address provider,bytes32 version,address page,bytes32 statements,bytes32 receipts,uint256 terms)"
    );
}

const PROVIDER: u8 = 1;
const REQUESTER: u8 = 2;

fn key(of: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(of)).expect("a key")
}

fn header() -> Header {
    Header {
        format: EPOCH_FORMAT.into(),
        books: Books {
            chain_id: 7,
            book: Address::repeat_byte(0xb0),
            disputes: Address::repeat_byte(0xd1),
        },
        line: Line {
            provider: key(PROVIDER).address(),
            version: B256::repeat_byte(9),
        },
        number: 3,
        model_id: Digest32([5; 32]),
        positions: 8,
    }
}

fn answer(first: u32, requester: u8) -> Answer {
    let tokens = vec![first, 2, 3, 4];
    let salts = [6, 7].map(|byte| Scalar(scalar_from_bytes(&[byte; 32]).expect("reduced")));
    let mut padded = tokens.clone();
    padded.resize(8, 0);
    Answer {
        requester: key(requester).address(),
        seed: Digest32([first as u8; 32]),
        prompt: 3,
        tokens,
        salts,
        digests: sequence_digests(&padded, 3, 1, salts.map(|s| s.0)).map(Scalar),
    }
}

/// A folder of five answers, of which the requester's are the first, the third and the last; and the epoch as it is on chain.
fn folder(path: &Path) -> (Folder, Committed) {
    let mut folder = Folder::create(path, header()).expect("created");
    for i in 0..5 {
        let requester = if i % 2 == 0 { REQUESTER } else { 8 };
        assert_eq!(folder.append(&[answer(i, requester)]).expect("written"), i);
    }
    let trees = folder.trees(5).expect("trees");
    let terms = Terms::asked(3, 5, 2);
    let epoch = Epoch {
        provider: header().line.provider,
        version: header().line.version,
        page: Address::ZERO,
        statements: trees.statements.root(),
        receipts: trees.receipts.root(),
        terms: terms.pack(),
    };
    (
        folder,
        Committed {
            id: id(&epoch),
            epoch,
            terms,
        },
    )
}

#[test]
fn answers_are_kept_until_the_epoch_is_closed() {
    let dir = tempfile::tempdir().expect("made");
    let path = dir.path().join("epoch");
    let (mut folder, committed) = folder(&path);
    // One process at a time.
    let busy = Folder::open(&path).expect_err("busy").to_string();
    assert!(busy.contains("another process"), "{busy}");
    assert!(Folder::create(&path, header()).is_err());
    assert_eq!(
        folder.close(2).expect("closed"),
        Closed { count: 5, draws: 2 }
    );
    // What is closed stays so.
    assert_eq!(
        folder.close(3).expect("closed"),
        Closed { count: 5, draws: 2 }
    );
    let refused = folder
        .append(&[answer(9, REQUESTER)])
        .expect_err("closed")
        .to_string();
    assert!(refused.contains("closed"), "{refused}");
    drop(folder);
    let folder = Folder::open(&path).expect("there");
    assert_eq!((folder.count(), folder.header()), (5, &header()));
    assert_eq!(
        folder.some(&[1, 4]).expect("there"),
        [answer(1, 8), answer(4, REQUESTER)]
    );
    assert_eq!(
        folder.trees(5).expect("trees").statements.root(),
        committed.epoch.statements
    );
    for count in [0, 6] {
        assert!(folder.trees(count).is_err(), "{count}");
    }
    drop(folder);
    // Only its owner reads prompts and seeds.
    #[cfg(unix)]
    {
        let metadata = std::fs::metadata(path.join("answers.jsonl")).expect("there");
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        assert_eq!(mode & 0o077, 0);
    }
    // A damaged line is named; one that was not written to its end never was.
    let lines = std::fs::read_to_string(path.join("answers.jsonl")).expect("text");
    std::fs::write(
        path.join("answers.jsonl"),
        lines.replacen("prompt", "prompts", 2) + "{",
    )
    .expect("written");
    let folder = Folder::open(&path).expect("there");
    assert_eq!(folder.count(), 5);
    let damaged = folder.trees(5).expect_err("damaged").to_string();
    assert!(damaged.contains("line 1"), "{damaged}");
}

#[test]
fn receipts_say_what_was_signed() {
    let honest = EpochReceipt::signed(&header(), &answer(1, REQUESTER), 4, &key(PROVIDER));
    let signed = honest.check().expect("its own");
    assert_eq!(
        header().books.receipt(&signed),
        header()
            .books
            .receipt(&answer(1, REQUESTER).receipt(&header(), 4))
    );
    type Change = fn(&mut EpochReceipt);
    let changes: [Change; 13] = [
        |r| r.books.chain_id += 1,
        |r| r.books.disputes = Address::ZERO,
        |r| r.line.provider = key(REQUESTER).address(),
        |r| r.line.version = B256::ZERO,
        |r| r.epoch += 1,
        |r| r.index += 1,
        |r| r.requester = Address::ZERO,
        |r| r.seed_digest = Digest32([0; 32]),
        |r| r.opening.prompt[0] += 1,
        |r| r.opening.generated[0] += 1,
        |r| r.opening.input_salt = r.opening.output_salt,
        |r| r.signature = Bytes::new(),
        |r| r.format = "nanozk-epoch-receipt-0".into(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut other = honest.clone();
        change(&mut other);
        assert!(other.check().is_err(), "{i}");
    }
    // Tokens that fit no session are no answer.
    let mut long = honest;
    long.opening.generated = vec![1; 6];
    assert!(long.check().is_err());
}

#[test]
fn paths_lead_to_what_was_committed_to() {
    let dir = tempfile::tempdir().expect("made");
    let (folder, committed) = folder(dir.path());
    let requester = key(REQUESTER).address();
    let paths = Paths::of(&folder, 5, requester, None).expect("paths");
    assert_eq!(paths.answers, [0, 2, 4]);
    let receipts = [0, 2, 4].map(|i| answer(i, REQUESTER).receipt(&header(), i));
    let model = header().model_id;
    paths
        .check(&committed, model, &receipts)
        .expect("they are there");
    let few = Paths::of(&folder, 5, requester, Some(&[2])).expect("paths");
    few.check(&committed, model, &receipts[1..2])
        .expect("it is there");
    assert!(
        Paths::of(&folder, 5, Address::ZERO, None)
            .expect("paths")
            .answers
            .is_empty()
    );
    // Another model, fewer receipts, another answer in its place, another place, another epoch.
    assert!(
        paths
            .check(&committed, Digest32([6; 32]), &receipts)
            .is_err()
    );
    assert!(paths.check(&committed, model, &receipts[..2]).is_err());
    assert!(paths.check(&committed, model, &[]).is_err());
    type Change = fn(&mut [AnswerReceipt; 3]);
    let changes: [Change; 5] = [
        |r| r[1].outputDigest = B256::ZERO,
        |r| r[1].newTokens += 1,
        |r| r[1].seedDigest = B256::ZERO,
        |r| r[1].index = 1,
        |r| r[1].epoch = 2,
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut other = receipts.clone();
        change(&mut other);
        assert!(paths.check(&committed, model, &other).is_err(), "{i}");
    }
    // The seed is not in the statement: only the tree over receipts tells it.
    let mut other = committed.clone();
    other.epoch.receipts = B256::ZERO;
    assert!(paths.check(&other, model, &receipts).is_err());
    let mut other = committed;
    other.epoch.statements = B256::ZERO;
    assert!(paths.check(&other, model, &receipts).is_err());
}

#[test]
fn vouchers_are_of_one_line() {
    let Header { books, line, .. } = header();
    let voucher = Voucher {
        format: VOUCHER_FORMAT.into(),
        books,
        line,
        requester: Address::ZERO,
        round: 1,
        epoch: 3,
        amount: U256::from(100),
        answers: 5,
        signature: Bytes::new(),
    };
    let honest = voucher.signed(&key(REQUESTER)).expect("signed");
    assert_eq!(honest.requester, key(REQUESTER).address());
    honest.payment(&books, &line, false).expect("its own");
    type Change = fn(&mut Voucher);
    let changes: [Change; 8] = [
        |v| v.amount += U256::from(1),
        |v| v.answers += 1,
        |v| v.epoch += 1,
        |v| v.round += 1,
        |v| v.requester = Address::ZERO,
        |v| v.line.version = B256::ZERO,
        |v| v.books.book = Address::ZERO,
        |v| v.format = "nanozk-voucher-0".into(),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let mut other = honest.clone();
        change(&mut other);
        assert!(other.payment(&books, &line, false).is_err(), "{i}");
    }
    // Contracts check signatures of contracts.
    let mut contract = honest.clone();
    contract.signature = sign(&key(PROVIDER), B256::ZERO).into();
    assert!(contract.payment(&books, &line, false).is_err());
    assert!(contract.payment(&books, &line, true).is_ok());
    for change in [(|v| v.amount = U256::from(1) << 88) as Change, |v| {
        v.epoch = 1 << 24
    }] {
        let mut beyond = honest.clone();
        change(&mut beyond);
        assert!(beyond.signed(&key(REQUESTER)).is_err());
    }
}
