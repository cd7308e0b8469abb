"""Greedy completions of `lorikeet generate` against transformers' `generate`, for every decoder family.

usage: python scripts/checks/generate_parity.py [FOLDER]

Needs the packages of golden/requirements.txt and a built or checked-out program (it runs `npx tsx src/cli/main.ts`).
For each case of golden/cases.py it saves a small random checkpoint and a random PEFT adapter as these libraries
save them, and compares prompts of mixed lengths, all in one batch, token for token in float32, without and with
the adapter. A difference where the two likeliest tokens are less than 1e-4 apart is a near-tie: the row is
compared up to there. One JSON line a case; the exit code is 1 when anything else differs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

sys.path.insert(0, str(Path(__file__).parent.parent / "golden"))
from cases import FAMILIES, ROPES
from portable import Rng

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="generate-parity-"))
PROMPTS, NEW_TOKENS, NEAR_TIE = 48, 24, 1e-4
SHORT = [1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0]


def save_tokenizer(folder, size):
    vocabulary = {"a" if i == 0 else f"t{i}": i for i in range(size)}
    model = {"type": "WordLevel", "vocab": vocabulary, "unk_token": "a"}
    plain = {
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None, "decoder": {"type": "Fuse"}, "model": model,
    }
    (folder / "tokenizer.json").write_text(json.dumps(plain))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))


def enlarged(fields):
    """The rollout engine takes heads and rotated parts of a multiple of 16 only."""
    wider = dict(fields, hidden_size=128, intermediate_size=160)
    if "head_dim" in fields:
        wider["head_dim"] = 32
    if "partial_rotary_factor" in fields:
        wider["partial_rotary_factor"] = 0.5
    if (scaling := fields.get("rope_scaling")) and "short_factor" in scaling:
        wider["rope_scaling"] = dict(scaling, short_factor=SHORT, long_factor=[4 * x for x in SHORT])
    return wider


def make(case, fields, folder):
    """A checkpoint and an adapter whose numbers are large enough to vary what is written."""
    torch.manual_seed(0)
    (folder / "config.json").write_text(json.dumps(fields))
    config = AutoConfig.from_pretrained(folder)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").float().eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            scale = 0.03 if "embed" in name else 0.2
            parameter.copy_(parameter + scale * torch.randn_like(parameter))
    model.save_pretrained(folder)
    save_tokenizer(folder, fields["vocab_size"])
    lora = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, target_modules="all-linear", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(folder), lora).save_pretrained(folder / "adapter")


def load(folder, adapter):
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").float().eval()
    return PeftModel.from_pretrained(model, folder / "adapter").eval() if adapter else model


def ours(folder, prompts, adapter):
    rows, output = folder / "prompts.jsonl", folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"ids": ids}) + "\n" for ids in prompts))
    words = [f"model={folder}", f"input={rows}", f"output={output}", "overwrite=true", "temperature=0"]
    words += [f"max_new_tokens={NEW_TOKENS}", f"batch_size={PROMPTS}", "threads=1"]
    words += ["rollout_precision=float32"]
    words += [f"adapter={folder / 'adapter'}"] if adapter else []
    subprocess.run(["npx", "tsx", "src/cli/main.ts", "generate", *words], check=True, capture_output=True)
    return [json.loads(line)["completion_ids"] for line in output.read_text().splitlines()]


@torch.no_grad()
def compare(model, prompts, found):
    tokens, near_ties, differences, distinct = 0, 0, 0, set()
    for prompt, ids in zip(prompts, found, strict=True):
        ids_in, mask = torch.tensor([prompt]), torch.ones(1, len(prompt), dtype=torch.long)
        result = model.generate(
            input_ids=ids_in, attention_mask=mask, max_new_tokens=NEW_TOKENS, do_sample=False, pad_token_id=0,
            return_dict_in_generate=True, output_logits=True,
        )
        expected = result.sequences[0, len(prompt):].tolist()
        distinct |= set(expected)
        for step, (mine, theirs) in enumerate(zip(ids, expected, strict=True)):
            top = torch.topk(result.logits[step][0].double(), 2).values
            is_near = float(top[0] - top[1]) < NEAR_TIE
            near_ties += is_near
            if mine != theirs:
                differences += not is_near
                break
            tokens += 1
    return {"equal_tokens": tokens, "near_ties": near_ties, "differences": differences, "distinct": len(distinct)}


def main():
    failed = False
    for case, fields in {**FAMILIES, **ROPES}.items():
        folder = FOLDER / case
        folder.mkdir(parents=True, exist_ok=True)
        make(case, enlarged(fields), folder)
        # Longer sequences take other frequencies in the families whose scaling is dynamic.
        longest = min(fields["max_position_embeddings"], fields.get("original_max_position_embeddings", 64)) - NEW_TOKENS
        rng = Rng("generate-parity", case)
        lengths = [rng.int(1, max(longest, 1)) for _ in range(PROMPTS)]
        prompts = [[rng.int(0, fields["vocab_size"] - 1) for _ in range(length)] for length in lengths]
        for adapter in (False, True):
            result = compare(load(folder, adapter), prompts, ours(folder, prompts, adapter))
            failed |= result["differences"] > 0
            print(json.dumps({"case": case, "adapter": adapter, "prompts": PROMPTS, **result}), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
