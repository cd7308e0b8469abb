"""Holds Lorikeet's adapters to PEFT, and PEFT's to Lorikeet. Needs torch, transformers and peft (PyPI).

Check: load a base folder and an adapter folder with transformers and peft, fail on any missing or
unexpected key, and print what the model computes (float32) on given ids as one JSON object:

    python scripts/checks/peft_scores.py --base MODEL --adapter ADAPTER --ids '[[1, 2, 3]]' [--logits]

`--input rows.jsonl` takes rows {"ids": [...]} instead, such as the output of `lorikeet score`; where rows
carry `logprobs`, `max_logprob_difference` compares them. Leave out --adapter for the base alone.

Make: save an adapter with random A and B by peft, for Lorikeet to load; prints the same JSON:

    python scripts/checks/peft_scores.py --make --base MODEL --adapter OUT --ids '[[1, 2, 3]]' --r 8 --alpha 16

Exit code 1 on missing or unexpected keys.
"""

import argparse
import json
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", required=True, help="Hugging Face model folder")
    parser.add_argument("--adapter", help="PEFT adapter folder (with --make: where to save it)")
    parser.add_argument("--ids", help="JSON list of lists of token ids")
    parser.add_argument("--input", help='JSONL rows with "ids" and perhaps "logprobs"')
    parser.add_argument("--logits", action="store_true", help="print all logits too")
    parser.add_argument("--make", action="store_true", help="save a random adapter instead")
    parser.add_argument("--r", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16)
    parser.add_argument("--rslora", action="store_true")
    parser.add_argument("--targets", default="all-linear", help="all-linear, or names with commas")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def load_base(folder):
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    return model.eval(), {name: sorted(map(str, info[name])) for name in ("missing_keys", "unexpected_keys")}


def key_differences(model, folder):
    """Keys that the model needs and the file lacks, and the other way round; shapes count as well."""
    expected = {(key, tuple(value.shape)) for key, value in get_peft_model_state_dict(model).items()}
    found = {(key, tuple(value.shape)) for key, value in load_file(f"{folder}/adapter_model.safetensors").items()}
    name = lambda entry: f"{entry[0]} {list(entry[1])}"
    return {
        "missing_keys": sorted(map(name, expected - found)),
        "unexpected_keys": sorted(map(name, found - expected)),
    }


def make_adapter(base, args):
    targets = args.targets if args.targets == "all-linear" else args.targets.split(",")
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=args.r,
        lora_alpha=args.alpha,
        use_rslora=args.rslora,
        target_modules=targets,
    )
    model = get_peft_model(base, config)
    torch.manual_seed(args.seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(std=0.1)
    model.save_pretrained(args.adapter)
    return model.eval()


def read_rows(args):
    if args.ids:
        return [{"ids": ids} for ids in json.loads(args.ids)]
    if args.input:
        with open(args.input, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.strip()]
    return []


@torch.no_grad()
def compute(model, row, with_logits):
    ids = torch.tensor([row["ids"]])
    logits = model(ids).logits[0].float()
    scores = torch.log_softmax(logits[:-1], dim=-1)
    logprobs = scores.gather(1, ids[0, 1:, None])[:, 0]
    result = {"ids": row["ids"], "logprobs": logprobs.tolist()}
    if with_logits:
        result["logits"] = logits.tolist()
    return result


def largest_difference(rows, results):
    pairs = [(a, b) for row, result in zip(rows, results) if "logprobs" in row
             for a, b in zip(row["logprobs"], result["logprobs"], strict=True)]
    return max((abs(a - b) for a, b in pairs), default=None)


def main():
    args = parse_arguments()
    model, base_keys = load_base(args.base)
    report = {"base": base_keys}
    if args.adapter:
        model = make_adapter(model, args) if args.make else PeftModel.from_pretrained(model, args.adapter).eval()
        report["adapter"] = key_differences(model, args.adapter)
    rows = read_rows(args)
    report["rows"] = [compute(model, row, args.logits) for row in rows]
    report["max_logprob_difference"] = largest_difference(rows, report["rows"])
    print(json.dumps(report))
    sys.exit(any(keys for part in ("base", "adapter") for keys in report.get(part, {}).values()))


if __name__ == "__main__":
    main()
