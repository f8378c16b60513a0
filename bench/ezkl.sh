#!/usr/bin/env bash
# A GPT-2 block at d=64 with 4 tokens, proved by EZKL and by nanozk on this machine, one after the other.
# Prints CPU seconds, peak memory, proof bytes, and the ratios; also our final proof, and ours at d=128 with 16 tokens.
# Needs Python 3.11 with venv, about 6 GB of disk for EZKL's dependencies and 11 GB of free memory.
# Nothing else should run meanwhile. BENCH_DIR (default work/bench) keeps the environment and files.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${BENCH_DIR:-work/bench}
mkdir -p "$dir/ezkl"
dir=$(cd "$dir" && pwd)

cargo build --release --quiet -p nanozk-cli
target=${CARGO_TARGET_DIR:-target}
nanozk="$target/release/nanozk"

if [ ! -x "$dir/venv/bin/python" ]; then
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install --quiet -r bench/ezkl/requirements.txt
fi

echo "nanozk, d=64, 4 tokens" >&2
"$nanozk" --json bench layer --width 64 --heads 4 --tokens 4 --final > "$dir/nanozk-64.json"
echo "nanozk, d=128, 16 tokens" >&2
"$nanozk" --json bench layer --width 128 --heads 4 --tokens 16 > "$dir/nanozk-128.json"
echo "EZKL, d=64, 4 tokens (several minutes)" >&2
EZKL_MEM_GB=${EZKL_MEM_GB:-16} "$dir/venv/bin/python" bench/ezkl/ezkl_bench.py "$dir/ezkl/d64" block 64 4 > "$dir/ezkl-64.json"

python3 bench/compare.py "$dir"
