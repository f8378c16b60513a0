//! `docs/reference` is what the command line says of itself: a page for each command.
//!
//! `script/reference` writes the pages; `NANOZK_UPDATE_GOLDEN=1` has the test here write them and fail.

use super::Cli;
use clap::{Arg, Command, CommandFactory};
use std::collections::BTreeMap;
use std::path::Path;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");
const UPDATE: &str = "NANOZK_UPDATE_GOLDEN";
/// The page of the command itself.
const OVERVIEW: &str = "nanozk.md";
const NOTE: &str = "<!-- Written by script/reference from the help of the command. -->\n";

/// Text as Markdown shows it letter by letter; names of options and variables are code.
fn plain(text: &str) -> String {
    let is_code = |word: &str| match word.strip_prefix("--") {
        Some(option) => {
            !option.is_empty() && option.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        }
        None => word.contains('_') && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
    };
    let words = text.split_whitespace().map(|word| {
        let begin = word.len() - word.trim_start_matches(['(', '[']).len();
        let end = word.trim_end_matches(['.', ',', ':', ';', ')', ']']).len();
        if begin < end && is_code(&word[begin..end]) {
            let (before, after) = (escaped(&word[..begin]), escaped(&word[end..]));
            return format!("{before}`{}`{after}", &word[begin..end]);
        }
        escaped(word)
    });
    words.collect::<Vec<_>>().join(" ")
}

fn escaped(word: &str) -> String {
    let mut out = String::new();
    for c in word.chars() {
        if "\\`*_[]<>|".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Paragraphs of a help text; indented lines are commands.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        let (commands, words): (Vec<&str>, Vec<&str>) =
            paragraph.lines().partition(|line| line.starts_with("  "));
        out += &format!("{}\n\n", plain(&words.join(" ")));
        if !commands.is_empty() {
            let commands: Vec<&str> = commands.iter().map(|line| &line[2..]).collect();
            out += &format!("```sh\n{}\n```\n\n", commands.join("\n"));
        }
    }
    out
}

/// A row of the table of arguments: name, meaning, default.
fn row(arg: &Arg) -> String {
    let mut name = format!("`{arg}`");
    if let Some(short) = arg.get_short() {
        name = format!("`-{short}`, {name}");
    }
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let (help, mut default) = match help.strip_suffix(']').map(|h| h.rsplit_once(" [default: ")) {
        Some(Some((help, default))) => (plain(help), plain(default)),
        _ => (plain(&help), String::new()),
    };
    let mut meaning = help;
    if arg.get_action().takes_values() {
        for value in arg
            .get_possible_values()
            .iter()
            .filter(|v| !v.is_hide_set())
        {
            let what = value.get_help().map(ToString::to_string);
            let what = what.map(|what| format!(": {}", plain(&what)));
            meaning += &format!("<br>`{}`{}", value.get_name(), what.unwrap_or_default());
        }
        let values = arg.get_default_values().iter();
        let values: Vec<_> = values.filter_map(|v| v.to_str()).collect();
        if !values.concat().is_empty() {
            default = format!("`{}`", values.join(" "));
        }
    }
    if let Some(variable) = arg.get_env().and_then(|v| v.to_str()) {
        meaning += &format!("<br>Variable: `{variable}`");
    }
    format!("| {} | {meaning} | {default} |\n", name.replace('|', "\\|"))
}

/// Arguments of its own, or those that all commands have.
fn arguments(command: &Command, of_all: bool) -> String {
    let own = command.get_arguments().filter(|arg| {
        !arg.is_hide_set()
            && arg.is_global_set() == of_all
            && !["help", "version"].contains(&arg.get_id().as_str())
    });
    let (positional, options): (Vec<&Arg>, Vec<&Arg>) = own.partition(|arg| arg.is_positional());
    let rows: String = positional.into_iter().chain(options).map(row).collect();
    match rows.is_empty() {
        true => rows,
        false => format!("| argument | | default |\n|---|---|---|\n{rows}\n"),
    }
}

fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    let all = command.get_subcommands();
    all.filter(|c| c.get_name() != "help" && !c.is_hide_set())
}

/// What a command is for, how it is called, and its examples.
fn section(command: &Command, level: usize) -> String {
    let name = full_name(command);
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about
        .expect("every command says what it is for")
        .to_string();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut out = format!("{} {name}\n\n{}", "#".repeat(level), paragraphs(&about));
    out += &format!("```\n{usage}\n```\n\n{}", arguments(command, false));
    if let Some(more) = command
        .get_after_long_help()
        .or_else(|| command.get_after_help())
    {
        out += &paragraphs(&more.to_string());
    }
    out
}

/// With the commands above it.
fn full_name(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

/// The pages, by their names.
fn pages() -> BTreeMap<String, String> {
    let mut root = Cli::command();
    root.build();
    let mut pages = BTreeMap::new();
    let mut overview = format!("{NOTE}\n{}", section(&root, 1));
    overview += "## Options of all commands\n\n";
    overview += &arguments(&root, true);
    overview += "`-h` prints the help of a command in short, `--help` all of it, `-V` the version. \
        [The command](../command.md) says what exit codes mean, what `--json` prints, and how keys are given.\n\n";
    overview += "## Commands\n\n| command | |\n|---|---|\n";
    for command in commands(&root) {
        let page = format!("{}.md", command.get_name());
        let about = command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default();
        overview += &format!(
            "| [`{}`]({page}) | {} |\n",
            command.get_name(),
            plain(&about)
        );
        let mut text = format!("{NOTE}\n{}", section(command, 1));
        if command.has_subcommands() {
            text += "| command | |\n|---|---|\n";
            for sub in commands(command) {
                let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
                text += &format!(
                    "| [`{}`](#{}) | {} |\n",
                    sub.get_name(),
                    full_name(sub).replace(' ', "-"),
                    plain(&about)
                );
            }
            text += "\n";
        }
        for sub in commands(command) {
            assert!(!sub.has_subcommands(), "a page has two levels of commands");
            text += &section(sub, 2);
        }
        pages.insert(page, format!("{}\n", text.trim_end()));
    }
    pages.insert(OVERVIEW.into(), format!("{}\n", overview.trim_end()));
    pages
}

#[test]
fn the_reference_is_what_the_command_says() {
    let directory = Path::new(DIRECTORY);
    let pages = pages();
    let names = std::fs::read_dir(directory).into_iter().flatten();
    let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let stray: Vec<String> = names.filter(|name| !pages.contains_key(name)).collect();
    if std::env::var_os(UPDATE).is_some_and(|v| v == "1") {
        std::fs::create_dir_all(directory).expect("it can be made");
        for name in &stray {
            std::fs::remove_file(directory.join(name)).expect("it can be removed");
        }
        for (name, text) in &pages {
            std::fs::write(directory.join(name), text).expect("it can be written");
        }
        panic!("docs/reference rewritten; run again");
    }
    let behind = pages.iter().filter(|(name, text)| {
        std::fs::read_to_string(directory.join(name)).ok().as_ref() != Some(*text)
    });
    let behind: Vec<&String> = behind.map(|(name, _)| name).chain(&stray).collect();
    assert!(
        behind.is_empty(),
        "pages of docs/reference are not what the command says: {behind:?}; script/reference writes them anew"
    );
}

#[test]
fn words_are_shown_letter_by_letter() {
    assert_eq!(plain("a|b <c> [d] e_f"), "a\\|b \\<c\\> \\[d\\] e\\_f");
    assert_eq!(
        plain("With --model, (--file x) a--b, [or: A_B] -- a_b"),
        "With `--model`, (`--file` x) a--b, \\[or: `A_B`\\] -- a\\_b"
    );
    assert_eq!(
        paragraphs("One\ntwo.\n\nExample:\n  nanozk x"),
        "One two.\n\nExample:\n\n```sh\nnanozk x\n```\n\n"
    );
}
