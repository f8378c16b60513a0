//! Every command's help has an example of that command, and every example parses.

use super::Cli;
use clap::{Command, CommandFactory, Parser};

/// What stands for `0x…`: a word, an address, a signature.
const FILLERS: [usize; 3] = [64, 40, 130];

/// The commands of a help text, as a shell would split them.
fn examples(help: &str) -> Vec<Vec<String>> {
    let joined = help.replace("\\\n", " ");
    let lines = joined.lines().filter(|l| l.starts_with("  nanozk "));
    let commands = lines.flat_map(|line| {
        let words = shlex::split(&line.replace(';', " ; ")).expect("quotes are closed");
        let commands = words.split(|w| w == ";").map(<[String]>::to_vec);
        commands.collect::<Vec<_>>()
    });
    commands
        .map(|words| words.into_iter().take_while(|w| w != ">").collect())
        .collect()
}

fn parses(words: &[String], needs_node: bool) -> Result<(), String> {
    let mut last = String::new();
    let holes = words.iter().filter(|word| word.contains("0x…")).count() as u32;
    for choice in 0..FILLERS.len().pow(holes) {
        let mut rest = choice;
        let plain: Vec<String> = words
            .iter()
            .map(|word| {
                if !word.contains("0x…") {
                    return word.clone();
                }
                let digits = FILLERS[rest % FILLERS.len()];
                rest /= FILLERS.len();
                word.replace("0x…", &format!("0x{}", "1".repeat(digits)))
            })
            .collect();
        // The overview says once what is given to all.
        let node = needs_node.then(|| ["--rpc".to_owned(), "http://127.0.0.1:8545".to_owned()]);
        let with_node = plain.iter().cloned().chain(node.into_iter().flatten());
        match Cli::try_parse_from(&plain).or_else(|_| Cli::try_parse_from(with_node)) {
            Ok(_) => return Ok(()),
            Err(e) => last = e.to_string(),
        }
    }
    Err(last)
}

fn walk(command: &Command, path: &[&str], seen: &mut usize) {
    let help = command
        .get_after_long_help()
        .or_else(|| command.get_after_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let examples = examples(&help);
    assert!(
        examples.iter().any(|words| words.len() >= path.len()
            && words.iter().zip(path).all(|(word, name)| word == name)),
        "no example of {path:?} in its help"
    );
    for words in examples {
        if let Err(e) = parses(&words, path.len() == 1) {
            panic!("{path:?}: {words:?}: {e}");
        }
        *seen += 1;
    }
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        walk(sub, &[path, &[sub.get_name()]].concat(), seen);
    }
}

#[test]
fn every_command_has_an_example_that_parses() {
    let mut seen = 0;
    walk(&Cli::command(), &["nanozk"], &mut seen);
    assert!(seen > 60, "{seen}");
}
