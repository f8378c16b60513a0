use super::*;

const FILE: &str = "rpc = 'http://a:1, http://b:2'\ndeployment = 'd.json'\n[signer]\nkind = 'env'\nvariable = 'K'\n\
                    [fees]\nmax_per_day = '7eth'\n";

fn load(text: &str, env: &[(&str, &str)], options: &[(&str, &str)]) -> Result<Config, Error> {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("relayer.toml");
    std::fs::write(&file, text).expect("written");
    let own = |list: &[(&str, &str)]| -> Vec<(String, String)> {
        list.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    Config::load(Some(&file), own(env), &own(options))
}

#[test]
fn options_are_above_the_environment_above_the_file() {
    let eth = |n: u64| U256::from(n) * U256::from(1_000_000_000_000_000_000u64);
    let config = load(FILE, &[], &[]).expect("valid");
    assert_eq!(config.rpc, ["http://a:1", "http://b:2"]);
    assert_eq!(config.fees.max_per_day, eth(7));
    assert!(config.deployment.is_absolute());
    let env = [("NANOZK_RELAYER_FEES__MAX_PER_DAY", "8eth"), ("OTHER", "x")];
    assert_eq!(
        load(FILE, &env, &[]).expect("valid").fees.max_per_day,
        eth(8)
    );
    let options = [("fees.max_per_day", "9eth"), ("poll", "5"), ("grace", "2m")];
    let config = load(FILE, &env, &options).expect("valid");
    assert_eq!(
        (
            config.fees.max_per_day,
            config.poll.as_millis(),
            config.grace
        ),
        (eth(9), 5_000, 120)
    );
}

#[test]
fn what_is_wrong_is_named() {
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 11] = [
        ("rpc = 1", &[], "rpc"),
        (FILE, &[("polll", "1")], "polll"),
        (FILE, &[("rpc", "ftp://x")], "not the URL of a node"),
        (FILE, &[("rpc", "[]")], "rpc is empty"),
        (FILE, &[("fees.max_per_day", "much")], "much"),
        (FILE, &[("api.listen", "0.0.0.0:80")], "token_file"),
        (FILE, &[("fees.max_per_transaction", "9eth")], "more than"),
        (FILE, &[("signer", "x")], "signer"),
        (
            FILE,
            &[("rpc_timeout_max", "9s")],
            "less than rpc_timeout (10 s)",
        ),
        (FILE, &[("prover.timeout", "0")], "above zero"),
        (FILE, &[("prover.batch", "0")], "above zero"),
    ];
    for (text, options, word) in cases {
        let error = load(text, &[], options).expect_err(word).to_string();
        assert!(error.contains(word), "{error}");
    }
    let cases = [
        (
            "wss://user:SECRET@node:1/SECRET?SECRET",
            "entry 1 (wss://node:1) is not the URL",
        ),
        (
            "http://a:1, SECRET:SECRET@node:1/SECRET",
            "entry 2 is not the URL",
        ),
        ("SECRET", "entry 1 is not the URL"),
    ];
    for (rpc, words) in cases {
        let error = load(FILE, &[], &[("rpc", rpc)]).expect_err(rpc).to_string();
        assert!(
            error.contains(words) && !error.contains("SECRET"),
            "{error}"
        );
    }
    let error = load("\nrpc = https://SECRET\n", &[], &[])
        .expect_err("no TOML")
        .to_string();
    assert!(
        error.contains("line 2") && !error.contains("SECRET"),
        "{error}"
    );
    let error = Config::load(Some(Path::new("/none.toml")), [], &[]).expect_err("no file");
    assert!(error.to_string().contains("/none.toml"));
}

#[test]
fn the_example_is_valid_and_names_every_setting() {
    let config = load(EXAMPLE, &[], &[]).expect("valid");
    assert_eq!(config.fees.max_pending, Fees::default().max_pending);
    assert_eq!(config.fees.max_per_day, Fees::default().max_per_day);
    assert_eq!(config.prover.margin, Prover::default().margin);
    assert_eq!(config.prover.batch, Prover::default().batch);
    for name in [
        "rpc",
        "deployment",
        "database",
        "inbox",
        "explorer",
        "poll",
        "rpc_timeout",
        "rpc_timeout_max",
        "round_timeout",
        "grace",
        "signer",
        "provider_signer",
        "allow_development_keys",
        "listen",
        "token_file",
        "command",
        "batch",
        "start",
        "seconds_per_layer",
        "seconds_per_proof",
        "margin",
        "timeout",
        "max_fee_per_gas",
        "max_per_transaction",
        "max_per_day",
        "confirmations",
        "bump_after",
        "repair_after",
        "max_pending",
        "models",
        "audits",
        "publish_seed",
        "max_bonds",
    ] {
        assert!(EXAMPLE.contains(name), "{name}");
    }
}
