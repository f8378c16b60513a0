//! Prompts on the command line.

use clap::Args;
use std::path::PathBuf;

/// Where a prompt comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PromptSource<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) file: Option<&'a PathBuf>,
    pub(crate) tokens: Option<&'a [u32]>,
    pub(crate) messages: Option<&'a PathBuf>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct RunPromptArgs {
    /// Text to continue; - reads it from standard input, where other users of the machine do not see it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// File with the text to continue, without the line break at its end
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<PathBuf>,
    /// File with messages to answer: a JSON list of objects with role and content, or a request to a chat server; - reads
    /// standard input. The model's chat template makes a prompt of them
    #[arg(long, value_name = "FILE")]
    pub(crate) messages: Option<PathBuf>,
    /// Token ids to continue, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) prompt_tokens: Option<Vec<u32>>,
    /// Job to do
    #[arg(long, value_name = "FILE")]
    pub(crate) request: Option<PathBuf>,
}

impl RunPromptArgs {
    pub(crate) fn source(&self) -> PromptSource<'_> {
        PromptSource {
            text: self.prompt.as_deref(),
            file: self.prompt_file.as_ref(),
            tokens: self.prompt_tokens.as_deref(),
            messages: self.messages.as_ref(),
        }
    }
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct PromptArgs {
    /// Text to continue; - reads it from standard input, where other users of the machine do not see it
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,
    /// File with the text to continue, without the line break at its end
    #[arg(long, value_name = "FILE")]
    pub(crate) prompt_file: Option<PathBuf>,
    /// File with messages to answer: a JSON list of objects with role and content, or a request to a chat server; - reads
    /// standard input. The model's chat template makes a prompt of them
    #[arg(long, value_name = "FILE")]
    pub(crate) messages: Option<PathBuf>,
    /// Token ids to continue, separated by commas
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    pub(crate) prompt_tokens: Option<Vec<u32>>,
}

impl PromptArgs {
    pub(crate) fn source(&self) -> PromptSource<'_> {
        PromptSource {
            text: self.prompt.as_deref(),
            file: self.prompt_file.as_ref(),
            tokens: self.prompt_tokens.as_deref(),
            messages: self.messages.as_ref(),
        }
    }
}

/// How a prompt's text becomes tokens; by default as transformers does it.
#[derive(Debug, Args)]
pub(crate) struct TokenizeArgs {
    /// Read names of special tokens in the prompt, such as <|endoftext|>, as plain text
    #[arg(long, conflicts_with_all = ["prompt_tokens", "messages"])]
    pub(crate) split_special_tokens: bool,
    /// Leave out what the tokenizer's template adds around a prompt, such as a beginning-of-text token
    #[arg(long, conflicts_with_all = ["prompt_tokens", "messages"])]
    pub(crate) no_template: bool,
}
