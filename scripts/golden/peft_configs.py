"""Writes test/fixtures/peft/: what PEFT itself makes of LoRA configs, for the tests of src/weights.

    python scripts/golden/peft_configs.py        (torch, transformers and peft from PyPI)

`targets.json`: for each config the modules that get LoRA, with rank and scale, on a two-layer Llama.
`adapter/`: an adapter saved by peft on that model, with `rank_pattern` and `alpha_pattern`.
"""

import json
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners.lora import Linear
from transformers import LlamaConfig, LlamaForCausalLM

OUT = Path(__file__).parent.parent.parent / "test" / "fixtures" / "peft"

CONFIGS = [
    {"target_modules": ["q_proj", "v_proj"]},
    {"target_modules": "all-linear"},
    {"target_modules": ["lm_head", "layers.1.mlp.up_proj"]},
    {"target_modules": r".*\.layers\.0\..*(q|o)_proj"},
    {"target_modules": r".*(?P<side>q|k)_proj", "use_rslora": True},
    {"target_modules": "all-linear", "exclude_modules": ["o_proj", "model.layers.0.mlp.down_proj"]},
    {"target_modules": "all-linear", "exclude_modules": r".*mlp.*"},
    {"target_modules": ["q_proj", "up_proj"], "layers_to_transform": 1},
    {"target_modules": ["q_proj", "lm_head"], "layers_to_transform": [0], "layers_pattern": "layers"},
    {
        "target_modules": "all-linear",
        "rank_pattern": {"q_proj": 2, r"layers\.1\..*proj": 8, "model.layers.0.mlp.up_proj": 3},
        "alpha_pattern": {"down_proj": 5, "proj": 7},
    },
    {"target_modules": ["q_proj", "k_proj"], "rank_pattern": {"q": 2, "^model.layers.0.self_attn.k_proj": 6}},
]


def tiny_model():
    config = LlamaConfig(
        vocab_size=32,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=False,
    )
    return LlamaForCausalLM(config)


def targets_of(fields):
    model = get_peft_model(tiny_model(), LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=6, **fields))
    prefix = "base_model.model."
    return [
        {"module": name.removeprefix(prefix), "r": module.r["default"], "scale": module.scaling["default"]}
        for name, module in model.named_modules()
        if isinstance(module, Linear)
    ]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    linears = [name for name, module in tiny_model().named_modules() if isinstance(module, torch.nn.Linear)]
    cases = [{"config": {"r": 4, "lora_alpha": 6, **fields}, "targets": targets_of(fields)} for fields in CONFIGS]
    (OUT / "targets.json").write_text(json.dumps({"linears": linears, "cases": cases}, indent=1) + "\n")

    torch.manual_seed(0)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=4,
        lora_alpha=6,
        target_modules=["q_proj", "down_proj"],
        rank_pattern={"down_proj": 2},
        alpha_pattern={"layers.1.self_attn.q_proj": 10},
    )
    model = get_peft_model(tiny_model(), config)
    model.peft_config["default"].base_model_name_or_path = "tiny-llama"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.copy_(torch.arange(parameter.numel()).reshape(parameter.shape) / 8)
    model.save_pretrained(OUT / "adapter")
    (OUT / "adapter" / "README.md").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
