"""LoRA on the parameters of experts as PEFT trains, saves and merges it (`target_parameters`).

usage: python scripts/golden/expert_lora.py [OUTPUT]

Needs the packages of requirements.txt. For each case a folder with the adapter as PEFT saves it, `expected.json` with the
configuration of the base, the options, the token ids, the losses of AdamW's steps, and `expected.safetensors` with the
logits, the gradient to every trained parameter under Lorikeet's names, and the base's matrices that a merge changes. The
base weights are not stored, see portable.py.
"""

import json
import sys
from pathlib import Path

import torch
from cases import FAMILIES
from families import build, forward, load_config
from lora_variants import ours
from peft import LoraConfig, get_peft_model
from portable import random_ids, random_tensor, stored
from safetensors.torch import save_file

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/peft/experts")
LENGTHS = [9, 6]
BOTH = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
CASES = {
    "qwen3_moe": dict(target_modules=[], target_parameters=BOTH, use_rslora=True, rank_pattern={"down_proj": 2}),
    "olmoe": dict(target_modules=["q_proj", "o_proj"], target_parameters=["experts.down_proj"],
                  alpha_pattern={r"layers\.1\.mlp\.experts\.down_proj": 9}),
    "flex_olmo": dict(target_modules=["k_proj"], target_parameters=["gate_up_proj", "down_proj"], use_rslora=True),
    "granitemoe": dict(target_modules=["v_proj"], target_parameters=["gate_up_proj", "down_proj"]),
    "gpt_oss": dict(target_modules=["q_proj"], target_parameters=BOTH, use_rslora=True, rank_pattern={"down_proj": 2}),
    "mixtral": dict(target_modules=[], target_parameters=[f"model.layers.1.{BOTH[0]}"]),
    "qwen3_moe-saved": dict(target_modules=["k_proj"], target_parameters=BOTH, modules_to_save=["lm_head"]),
}
CONFIGS = {
    family: FAMILIES[family] | (dict(head_dim=16) if "head_dim" in FAMILIES[family] else dict(num_attention_heads=1, num_key_value_heads=1))
    for family in ("qwen3_moe", "olmoe", "flex_olmo", "granitemoe", "gpt_oss", "mixtral")
}
"""With heads as large as rollouts take them."""
ADAMW = dict(lr=1e-2, weight_decay=0.1)
STEPS = 3


def parameter_names(model):
    """Lorikeet's names: those of LoRA on a parameter have its whole name before them."""
    names = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            names[name] = ours(name)
    for path, module in model.named_modules():
        if hasattr(module, "parameter_name"):
            for part in ("lora_A", "lora_B"):
                own = ours(f"{path}.").replace("base_layer.", "")
                names[f"{path}.{part}.default.weight"] = f"{own}{module.parameter_name}.{part}.weight"
    return names


def adapted(family, options):
    model = build(family, load_config(CONFIGS[family]))
    config = LoraConfig(task_type="CAUSAL_LM", r=3, lora_alpha=6, **options)
    model = get_peft_model(model, config).eval()
    model.peft_config["default"].base_model_name_or_path = f"tiny-{family}"
    names = parameter_names(model)
    trained = {names[name]: p for name, p in model.named_parameters() if p.requires_grad}
    with torch.no_grad():
        for name, parameter in trained.items():
            parameter.copy_(random_tensor("trained", name, parameter.shape, 1))
    return model, trained


def step_losses(model, trained, rows):
    optimizer = torch.optim.AdamW(trained.values(), **ADAMW)
    losses = []
    for _ in range(STEPS):
        loss = forward(model, rows)[1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def merged_matrices(model):
    whole = model.merge_and_unload()
    parameters = {name: p for name, p in whole.named_parameters() if ".experts." in name}
    return {n: part for name, p in parameters.items() for n, part in stored(name, p.detach(), whole.config.model_type)}


def run(case, options):
    folder, family = OUTPUT / case, case.split("-")[0]
    fields = CONFIGS[family]
    rows = random_ids(case, LENGTHS, fields["vocab_size"])
    model, trained = adapted(family, options)
    model.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    logits, loss = forward(model, rows)
    loss.backward()
    tensors = {"logits": logits.detach()} | {f"grad.{name}": p.grad.clone() for name, p in trained.items()}
    losses = step_losses(model, trained, rows)
    model, _ = adapted(family, options)
    merged = merged_matrices(model)
    tensors |= {f"merged.{name}": matrix for name, matrix in merged.items() if ".layers.1." in name and name.endswith(".weight")}
    save_file({name: t.contiguous() for name, t in tensors.items()}, folder / "expected.safetensors")
    summary = {"family": family, "config": fields, "options": options, "ids": rows, "adamw": ADAMW, "losses": losses}
    (folder / "expected.json").write_text(json.dumps(summary) + "\n")
    print(f"{case}: loss {loss.item():.4f}, {sorted(trained)[:4]} …")


if __name__ == "__main__":
    for case, options in CASES.items():
        run(case, options)
