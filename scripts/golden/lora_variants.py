"""Logits and gradients of every kind of LoRA that PEFT trains, on a small random decoder.

usage: python scripts/golden/lora_variants.py [OUTPUT]

Needs the packages of requirements.txt. For each variant: the options, the names and shapes that PEFT saves, the loss;
in the safetensors file the logits and the gradient of the mean negative log-likelihood to every trained parameter,
under Lorikeet's names. Trained values come from the portable generator, except for PiSSA, which starts from
the base's own decomposition; there the gradients are given up to the sign of each component. `loraplus` holds the
losses of five steps of PEFT's LoRA+ optimizer. Weights are not stored, see portable.py.
"""

import json
import sys
from pathlib import Path
from tempfile import mkdtemp

import torch
from cases import BASE
from families import build, forward, load_config
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from peft.optimizers import create_loraplus_optimizer
from portable import random_ids, random_tensor
from safetensors.torch import save_file

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/peft/variants")
CONFIG = dict(
    BASE, model_type="qwen2", vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
    num_attention_heads=2, num_key_value_heads=1, head_dim=16, use_sliding_window=False, tie_word_embeddings=True,
)
LENGTHS = [9, 6]
PLAIN = dict(r=3, lora_alpha=6, target_modules="all-linear", lora_dropout=0.0)
VARIANTS = {
    "dora": dict(use_dora=True),
    "dora-rslora": dict(use_dora=True, use_rslora=True, rank_pattern={"v_proj": 2}, alpha_pattern={"down_proj": 9}),
    "bias-all": dict(bias="all", target_modules=["o_proj"]),
    "bias-lora-only": dict(bias="lora_only", target_modules=["q_proj", "o_proj"]),
    "save-head": dict(modules_to_save=["lm_head"]),
    "save-head-untied": dict(modules_to_save=["lm_head"], tie_word_embeddings=False),
    "save-embeddings": dict(modules_to_save=["embed_tokens"]),
    "save-both": dict(modules_to_save=["embed_tokens", "lm_head", "norm"]),
    "save-linear": dict(modules_to_save=["q_proj"], bias="lora_only", use_dora=True),
    "pissa": dict(init_lora_weights="pissa"),
    "pissa-rslora": dict(init_lora_weights="pissa", use_rslora=True),
    "pissa-dora": dict(init_lora_weights="pissa", use_dora=True),
}
LORAPLUS = dict(lr=1e-2, loraplus_lr_ratio=8.0, loraplus_weight_decay=0.1)


def ours(name):
    """Lorikeet's name of a trained parameter."""
    name = name.removeprefix("base_model.model.").replace(".base_layer.", ".").replace(".modules_to_save.default", "")
    return name.replace("lora_magnitude_vector.default.weight", "lora_magnitude_vector").replace(".default.weight", ".weight")


def adapted(options, fill=True):
    options = dict(PLAIN, **options)
    tied = options.pop("tie_word_embeddings", True)
    base = build("variants", load_config(dict(CONFIG, tie_word_embeddings=tied)))
    torch.manual_seed(0)
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **options)).eval()
    trained = {ours(name): p for name, p in model.named_parameters() if p.requires_grad}
    if fill:
        with torch.no_grad():
            for name, parameter in trained.items():
                parameter.copy_(random_tensor("trained", name, parameter.shape, 1))
    return model, trained


def converted_logits(model, options, rows):
    """Trained a little, saved as plain LoRA and loaded on the whole base."""
    start, folder = mkdtemp(), mkdtemp()
    model.peft_config["default"].init_lora_weights = True
    model.save_pretrained(start)
    model.peft_config["default"].init_lora_weights = options["init_lora_weights"]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_A" in name:
                parameter.mul_(1 + torch.arange(parameter.shape[0])[:, None] / 10)
            elif "lora_B" in name:
                parameter.mul_(0.7)
    expected = forward(model, rows)[0]
    model.save_pretrained(folder, path_initial_model_for_weight_conversion=start)
    base = build("variants", load_config(CONFIG))
    found = forward(PeftModel.from_pretrained(base, folder).eval(), rows)[0]
    assert (found - expected).abs().max() < 1e-4, "the converted adapter is not the trained one"
    return found


def run(variant, options, rows, tensors):
    is_pissa = "init_lora_weights" in options
    model, trained = adapted(options, fill=not is_pissa)
    logits, loss = forward(model, rows)
    loss.backward()
    tensors[f"{variant}/logits"] = logits.detach()
    tensors |= {f"{variant}/{name}": p.grad.clone() for name, p in trained.items()}
    saved = {name: list(t.shape) for name, t in get_peft_model_state_dict(model).items()}
    if is_pissa and not options.get("use_dora"):
        tensors[f"{variant}/converted"] = converted_logits(model, options, rows).detach()
    print(f"{variant}: loss {loss.item():.4f}, {len(trained)} trained")
    return {"options": dict(PLAIN, **options), "loss": loss.item(), "saved": saved}


def loraplus(rows):
    options = dict(use_dora=True, bias="all", modules_to_save=["lm_head"])
    model, _ = adapted(options)
    optimizer = create_loraplus_optimizer(model, torch.optim.AdamW, **LORAPLUS)
    losses = []
    for _ in range(5):
        loss = forward(model, rows)[1]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    print("loraplus", losses)
    return {"options": dict(PLAIN, **options), **LORAPLUS, "losses": losses}


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    ids, found = random_ids("variants", LENGTHS, CONFIG["vocab_size"]), {}
    cases = {variant: run(variant, options, ids, found) for variant, options in VARIANTS.items()}
    summary = {"config": CONFIG, "ids": ids, "cases": cases, "loraplus": loraplus(ids)}
    (OUTPUT / "variants.json").write_text(json.dumps(summary) + "\n")
    save_file({name: t.contiguous() for name, t in found.items()}, OUTPUT / "variants.safetensors")
