"""compare.py <dir>: prints EZKL's block beside ours, with ratios, from the files bench/ezkl.sh wrote."""
import json
import sys

folder = sys.argv[1]


def ours(name):
    """The attention and MLP proofs of a block: CPU seconds and bytes add up, memory is the larger."""
    rows = [json.loads(line) for line in open(f"{folder}/{name}.json") if line.strip()]
    proofs = [r for r in rows if r["kind"] in ("attention", "mlp")]
    assert len(proofs) == 2, f"{name}: {len(proofs)} proofs"
    return {
        "prove_cpu_s": sum(p["prove_cpu_s"] for p in proofs),
        "peak_gb": max(p["peak_rss_bytes"] for p in proofs) / 1e9,
        "bytes": sum(p["proof_bytes"] for p in proofs),
        "verify_ms": sum(p["verify_ms"] for p in proofs),
    }


e = json.load(open(f"{folder}/ezkl-64.json"))
ezkl = {
    "prove_cpu_s": e["steps"]["prove"]["cpu"],
    "peak_gb": e["steps"]["prove"]["rss_mb"] / 1e3,
    "bytes": e["proof_bytes"],
}
a, b = ours("nanozk-64"), ours("nanozk-128")
print(f"{'':34}{'prove CPU s':>12}{'peak GB':>9}{'bytes':>8}")
for name, r in (("EZKL 23.0.5, d=64, 4 tokens", ezkl), ("nanozk, d=64, 4 tokens", a), ("nanozk, d=128, 16 tokens", b)):
    print(f"{name:34}{r['prove_cpu_s']:12.2f}{r['peak_gb']:9.2f}{r['bytes']:8}")
cpu, memory = ezkl["prove_cpu_s"] / a["prove_cpu_s"], ezkl["peak_gb"] / a["peak_gb"]
print(f"\nd=64: {cpu:.0f} times less CPU to prove, {memory:.0f} times less memory than EZKL")
print(json.dumps({"ezkl": ezkl, "nanozk_64": a, "nanozk_128": b, "cpu_ratio": cpu, "memory_ratio": memory}))
if cpu < 10 or memory < 5:
    sys.exit("below the goal of 10 times less CPU and 5 times less memory")
