"""Writes test/models/variants: small random checkpoints of each family and option, and what Hugging Face transformers
computes with them in float32.

    pip install torch transformers && python3 test/models/variants.py [NAME…]

The seeds are fixed; other versions of torch draw other weights. What the tests need is in the repository.
"""

import json
import pathlib
import sys

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

HERE = pathlib.Path(__file__).parent
VOCAB = 261
BASE = dict(
    vocab_size=VOCAB,
    hidden_size=24,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    head_dim=8,
    max_position_embeddings=64,
)


def rope(**more):
    return dict(BASE, rope_parameters=dict(rope_theta=10000.0, **more))


VARIANTS = {
    "llama": (LlamaForCausalLM, LlamaConfig(**BASE)),
    "llama-biases": (
        LlamaForCausalLM,
        LlamaConfig(**dict(BASE, attention_bias=True, mlp_bias=True, num_key_value_heads=6, head_dim=6)),
    ),
    "llama-linear": (LlamaForCausalLM, LlamaConfig(**rope(rope_type="linear", factor=2.5))),
    "llama-llama3": (
        LlamaForCausalLM,
        LlamaConfig(
            **rope(
                rope_type="llama3",
                factor=4.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=16,
            )
        ),
    ),
    "llama-yarn": (
        LlamaForCausalLM,
        LlamaConfig(**rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)),
    ),
    "llama-gelu": (LlamaForCausalLM, LlamaConfig(**dict(BASE, hidden_act="gelu_pytorch_tanh", tie_word_embeddings=True))),
    "mistral": (MistralForCausalLM, MistralConfig(**dict(BASE, sliding_window=16))),
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**dict(BASE, tie_word_embeddings=True))),
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**BASE)),
    # As many heads of keys as of queries, biases, and a scaled rotation.
    "qwen3-options": (
        Qwen3ForCausalLM,
        Qwen3Config(
            **dict(
                rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
                attention_bias=True,
                tie_word_embeddings=True,
                num_key_value_heads=6,
                head_dim=6,
            )
        ),
    ),
    "gpt2-silu": (
        GPT2LMHeadModel,
        GPT2Config(vocab_size=VOCAB, n_embd=24, n_layer=2, n_head=3, n_positions=32, activation_function="silu"),
    ),
}


def main():
    wanted = sys.argv[1:] or VARIANTS
    for name in wanted:
        kind, config = VARIANTS[name]
        torch.manual_seed(sum(map(ord, name)))
        model = kind(config).eval().float()
        with torch.no_grad():
            for parameter in model.parameters():
                # Also gains and biases, which are not random otherwise.
                centre = 1.0 if parameter.dim() == 1 and parameter.abs().min() > 0.5 else 0.0
                parameter.copy_(centre + 0.25 * torch.randn_like(parameter))
        ids = torch.randint(0, VOCAB, (1, 16))
        with torch.no_grad():
            logits = model(ids).logits[0]
        folder = HERE / "variants" / name
        model.save_pretrained(folder)
        reference = {"ids": ids[0].tolist(), "logits": [[round(v, 6) for v in row] for row in logits.tolist()]}
        (folder / "reference.json").write_text(json.dumps(reference) + "\n")
        (folder / "generation_config.json").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
