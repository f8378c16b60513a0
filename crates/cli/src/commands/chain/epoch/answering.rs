//! Answers of an open epoch.

use super::model_dir;
use crate::args::{AnswerAllArgs, AnswerArgs, AnsweringArgs};
use crate::commands::chain::signer;
use crate::commands::check_programs_once;
use crate::commands::prompt::{Prompt, read_prompt};
use crate::commands::run::{after, check_length};
use crate::data::{DEVELOPMENT_WARNING, Data, is_development};
use crate::output::{Out, Progress, count};
use anyhow::{Context, Result, bail, ensure};
use nanozk::model_dir::ModelDir;
use nanozk_chain::PrivateKeySigner;
use nanozk_chain::epoch::answers::{Answer, Closed, EpochReceipt, Folder, Header};
use nanozk_chain::primitives::Address;
use nanozk_executor::executor::Executor;
use nanozk_model::{PromptOptions, Tokenizer};
use nanozk_prover::files;
use nanozk_prover::session::Secret;
use nanozk_serve::epochs::answer_of;
use nanozk_verifier::CheckedManifest;
use rand_core::OsRng;
use rayon::prelude::*;
use serde_json::json;
use std::io::Write;

/// Answers that are written at once.
const CHUNK: usize = 1_000;

/// What answers are given with.
struct Answering {
    folder: Folder,
    header: Header,
    signer: PrivateKeySigner,
    dir: ModelDir,
    manifest: CheckedManifest,
    tokenizer: Tokenizer,
    stops: Vec<u32>,
}

impl Answering {
    fn new(args: &AnsweringArgs, data: &Data, out: &Out) -> Result<Self> {
        let signer =
            signer(&args.key, out)?.context("a receipt is signed: give the provider's key")?;
        let folder = Folder::open(&args.epoch)?;
        let header = folder.header().clone();
        ensure!(
            signer.address() == header.line.provider,
            "the epoch is {}'s, the key is of {}",
            header.line.provider,
            signer.address()
        );
        if let Some(Closed { count: n, .. }) = folder.closed()? {
            bail!(
                "the epoch is closed with {}: open the next one",
                count(n as usize, "answer")
            );
        }
        let (dir, manifest) = model_dir(&args.epoch, &header, args.model.as_deref())?;
        // With keys of other programs nobody could prove a draw, and the bond would be lost.
        check_programs_once(&manifest, data)?;
        let stops = match args.ignore_eos {
            true => Vec::new(),
            false => dir.stop_tokens()?.unwrap_or_default(),
        };
        Ok(Self {
            tokenizer: dir.tokenizer(&manifest)?,
            folder,
            header,
            signer,
            dir,
            manifest,
            stops,
        })
    }

    /// Generates an answer that can be proved: a value may leave its range at a position whose result is not used, the last one or
    /// those behind it. A receipt of such an answer would cost the bond.
    fn generate(
        &self,
        executor: &Executor<'_>,
        prompt: &[u32],
        most: usize,
        on_token: impl Fn(),
    ) -> Result<Vec<u32>> {
        let generation = executor.generation(prompt, most, |token| {
            on_token();
            after(token, &self.stops)
        })?;
        let generated = generation.generated().to_vec();
        let provable = generation.check(self.header.positions as usize);
        provable.context("this answer could not be proved, so no receipt is signed")?;
        Ok(generated)
    }

    fn answer(&self, requester: Address, prompt: &[u32], generated: &[u32]) -> Answer {
        let tokens = [prompt, generated].concat();
        let secret = Secret::new(tokens, prompt.len(), None, &mut OsRng);
        answer_of(&secret, requester, self.header.positions)
    }
}

