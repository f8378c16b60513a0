"""compare.py <dir>: prints EZKL's block beside ours, with ratios of joint proofs, from the files bench/ezkl.sh wrote."""
import json
import sys

folder = sys.argv[1]


def ours(name):
    """What the run of a block says of its joint proof and, where they were made, of all with node and final proof."""
    (block,) = [json.loads(line) for line in open(f"{folder}/{name}.json") if line.strip()]

    def row(proof, cpu_s, parts):
        peak = max(part["peak_rss_bytes"] for part in parts)
        return {"prove_cpu_s": cpu_s, "peak_gb": peak / 1e9, "bytes": proof["proof_bytes"], "verify_ms": proof["verify_ms"]}

    rows = [row(block, block["prove_cpu_s"], [block])]
    if "final" in block:
        final = block["final"]
        rows.append(row(final, final["all_cpu_s"], [block, block["node"], final]))
    return rows


e = json.load(open(f"{folder}/ezkl-64.json"))
ezkl = {
    "prove_cpu_s": e["steps"]["prove"]["cpu"],
    "peak_gb": e["steps"]["prove"]["rss_mb"] / 1e3,
    "bytes": e["proof_bytes"],
}
a, final = ours("nanozk-64")
(b,) = ours("nanozk-128")
print(f"{'':46}{'prove CPU s':>12}{'peak GB':>9}{'bytes':>8}")
for name, r in (
    ("EZKL 23.0.5, d=64, 4 tokens", ezkl),
    ("nanozk, d=64, 4 tokens, joint proof", a),
    ("the same with node and final proof", final),
    ("nanozk, d=128, 16 tokens, joint proof", b),
):
    print(f"{name:46}{r['prove_cpu_s']:12.2f}{r['peak_gb']:9.2f}{r['bytes']:8}")
cpu, memory = ezkl["prove_cpu_s"] / a["prove_cpu_s"], ezkl["peak_gb"] / a["peak_gb"]
print(f"\nd=64: {cpu:.0f} times less CPU to prove, {memory:.0f} times less memory than EZKL for the joint proof")
print(json.dumps({"ezkl": ezkl, "nanozk_64": a, "nanozk_64_final": final, "nanozk_128": b, "cpu_ratio": cpu, "memory_ratio": memory}))
if cpu < 10 or memory < 5:
    sys.exit("below the goal of 10 times less CPU and 5 times less memory")
