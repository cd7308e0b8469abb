"""What a precision of the rollout engine costs: |Δ log p| of `score engine=onnxruntime` against the trainer's float32.

usage: score_precision.py CHECKPOINT [--entropy 3.0] [--precision int8] [--sequences 32] [--tokens 96]

Texts are sampled from the model itself. With --entropy, the (tied) embedding is scaled first so that the next token
has about so many nats of entropy: random weights as initialised are nearly uniform. Needs torch, transformers
and safetensors; `lorikeet` is taken from this checkout's build (npm run build).
"""
import argparse, json, shutil, subprocess, sys, tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("checkpoint", type=Path)
parser.add_argument("--entropy", type=float)
parser.add_argument("--precision", default="int8")
parser.add_argument("--sequences", type=int, default=32)
parser.add_argument("--tokens", type=int, default=96)
args = parser.parse_args()
CLI = Path(__file__).resolve().parent.parent.parent / "dist" / "cli" / "main.js"
EMBEDDING = "model.embed_tokens.weight"


def sample(model, seed=0):
    """Sequences drawn token by token at temperature 1, and the mean entropy of the next token, nats."""
    generator = torch.Generator().manual_seed(seed)
    vocabulary = model.config.vocab_size
    ids = torch.randint(3, vocabulary, (args.sequences, 1), generator=generator)
    entropies, cache = [], None
    with torch.no_grad():
        for _ in range(args.tokens):
            out = model(ids[:, -1:], past_key_values=cache, use_cache=True)
            cache = out.past_key_values
            logp = torch.log_softmax(out.logits[:, -1].float(), -1)
            entropies.append(-(logp.exp() * logp).sum(-1).mean().item())
            ids = torch.cat([ids, torch.multinomial(logp.exp(), 1, generator=generator)], 1)
    return ids, sum(entropies) / len(entropies)


def scaled(factor, out):
    """A copy of the checkpoint, float32, with its embedding scaled."""
    shutil.copytree(args.checkpoint, out, dirs_exist_ok=True)
    weights = {name: tensor.float() for name, tensor in load_file(args.checkpoint / "model.safetensors").items()}
    weights[EMBEDDING] = weights[EMBEDDING] * factor
    save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
    return AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).eval()


def logprobs(model, rows, folder, *settings):
    output = folder / "scores.jsonl"
    command = ["node", str(CLI), "score", f"model={model}", f"input={rows}", f"output={output}", "overwrite=true"]
    subprocess.run([*command, *settings], check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    return [json.loads(line)["logprobs"] for line in output.read_text().splitlines()]


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    model_dir = args.checkpoint
    factor = 1.0
    if args.entropy is None:
        model = AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32).eval()
        ids, entropy = sample(model)
    else:
        model_dir = folder / "model"
        low, high = 1.0, 16.0
        for _ in range(8):
            factor = (low * high) ** 0.5
            model = scaled(factor, model_dir)
            ids, entropy = sample(model)
            low, high = (factor, high) if entropy > args.entropy else (low, factor)
            if abs(entropy - args.entropy) < 0.4:
                break
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"ids": row}) + "\n" for row in ids.tolist()))
    exact = logprobs(model_dir, rows, folder, "engine=tensorflow", "compute_dtype=float32")
    coarse = logprobs(model_dir, rows, folder, "engine=onnxruntime", f"rollout_precision={args.precision}")
    gaps = sorted(
        abs(a - b) for one, other in zip(exact, coarse) for a, b in zip(one, other) if a is not None and b is not None
    )
    print(json.dumps({
        "checkpoint": args.checkpoint.name, "precision": args.precision, "embedding_factor": round(factor, 3),
        "entropy": round(entropy, 2), "tokens": len(gaps), "mean": round(sum(gaps) / len(gaps), 5),
        "p99": round(gaps[int(0.99 * len(gaps))], 5), "largest": round(gaps[-1], 5),
    }))
