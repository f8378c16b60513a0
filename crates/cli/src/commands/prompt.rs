//! From what the command line says to a prompt's tokens.

use super::read_text;
use crate::args::{PromptSource, TokenizeArgs};
use anyhow::{Context, Result, bail};
use nanozk::model_dir::ModelDir;
use nanozk_model::{Messages, PromptOptions, Tokenizer};
use std::io::Read;
use std::path::Path;

/// A prompt, and what its text alone does not show.
pub(super) struct Prompt {
    pub(super) tokens: Vec<u32>,
    pub(super) notes: Vec<String>,
}

/// A prompt's tokens.
pub(super) fn read_prompt(
    model: &ModelDir,
    tokenizer: &Tokenizer,
    source: PromptSource<'_>,
    tokenize: &TokenizeArgs,
) -> Result<Prompt> {
    if let Some(path) = source.messages {
        return chat(model, tokenizer, path);
    }
    let prompt = match (text(source)?, source.tokens) {
        (Some(text), _) => encode(tokenizer, &text, tokenize)?,
        (None, Some(ids)) => {
            tokenizer.check(ids).context("--prompt-tokens")?;
            Prompt {
                tokens: ids.to_vec(),
                notes: Vec::new(),
            }
        }
        (None, None) => Prompt {
            tokens: Vec::new(),
            notes: Vec::new(),
        },
    };
    if prompt.tokens.is_empty() {
        bail!("the prompt is empty: the model continues at least one token");
    }
    Ok(prompt)
}

/// Messages as a prompt.
fn chat(model: &ModelDir, tokenizer: &Tokenizer, path: &Path) -> Result<Prompt> {
    let content = file_or_input(path, "messages")?;
    let file = || format!("--messages {}", path.display());
    let messages = Messages::parse(&content).with_context(file)?;
    let Some(template) = model.chat_template()? else {
        bail!(
            "the model has no chat template: its checkpoint had none when it was imported. Give the text to continue with \
             --prompt"
        );
    };
    let prompt = template.prompt(&messages, tokenizer).with_context(file)?;
    Ok(Prompt {
        notes: prompt.notes(tokenizer),
        tokens: prompt.tokens,
    })
}

/// The text of the prompt, if it is given as text.
fn text(source: PromptSource<'_>) -> Result<Option<String>> {
    let text = match (source.text, source.file.map(|p| p.as_path())) {
        (Some("-"), _) => standard_input("the prompt")?,
        (Some(text), _) => return Ok(Some(text.to_owned())),
        (None, Some(path)) => file_or_input(path, "the prompt")?,
        (None, None) => return Ok(None),
    };
    // Editors and `echo` end a text with a line break.
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Some(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

/// The text of a file, or of standard input for `-`.
fn file_or_input(path: &Path, what: &str) -> Result<String> {
    match path == Path::new("-") {
        true => standard_input(what),
        false => read_text(path, what),
    }
}

fn standard_input(what: &str) -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {what} from standard input"))?;
    String::from_utf8(bytes).with_context(|| format!("{what} on standard input: not UTF-8"))
}

fn encode(tokenizer: &Tokenizer, text: &str, tokenize: &TokenizeArgs) -> Result<Prompt> {
    let options = PromptOptions {
        template: !tokenize.no_template,
        special: !tokenize.split_special_tokens,
    };
    let prompt = tokenizer
        .encode_prompt(text, options)
        .context("cannot tokenize the prompt")?;
    let notes = prompt.notes(tokenizer, ["--no-template", "--split-special-tokens"]);
    Ok(Prompt {
        tokens: prompt.ids,
        notes,
    })
}
