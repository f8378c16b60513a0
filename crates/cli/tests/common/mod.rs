//! A small random checkpoint in the layout of Hugging Face, and the command.

use nanozk_executor::synthetic::Random;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::time::SystemTime;

pub(crate) const WIDTH: usize = 16;
pub(crate) const CONTEXT: usize = 16;
/// The printable ASCII characters and the line break, each a token.
pub(crate) const VOCAB: usize = 96;
pub(crate) const PROMPT: &str = "ab c";

/// What the tests share: a model, and a session of it that is proved.
pub(crate) struct Fixture {
    pub(crate) data: PathBuf,
    pub(crate) checkpoint: PathBuf,
    pub(crate) calibration: PathBuf,
    pub(crate) model: PathBuf,
    pub(crate) session: PathBuf,
    pub(crate) id: String,
}

pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let root = made().join("fixture");
        let mut f = Fixture {
            data: data(),
            checkpoint: root.join("checkpoint"),
            calibration: root.join("calibration.txt"),
            model: root.join("model"),
            session: root.join("session"),
            id: String::new(),
        };
        once("fixture", |_| {
            let text =
                "the quick brown fox jumps over the lazy dog, 0123456789 times; is that so?\n";
            std::fs::write(&f.calibration, text.repeat(8)).unwrap();
            checkpoint(&f.checkpoint);
            let imported = f.json_ok(&f.import(&f.checkpoint, &f.model));
            assert_eq!(imported.last().unwrap()["layers"], 4);
            f.json_ok(&f.run(&f.session, PROMPT, 4));
            let events = f.json_ok(&["prove", path(&f.session)]);
            assert_eq!(events[0]["proofs"], json!([[0, 1, 2, 3]]));
            assert_eq!(events.last().unwrap()["proved"], 1);
        });
        let claim = std::fs::read(f.session.join("claim.json")).unwrap();
        let claim: Value = serde_json::from_slice(&claim).unwrap();
        f.id = claim["model_id"].as_str().unwrap().to_owned();
        f
    })
}

/// Where tests keep what they make for each other: all that run the same build of the command, whichever binary they are of, and
/// the next run of them. Not for more than two days: requests have deadlines.
pub(crate) fn made() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let command = std::fs::metadata(env!("CARGO_BIN_EXE_nanozk")).unwrap();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let days = since.unwrap().as_secs() / 86_400 / 2;
        let makers = [include_str!("mod.rs"), include_str!("../chain/world.rs")];
        let mut hasher = DefaultHasher::new();
        let built = command.modified().unwrap();
        (command.len(), built, days, makers).hash(&mut hasher);
        let all = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        let dir = all.join(format!("{:016x}", hasher.finish()));
        std::fs::create_dir_all(&dir).unwrap();
        // Of builds that are gone.
        for other in std::fs::read_dir(&all).unwrap().flatten() {
            if other.path() != dir {
                let _ = std::fs::remove_dir_all(other.path());
            }
        }
        dir
    })
}

/// Nobody else has this lock as long as the file is open.
pub(crate) fn locked(file: &Path) -> File {
    let file = File::create(file).unwrap();
    file.lock().unwrap();
    file
}

/// A folder that is there once for all tests: made by the first that needs it, while the others wait.
pub(crate) fn once(name: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let dir = made().join(name);
    let _lock = locked(&dir.with_extension("lock"));
    let done = dir.with_extension("done");
    if !done.exists() {
        // What was interrupted.
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        make(&dir);
        std::fs::write(done, "").unwrap();
    }
    dir
}

/// The data directory of all tests that do not spoil it: the development setup takes long to make.
pub(crate) fn data() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("data")
}

pub(crate) fn path(p: &Path) -> &str {
    p.to_str().unwrap()
}

impl Fixture {
    pub(crate) fn command(&self, args: &[impl AsRef<str>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nanozk"));
        command.args(args.iter().map(AsRef::as_ref));
        command.env("NANOZK_DATA_DIR", &self.data);
        // What this account found itself.
        command.env("XDG_STATE_HOME", self.data.with_file_name("state"));
        command
    }

    pub(crate) fn call(&self, args: &[impl AsRef<str>]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The objects of a command that succeeds.
    pub(crate) fn json_ok(&self, args: &[impl AsRef<str>]) -> Vec<Value> {
        let (code, objects, stderr) = self.json(args);
        assert_eq!(code, 0, "{stderr}");
        objects
    }

    /// Exit code, objects, stderr.
    pub(crate) fn json(&self, args: &[impl AsRef<str>]) -> (i32, Vec<Value>, String) {
        let mut all = vec!["--json"];
        all.extend(args.iter().map(AsRef::as_ref));
        let output = self.call(&all);
        let stderr = String::from_utf8(output.stderr).unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let objects = stdout
            .lines()
            .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
            .collect();
        let code = output
            .status
            .code()
            .unwrap_or_else(|| panic!("{}: {stderr}", output.status));
        (code, objects, stderr)
    }

    /// Asserts that a command fails with exit code 2 and a message that has all `words`.
    pub(crate) fn fails(&self, args: &[impl AsRef<str>], words: &[&str]) {
        let (code, _, stderr) = self.json(args);
        assert_eq!(code, 2, "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        for word in words {
            assert!(stderr.contains(word), "no {word:?} in: {stderr}");
        }
    }

    pub(crate) fn import<'a>(&'a self, checkpoint: &'a Path, model: &'a Path) -> Vec<&'a str> {
        vec![
            "model",
            "import",
            path(checkpoint),
            "-o",
            path(model),
            "--calibration",
            path(&self.calibration),
            "--tokens",
            "8",
        ]
    }

