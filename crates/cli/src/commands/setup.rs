//! `nanozk setup`.

use crate::args::{SetupCommand, SetupFinalKeyArgs};
use crate::data::{DEVELOPMENT_WARNING, Data};
use crate::output::{Out, Progress};
use anyhow::{Context, Result, bail};
use nanozk_prover::{files, final_parameters, final_setup_size};
use nanozk_setup::{CeremonyFile, Format, Origin, Setup};
use nanozk_verifier::CheckedFinalKey;
use nanozk_verifier::hex::{Digest32, encode};
use serde_json::{Value, json};

pub(super) fn setup(command: &SetupCommand, data: &Data, out: &Out) -> Result<()> {
    match command {
        SetupCommand::Import(args) => {
            if !args.file.is_file() {
                bail!("there is no file {}", args.file.display());
            }
            let progress = Progress::spinner("checking the ceremony's file");
            let (setup, file) = data
                .setups()
                .store()
                .import(
                    &args.file,
                    &args.name,
                    args.k,
                    args.blake2b.as_ref().map(|digest| &digest.0),
                )
                .with_context(|| format!("cannot import {}", args.file.display()))?;
            drop(progress);
            show_import(&setup, &file, args.blake2b.is_some(), out);
        }
        SetupCommand::Development(args) => {
            let progress = Progress::spinner("making the development setup");
            let setup = data.development(args.k)?;
            drop(progress);
            show(&setup, out);
            out.note(DEVELOPMENT_WARNING);
        }
        SetupCommand::List => list(data, out)?,
        SetupCommand::FinalKey(args) => final_key(args, data, out)?,
    }
    Ok(())
}

/// Writes the key of final proofs under a setup.
fn final_key(args: &SetupFinalKeyArgs, data: &Data, out: &Out) -> Result<()> {
    if args.output.exists() && !args.force {
        bail!(
            "{} exists: choose another file with -o, or replace it with --force",
            args.output.display()
        );
    }
    let progress = Progress::spinner("preparing the setup");
    let k = final_setup_size(0);
    let setup = match args.development {
        true => data.development(k)?,
        false => {
            let setup = data.setups().store().load_at_least(k);
            let setup = setup.with_context(|| {
                format!("no setup of 2^{k} powers: import a ceremony's file with nanozk setup import, or --development")
            })?;
            setup
                .check()
                .context("the stored setup is not the ceremony's: import its file again")?;
            setup
        }
    };
    progress.message("computing the key");
    let key = CheckedFinalKey::compute(&final_parameters(&setup, 0))?;
    drop(progress);
    files::write_json(&args.output, key.file())?;
    let (text, mut value) = describe(&setup);
    out.text(text);
    out.text(format!(
        "key of final proofs {}: {}",
        key.digest(),
        args.output.display()
    ));
    value["key_digest"] = json!(key.digest());
    value["file"] = json!(args.output);
    out.json(&value);
    if setup.is_development() {
        out.note(DEVELOPMENT_WARNING);
    }
    Ok(())
}

fn describe(setup: &Setup) -> (String, Value) {
    let id = Digest32(setup.id());
    match setup.origin() {
        Origin::Ceremony { file_digest, name } => {
            let file = Digest32(*file_digest);
            (
                format!("k = {:<2}  {id}  {name} (file: SHA-256 {file})", setup.k()),
                json!({"k": setup.k(), "id": id, "development_setup": false, "name": name, "file_sha256": file}),
            )
        }
        _ => (
            format!("k = {:<2}  {id}  INSECURE: development setup", setup.k()),
            json!({"k": setup.k(), "id": id, "development_setup": true}),
        ),
    }
}

/// What was imported, and what the file says of its ceremony.
fn show_import(setup: &Setup, file: &CeremonyFile, compared: bool, out: &Out) {
    let (text, mut value) = describe(setup);
    let blake2b = encode(&file.blake2b);
    out.text(text);
    let says = match &file.format {
        Format::Ptau(ptau) => format!(
            "2^{} powers of a ceremony of 2^{}, {}",
            ptau.power,
            ptau.ceremony_power,
            match ptau.contributions {
                Some(list) => list.to_string(),
                None => "contributions not listed".into(),
            }
        ),
        Format::Srs { power } => {
            format!("2^{power} powers; files of this format say nothing of their ceremony")
        }
    };
    out.text(format!("file        {says}"));
    // Tables of ceremonies have no prefix.
    out.text(format!("BLAKE2b-512 {}", blake2b.trim_start_matches("0x")));
    out.text(match compared {
        true => "            as was given",
        false => {
            "            compare it with what the ceremony published, or give that with --blake2b"
        }
    });
    for warning in &file.warnings {
        out.note(format!("WARNING: {warning}"));
    }
    let (format, power, ptau) = match &file.format {
        Format::Ptau(ptau) => ("ptau", ptau.power, Some(ptau)),
        Format::Srs { power } => ("srs", *power, None),
    };
    let list = ptau.and_then(|p| p.contributions);
    value["file"] = json!({
        "format": format,
        "power": power,
        "ceremony_power": ptau.map(|p| p.ceremony_power),
        "contributions": list.map(|l| l.people),
        "beacons": list.map(|l| l.beacons),
        "blake2b": blake2b,
        "blake2b_compared": compared,
        "warnings": file.warnings,
    });
    out.json(&value);
}

fn show(setup: &Setup, out: &Out) {
    let (text, value) = describe(setup);
    out.text(text);
    out.json(&value);
}

fn list(data: &Data, out: &Out) -> Result<()> {
    let setups = data.setups();
    let store = setups.store();
    let mut found = Vec::new();
    match std::fs::read_dir(store.dir()) {
        Ok(entries) => {
            for entry in entries {
                let name = entry.context("cannot list setups")?.file_name();
                let name = name.to_string_lossy();
                let Some((origin, k)) = name.strip_suffix(".setup").and_then(|n| n.split_once('-'))
                else {
                    continue;
                };
                if let Ok(k) = k.parse::<u32>() {
                    found.push((origin.to_owned(), k));
                }
            }
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(e).with_context(|| format!("cannot list {}", store.dir().display())),
    }
    found.sort();
    if found.is_empty() {
        out.text(format!(
            "no setups in {}: import a ceremony's file with nanozk setup import",
            store.dir().display()
        ));
    }
    for (origin, k) in found {
        let setup = match origin.as_str() {
            "development" => store.load_or_create_development(k),
            "ceremony" => store.load(k),
            _ => continue,
        };
        match setup {
            Ok(setup) => show(&setup, out),
            Err(e) => {
                out.text(format!("k = {k:<2}  damaged {origin} setup: {e}"));
                out.json(&json!({"k": k, "origin": origin, "damaged": e.to_string()}));
            }
        }
    }
    Ok(())
}
