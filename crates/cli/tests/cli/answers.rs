//! A requester reads its answer: `nanozk output open`, on what `nanozk run --request` writes.

use crate::common::*;
use crate::tempdir;
use nanozk_chain::PrivateKeySigner;
use nanozk_chain::primitives::{Address, B256, Bytes, U256};
use nanozk_chain::request::{JobRequest, Mode, REQUEST_FORMAT, RequestFile};
use nanozk_chain::signing::sign;
use nanozk_prover::session::input_digest;
use nanozk_verifier::encoding::{scalar_from_bytes, scalar_to_bytes};
use nanozk_verifier::hex::Scalar;
use serde_json::{Value, json};
use std::path::Path;

/// A signed request for the fixture's model.
fn request(to: &Path, nonce: u64) {
    let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(1)).unwrap();
    let prompt: Vec<u32> = PROMPT.bytes().map(|b| u32::from(b - b' ')).collect();
    let salt = scalar_from_bytes(&[7; 32]).unwrap();
    let digest = scalar_to_bytes(&input_digest(&prompt, 8, salt));
    let mut file = RequestFile {
        format: REQUEST_FORMAT.into(),
        chain: 31337,
        market: Address::repeat_byte(1),
        claim_book: Address::repeat_byte(2),
        job: B256::ZERO,
        model_id: fixture().id.parse().unwrap(),
        request: JobRequest {
            requester: signer.address(),
            provider: Address::repeat_byte(3),
            version: B256::repeat_byte(4),
            input_digest: digest.into(),
            prompt_tokens: prompt.len() as u32,
            new_tokens: 4,
            decoding: B256::ZERO,
            mode: Mode::Proofs,
            price: U256::from(1),
            lock_by: 1,
            claim_by: 2,
            challenge_window: 0,
            answer_window: 60,
            nonce: U256::from(nonce),
        },
        signature: Bytes::new(),
        prompt,
        input_salt: Scalar(salt),
    };
    file.job = file.domains().job(&file.request.to_abi().unwrap());
    file.signature = sign(&signer, file.job).into();
    std::fs::write(to, serde_json::to_vec(&file).unwrap()).unwrap();
}

#[test]
fn requesters_read_their_answers() {
    let f = fixture();
    let dir = tempdir();
    let at = |name: &str| dir.path().join(name);
    let (ours, other, session) = (at("request.json"), at("other.json"), at("session"));
    request(&ours, 1);
    request(&other, 2);
    let model = path(&f.model);
    let run = ["run", "--model", model, "--request", path(&ours), "-o"];
    let ran = f.json_ok(&[&run[..], &[path(&session)]].concat()).remove(0);

    // Of all that the provider has, the requester gets this.
    let output = at("output.json");
    std::fs::rename(session.join("output.json"), &output).unwrap();
    let open = |request: &Path, more: &[&str]| {
        let args = ["output", "open", path(&output), "--request", path(request)];
        f.json(&[&args[..], more].concat())
    };
    let (code, objects, stderr) = open(&ours, &[]);
    assert_eq!(code, 0, "{stderr}");
    let opened = &objects[0];
    assert_eq!(opened["text"], ran["text"]);
    assert_eq!(opened["prompt"], PROMPT);
    assert_eq!(opened["generated_tokens"], ran["generated_tokens"]);
    assert_eq!(opened["output_digest"], ran["output_digest"]);
    // It is said that nothing claimed was compared.
    assert_eq!(opened["compared_with"], Value::Null);
    assert!(stderr.contains("nothing claimed was compared"), "{stderr}");

    let digest = ran["output_digest"].as_str().unwrap();
    let (code, objects, _) = open(&ours, &["--output-digest", digest]);
    assert_eq!((code, &objects[0]["compared_with"]), (0, &json!("option")));
    // For people.
    let args = ["output", "open", path(&output), "--request", path(&ours)];
    let text = String::from_utf8(f.call(&args).stdout).unwrap();
    assert!(text.starts_with(ran["text"].as_str().unwrap()), "{text}");

    let rejected = |(code, objects, stderr): (i32, Vec<Value>, String), word: &str| {
        assert_eq!(code, 1, "{stderr}");
        let reason = objects.last().unwrap()["reason"].as_str().unwrap();
        assert!(reason.contains(word), "no {word:?} in: {reason}");
    };
    let wrong = format!("0x{:064x}", 5);
    rejected(
        open(&ours, &["--output-digest", &wrong]),
        "do not open the output digest",
    );
    rejected(open(&other, &[]), "is the output of the job");
    let whole = std::fs::read(&output).unwrap();
    edit(&output, |v| v["tokens"][0] = json!(1));
    rejected(
        open(&ours, &["--output-digest", digest]),
        "do not open the output digest",
    );
    std::fs::write(&output, &whole).unwrap();
    edit(&output, |v| v["salt"] = json!(format!("0x{:064x}", 5)));
    rejected(open(&ours, &[]), "do not open the output digest");

    // Files of before do not say what they open.
    std::fs::write(&output, &whole).unwrap();
    edit(&output, |v| {
        v.as_object_mut().unwrap().remove("opens").unwrap();
    });
    let (code, _, stderr) = open(&ours, &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("--output-digest"), "{stderr}");
    assert_eq!(open(&ours, &["--output-digest", digest]).0, 0);

    // What cannot be judged.
    let elsewhere = ["--model", path(&f.session)];
    assert_eq!(open(&ours, &elsewhere).0, 2);
    edit(&ours, |v| v["request"]["nonce"] = json!("0x9"));
    let (code, _, stderr) = open(&ours, &[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("request"), "{stderr}");
}