    pub(crate) fn run(&self, session: &Path, prompt: &str, tokens: usize) -> Vec<String> {
        let words = [
            "run",
            "--model",
            path(&self.model),
            "--prompt",
            prompt,
            "--max-new-tokens",
            &tokens.to_string(),
            "-o",
            path(session),
        ];
        words.map(str::to_owned).to_vec()
    }

    pub(crate) fn verify<'a>(&'a self, session: &'a Path) -> Vec<&'a str> {
        vec!["verify", path(session), "--model-id", &self.id]
    }

    /// Asserts that a session is rejected for a reason that has all `words`.
    pub(crate) fn rejected(&self, session: &Path, words: &[&str]) {
        let (code, objects, stderr) = self.json(&self.verify(session));
        assert_eq!(code, 1, "{objects:?} {stderr}");
        let last = objects.last().unwrap();
        assert_eq!(last["accepted"], false);
        let reason = last["reason"].as_str().unwrap();
        for word in words {
            assert!(reason.contains(word), "no {word:?} in: {reason}");
        }
    }
}

/// A copy of a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Changes a JSON file.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    change(&mut value);
    std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}

pub(crate) fn config() -> Value {
    json!({
        "model_type": "gpt2",
        "architectures": ["GPT2LMHeadModel"],
        "activation_function": "gelu_new",
        "n_embd": WIDTH,
        "n_head": 2,
        "n_layer": 1,
        "n_positions": CONTEXT,
        "vocab_size": VOCAB,
        "layer_norm_epsilon": 1e-5,
    })
}

/// Tensors of a GPT-2 with one block, random.
pub(crate) fn tensors() -> BTreeMap<String, (Vec<usize>, Vec<f32>)> {
    let mut random = Random::new(7);
    let mut tensors = BTreeMap::new();
    let mut add = |name: &str, shape: &[usize], mean: f32, spread: f32| {
        let values = (0..shape.iter().product())
            .map(|_| mean + spread * random.normal(1 << 20) as f32 / (1u32 << 20) as f32)
            .collect();
        tensors.insert(format!("transformer.{name}"), (shape.to_vec(), values));
    };
    add("wte.weight", &[VOCAB, WIDTH], 0.0, 0.8);
    add("wpe.weight", &[CONTEXT, WIDTH], 0.0, 0.2);
    for norm in ["h.0.ln_1", "h.0.ln_2", "ln_f"] {
        add(&format!("{norm}.weight"), &[WIDTH], 1.0, 0.1);
        add(&format!("{norm}.bias"), &[WIDTH], 0.0, 0.1);
    }
    for (name, inputs, outputs) in [
        ("h.0.attn.c_attn", WIDTH, 3 * WIDTH),
        ("h.0.attn.c_proj", WIDTH, WIDTH),
        ("h.0.mlp.c_fc", WIDTH, 4 * WIDTH),
        ("h.0.mlp.c_proj", 4 * WIDTH, WIDTH),
    ] {
        add(&format!("{name}.weight"), &[inputs, outputs], 0.0, 0.25);
        add(&format!("{name}.bias"), &[outputs], 0.0, 0.05);
    }
    tensors
}

/// Writes `model.safetensors`.
pub(crate) fn write_tensors(dir: &Path, tensors: &BTreeMap<String, (Vec<usize>, Vec<f32>)>) {
    let bytes: BTreeMap<&String, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, values))| (name, values.iter().flat_map(|v| v.to_le_bytes()).collect()))
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        let view = TensorView::new(Dtype::F32, shape.clone(), &bytes[name]).unwrap();
        (name.clone(), view)
    });
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(dir.join("model.safetensors"), file).unwrap();
}

/// A byte-level BPE without merges, of the characters from the space to `~` and the line break.
pub(crate) fn tokenizer() -> Value {
    let mut vocab = serde_json::Map::new();
    for (id, byte) in (0x20..0x7f).chain([0x0a]).enumerate() {
        let shown = match byte {
            0x20u32 | 0x0a => char::from_u32(0x100 + byte),
            byte => char::from_u32(byte),
        };
        vocab.insert(shown.unwrap().to_string(), id.into());
    }
    let level = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [],
        "normalizer": null,
        "pre_tokenizer": level,
        "post_processor": null,
        "decoder": level,
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab, "merges": [],
        },
    })
}

/// Writes a whole checkpoint.
pub(crate) fn checkpoint(dir: &Path) {
    std::fs::create_dir_all(dir).unwrap();
    let write = |name: &str, value: Value| std::fs::write(dir.join(name), value.to_string());
    write("config.json", config()).unwrap();
    write("tokenizer.json", tokenizer()).unwrap();
    let template = "{% for m in messages %}{{ m.role[:1] }}{{ m.content }}{% endfor %}{% if add_generation_prompt %}>{% endif %}";
    std::fs::write(dir.join("chat_template.jinja"), template).unwrap();
    write_tensors(dir, &tensors());
}
