"""Expected logits and gradients of every decoder family, from transformers and PEFT.

usage: python scripts/golden/families.py [OUTPUT [CASE …]]

Needs the packages of requirements.txt. For each case a JSON file with the configuration (as the Hub spells it and
as this transformers saves it), the token ids and the losses, and a safetensors file with the logits at the real
positions and, for the families, the gradient of the mean negative log-likelihood to every parameter and to
every LoRA matrix. The weights are not stored, see portable.py.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.nn.functional as F
from cases import FAMILIES, ROPES
from peft import LoraConfig, get_peft_model
from portable import random_ids, random_tensor, stored
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model")
LENGTHS = [21, 14]
LORA = dict(r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.0)
ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
"""What Lorikeet's `all-linear` is beside experts; PEFT's takes some families' experts and routers, too."""


def saved_config(config):
    with TemporaryDirectory() as folder:
        config.save_pretrained(folder)
        return json.loads((Path(folder) / "config.json").read_text())


def load_config(fields):
    """Through a file, as a checkpoint is loaded."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(fields))
        return AutoConfig.from_pretrained(folder)


def build(case, config):
    eager = dict(attn_implementation="eager", experts_implementation="eager")
    model = AutoModelForCausalLM.from_config(config, **eager).float().eval()
    norm_mean = 0 if any(name in config.model_type for name in ("gemma", "nemotron", "qwen3_5")) else 1
    with torch.no_grad():
        for whole, parameter in model.named_parameters():
            for name, part in stored(whole, parameter, config.model_type):
                part.copy_(random_tensor(case, name, part.shape, norm_mean))
    return model


def forward(model, rows):
    """Logits at the real positions of right-padded rows, and the mean negative log-likelihood."""
    length = max(map(len, rows))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
    targets = ids.masked_fill(mask == 0, -100)[:, 1:]
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1), targets.flatten(), ignore_index=-100)
    return logits[mask.bool()], loss


def lora_gradients(model, case, rows):
    targets = dict(target_modules=ATTENTION) if getattr(model.config, "num_experts_per_tok", 0) > 0 else {}
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **LORA | targets)).eval()
    names = {}
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" not in name:
                continue
            names[name] = name.removeprefix("base_model.model.").replace(".default.weight", ".weight")
            parameter.copy_(random_tensor(case, names[name], parameter.shape, 0))
    _, loss = forward(adapted, rows)
    loss.backward()
    found = {names[name]: p.grad for name, p in adapted.named_parameters() if name in names}
    return loss, found


def run(case, fields, with_gradients):
    config = load_config(fields)
    model, rows = build(case, config), random_ids(case, LENGTHS, fields["vocab_size"])
    logits, loss = forward(model, rows)
    summary = {"config": fields, "saved": saved_config(config), "ids": rows, "loss": loss.item()}
    tensors = {"logits": logits.detach()}
    if with_gradients:
        loss.backward()
        gradients = [part for name, p in model.named_parameters() for part in stored(name, p.grad, config.model_type)]
        tensors |= {f"grad.{name}": gradient.clone() for name, gradient in gradients}
        lora_loss, gradients = lora_gradients(model, case, rows)
        summary |= {"lora": LORA, "loraLoss": lora_loss.item()}
        tensors |= {f"lora.{name}": grad.clone() for name, grad in gradients.items()}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, OUTPUT / f"{case}.safetensors")
    (OUTPUT / f"{case}.json").write_text(json.dumps(summary) + "\n")
    print(f"{case}: loss {loss.item():.4f}, logits std {logits.std().item():.3f}, {len(tensors)} tensors")


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for case, fields in {**FAMILIES, **ROPES}.items():
        if case in (sys.argv[2:] or [case]):
            run(case, fields, case in FAMILIES)