pub(super) fn answer(args: &AnswerArgs, data: &Data, out: &Out) -> Result<()> {
    let mut a = Answering::new(&args.given, data, out)?;
    let Prompt {
        tokens: prompt,
        notes,
    } = read_prompt(&a.dir, &a.tokenizer, args.prompt.source(), &args.tokenize)?;
    check_length(&a.manifest, prompt.len(), args.given.max_new_tokens)?;
    let model = a.dir.model(&a.manifest)?;
    let most = args.given.max_new_tokens;
    let progress = Progress::bar("generating", most);
    let generated = a.generate(&Executor::new(&model)?, &prompt, most, || progress.step())?;
    drop(progress);
    let answer = a.answer(args.given.requester, &prompt, &generated);
    // On disk before anybody has the receipt: what is promised can be committed to.
    let index = a.folder.append(std::slice::from_ref(&answer))?;
    let receipt = EpochReceipt::signed(&a.header, &answer, index, &a.signer);
    files::write_json(&args.output, &receipt)?;
    let text = a.tokenizer.decode(&answer.tokens)?;
    out.text(&text);
    out.text("");
    out.text(format!(
        "answer         {index} of epoch {}",
        a.header.number
    ));
    out.text(format!("receipt        {}", args.output.display()));
    notes
        .iter()
        .for_each(|note| out.note(format!("note: {note}")));
    if is_development(&a.manifest) {
        out.note(DEVELOPMENT_WARNING);
    }
    out.json(&json!({
        "event": "answered",
        "index": index,
        "text": text,
        "generated_tokens": generated,
        "receipt": args.output,
    }));
    Ok(())
}

pub(super) fn answer_all(args: &AnswerAllArgs, data: &Data, out: &Out) -> Result<()> {
    let mut a = Answering::new(&args.given, data, out)?;
    let named = || args.prompts.display().to_string();
    let text = std::fs::read_to_string(&args.prompts).with_context(named)?;
    let mut prompts = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let named = || format!("{}, line {}", args.prompts.display(), line + 1);
        // As a prompt on the command line.
        let options = PromptOptions {
            template: true,
            special: true,
        };
        let tokens = a
            .tokenizer
            .encode_prompt(text, options)
            .with_context(named)?
            .ids;
        ensure!(!tokens.is_empty(), "{}: there is no prompt", named());
        check_length(&a.manifest, tokens.len(), args.given.max_new_tokens).with_context(named)?;
        prompts.push(tokens);
    }
    ensure!(!prompts.is_empty(), "{} has no prompts", named());
    let mut output = std::fs::File::create_new(&args.output)
        .with_context(|| format!("cannot make {}", args.output.display()))?;
    let model = a.dir.model(&a.manifest)?;
    let executor = Executor::new(&model)?;
    let progress = Progress::bar("answering", prompts.len());
    let mut first = None;
    for prompts in prompts.chunks(CHUNK) {
        let answers = prompts.par_iter().map(|prompt| {
            let generated = a.generate(&executor, prompt, args.given.max_new_tokens, || ())?;
            progress.step();
            Ok(a.answer(args.given.requester, prompt, &generated))
        });
        let answers: Vec<Answer> = answers.collect::<Result<_>>()?;
        let place = a.folder.append(&answers)?;
        first.get_or_insert(place);
        let lines = answers.par_iter().enumerate().map(|(i, answer)| {
            let index = place + i as u32;
            let receipt = EpochReceipt::signed(&a.header, answer, index, &a.signer);
            let mut line = serde_json::to_vec(&receipt).expect("plain fields serialize");
            line.push(b'\n');
            line
        });
        let receipts = lines.collect::<Vec<_>>().concat();
        output
            .write_all(&receipts)
            .with_context(|| args.output.display().to_string())?;
    }
    output
        .sync_all()
        .with_context(|| args.output.display().to_string())?;
    drop(progress);
    let first = first.unwrap_or_default();
    out.text(format!(
        "{} of epoch {}, from place {first} on",
        count(prompts.len(), "answer"),
        a.header.number
    ));
    out.text(format!("receipts       {}", args.output.display()));
    out.json(&json!({
        "event": "answered",
        "first": first,
        "answers": prompts.len(),
        "receipts": args.output,
    }));
    Ok(())
}
