"""Expected loss that keeps experts evenly used, and its gradients, from transformers and PEFT.

usage: python scripts/golden/routers.py [OUTPUT]

Needs the packages of requirements.txt. The models and token ids are those of families.py; both rows stand in one forward
pass, the shorter one padded. Gradients are of the auxiliary loss alone, those of LoRA at random matrices.
"""

import json
import sys
from pathlib import Path

import torch
from cases import FAMILIES
from families import ATTENTION, LENGTHS, LORA, build, load_config
from peft import LoraConfig, get_peft_model
from portable import random_ids, random_tensor, stored
from safetensors.torch import save_file

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model")
CASES = ["qwen3_moe", "olmoe", "flex_olmo", "granitemoe", "mixtral", "gpt_oss"]


def aux_loss(model, rows):
    length = max(map(len, rows))
    ids = torch.tensor([row + [0] * (length - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
    return model(input_ids=ids, attention_mask=mask, use_cache=False, output_router_logits=True).aux_loss


def run(case):
    config = load_config(FAMILIES[case])
    rows = random_ids(case, LENGTHS, FAMILIES[case]["vocab_size"])
    model = build(case, config)
    whole = aux_loss(model, rows)
    whole.backward()
    tensors = {
        f"{case}/grad.{name}": part.clone()
        for whole_name, p in model.named_parameters() if p.grad is not None for name, part in stored(whole_name, p.grad, config.model_type)
    }
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **LORA | dict(target_modules=ATTENTION))).eval()
    names = {}
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                names[name] = name.removeprefix("base_model.model.").replace(".default.weight", ".weight")
                parameter.copy_(random_tensor(case, names[name], parameter.shape, 0))
    lora = aux_loss(adapted, rows)
    lora.backward()
    found = {names[name]: p.grad for name, p in adapted.named_parameters() if name in names and p.grad is not None}
    tensors |= {f"{case}/lora.{name}": grad.clone() for name, grad in found.items()}
    return {"full": whole.item(), "lora": lora.item()}, tensors


if __name__ == "__main__":
    losses, tensors = {}, {}
    for case in CASES:
        losses[case], found = run(case)
        tensors |= found
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, OUTPUT / "routers.safetensors")
    (OUTPUT / "routers.json").write_text(json.dumps(losses, indent=2) + "\n")
    print(losses, len(tensors))
