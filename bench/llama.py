"""Tokens per second of llama.cpp and of nanozk, on the same machine and the same shape: GPT-2 small, random weights.

    python3 -m venv venv
    venv/bin/pip install numpy gguf llama-cpp-python      # compiles llama.cpp for this processor
    cargo build --release -p nanozk-cli
    venv/bin/python bench/llama.py --nanozk target/release/nanozk

Rounds of all of them follow one another, so that what else the machine does meets each of them alike. Of each round the
ratios to llama.cpp are taken; printed are medians over rounds. llama.cpp is given random tokens to go on with, and so does not
choose any; nanozk chooses its own. `--json FILE` keeps all figures.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import gguf
import llama_cpp
import numpy as np

LAYERS, WIDTH, HEADS, MLP, VOCAB, CONTEXT = 12, 768, 12, 3072, 50_257, 1024
TYPES = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16}


def write(path, kind):
    """A GGUF of the shape of GPT-2 small. The head is the embedding of tokens."""
    random = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "gpt2")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(MLP)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(1e-5)
    writer.add_vocab_size(VOCAB)
    writer.add_tokenizer_model("none")

    def vector(name, mean, length):
        values = mean + 0.1 * random.standard_normal(length, dtype=np.float32)
        writer.add_tensor(name, values.astype(np.float32))

    def matrix(name, rows, columns, deviation, stored=TYPES[kind]):
        values = deviation * random.standard_normal((rows, columns), dtype=np.float32)
        writer.add_tensor(name, gguf.quants.quantize(values, stored), raw_dtype=stored)

    def affine(name, outputs, inputs):
        matrix(f"{name}.weight", outputs, inputs, inputs**-0.5)
        vector(f"{name}.bias", 0, outputs)

    def norm(name):
        vector(f"{name}.weight", 1, WIDTH)
        vector(f"{name}.bias", 0, WIDTH)

    matrix("token_embd.weight", VOCAB, WIDTH, 0.14)
    matrix("position_embd.weight", CONTEXT, WIDTH, 0.05, gguf.GGMLQuantizationType.F32)
    for layer in range(LAYERS):
        norm(f"blk.{layer}.attn_norm")
        affine(f"blk.{layer}.attn_qkv", 3 * WIDTH, WIDTH)
        affine(f"blk.{layer}.attn_output", WIDTH, WIDTH)
        norm(f"blk.{layer}.ffn_norm")
        affine(f"blk.{layer}.ffn_up", MLP, WIDTH)
        affine(f"blk.{layer}.ffn_down", WIDTH, MLP)
    norm("output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def llama(model, prompt, generated):
    """Tokens per second of the prompt, and of what comes after its first token."""
    model.reset()
    start = time.perf_counter()
    model.eval(prompt)
    first = time.perf_counter()
    for token in generated[:-1]:
        model.eval([token])
    end = time.perf_counter()
    return len(prompt) / (first - start), (len(generated) - 1) / (end - first)


def nanozk(args):
    """The same, and all that the command says."""
    command = [args.nanozk, "--json", "bench", "run", "--like", "gpt2", "--repeat", str(args.repeat)]
    command += ["--threads", str(args.threads), "--prompt", str(args.prompt), "--generated", str(args.generated)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return (said["prompt_tokens_per_s"], said["generation_tokens_per_s"]), said


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--nanozk", default="target/release/nanozk", help="the command")
parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
parser.add_argument("--prompt", type=int, default=128, help="tokens")
parser.add_argument("--generated", type=int, default=64, help="tokens")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--repeat", type=int, default=3, help="runs in a round, of which the median counts")
parser.add_argument("--json", metavar="FILE", help="where all figures go")
args = parser.parse_args()

folder = tempfile.TemporaryDirectory()
models = {}
for kind in TYPES:
    path = os.path.join(folder.name, f"{kind}.gguf")
    write(path, kind)
    threads = {"n_threads": args.threads, "n_threads_batch": args.threads}
    models[kind] = llama_cpp.Llama(path, n_ctx=CONTEXT, n_batch=512, verbose=False, **threads)
random = np.random.default_rng(2)
prompt, generated = ([int(t) for t in random.integers(VOCAB, size=n)] for n in (args.prompt, args.generated))

rounds = []
for number in range(args.rounds):
    figures = {}
    for kind, model in models.items():
        runs = [llama(model, prompt, generated) for _ in range(args.repeat)]
        figures[kind] = [statistics.median(run[part] for run in runs) for part in (0, 1)]
    figures["nanozk"], said = nanozk(args)
    rounds.append(figures)
    print(f"round {number + 1} of {args.rounds}:", file=sys.stderr, end="")
    for name, (a, b) in figures.items():
        print(f"  {name} {a:.1f} {b:.2f}", file=sys.stderr, end="")
    print(file=sys.stderr, flush=True)

print(f"llama-cpp-python {llama_cpp.__version__}, {args.threads} threads, prompt {args.prompt}, generated {args.generated}")
print(f"{'':12}{'prompt tokens/s':>18}{'generation tokens/s':>22}")
for name in [*TYPES, "nanozk"]:
    prompt_rate, rate = (statistics.median(r[name][part] for r in rounds) for part in (0, 1))
    print(f"{name:12}{prompt_rate:18.1f}{rate:22.2f}")
for kind in TYPES:
    ratios = [[r["nanozk"][part] / r[kind][part] for r in rounds] for part in (0, 1)]
    said_ratios = (f"{statistics.median(r):.2f} ({min(r):.2f}–{max(r):.2f})" for r in ratios)
    print(f"nanozk over llama.cpp {kind}: prompt {', generation '.join(said_ratios)}")
if args.json:
    with open(args.json, "w", encoding="utf-8") as file:
        json.dump({"rounds": rounds, "nanozk": said, "llama_cpp_python": llama_cpp.__version__}, file, indent=1)
