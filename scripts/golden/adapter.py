"""An adapter saved by peft and the log-probabilities that transformers and peft give with it.

usage: python scripts/golden/adapter.py [OUTPUT]

Needs the packages of requirements.txt. Writes the two files of the adapter and `expected.json`: the configuration of
the base, token ids, log p of each id given those before it. The base weights are not stored, see portable.py.
"""

import json
import sys
from pathlib import Path

import torch
from cases import BASE
from families import build, load_config
from peft import LoraConfig, get_peft_model
from portable import Rng, random_ids

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/peft/trained")
LENGTHS = [2, 33, 14]
CONFIG = dict(BASE, model_type="llama", head_dim=16, rope_theta=500.0, tie_word_embeddings=False)
LORA = dict(
    r=4,
    lora_alpha=6,
    use_rslora=True,
    target_modules=["q_proj", "v_proj", "up_proj", "down_proj"],
    rank_pattern={"v_proj": 2, r"layers\.1\.mlp\.up_proj": 3},
    alpha_pattern={"down_proj": 9},
)


def main():
    model = get_peft_model(build("llama", load_config(CONFIG)), LoraConfig(task_type="CAUSAL_LM", **LORA)).eval()
    model.peft_config["default"].base_model_name_or_path = "tiny-llama"
    rng = Rng("golden", "adapter")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                values = [0.2 * rng.normal() for _ in range(parameter.numel())]
                parameter.copy_(torch.tensor(values).reshape(parameter.shape))
    model.save_pretrained(OUTPUT)
    (OUTPUT / "README.md").unlink(missing_ok=True)
    rows = random_ids("adapter", LENGTHS, CONFIG["vocab_size"])
    with torch.no_grad():
        scores = [model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1) for ids in rows]
    logps = [score.gather(1, torch.tensor(ids)[1:, None])[:, 0].tolist() for score, ids in zip(scores, rows)]
    (OUTPUT / "expected.json").write_text(json.dumps({"config": CONFIG, "ids": rows, "logprobs": logps}) + "\n")


if __name__ == "__main__":
    main()
