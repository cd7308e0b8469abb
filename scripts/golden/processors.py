"""Distributions that transformers samples from: its own processors, in its own order, on random logits.

usage: python scripts/golden/processors.py [OUTPUT]

Needs the packages of requirements.txt. `generate`'s list of processors comes from a model's
`_get_logits_processor`, so that which ones there are and in which order is transformers' word. The logits
come from portable.py's generator; every probability is that of float64 arithmetic.
"""

import json
import sys
from pathlib import Path

import torch
from portable import Rng
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/rollout/processors.json")
VOCABULARY, PROMPT, EOS, STOP = 24, [3, 7, 7, 11], 2, 5
"""`generated`: ids sampled so far; the rest are names of transformers' generation config."""
CASES = [
    {},
    {"temperature": 0.6},
    {"temperature": 1.7, "top_k": 5},
    {"top_p": 0.7},
    {"min_p": 0.2},
    {"temperature": 1.3, "top_k": 12, "top_p": 0.85, "min_p": 0.1},
    {"repetition_penalty": 1.4, "generated": [1, 9]},
    {"repetition_penalty": 0.7, "temperature": 0.8, "top_p": 0.9, "generated": [4]},
    {"min_new_tokens": 3, "generated": [1, 9]},
    {"min_new_tokens": 2, "generated": [1, 9]},
    {"sequence_bias": {4: 2.5, 9: -3.0, 3: 1.5}, "temperature": 0.5},
    {"sequence_bias": {4: 2.5, 7: -2.0}, "repetition_penalty": 1.5, "temperature": 0.7, "generated": [4]},
    {"allowed": [0, 2, 5, 8, 13, 21]},
    {"allowed": [0, 2, 5, 8, 13, 21], "temperature": 1.5, "top_k": 3, "top_p": 0.95},
    {
        "sequence_bias": {13: 1.0}, "repetition_penalty": 1.3, "min_new_tokens": 4, "generated": [13, 13],
        "allowed": [0, 2, 5, 8, 13, 21], "temperature": 0.9, "top_k": 4, "top_p": 0.9, "min_p": 0.05,
    },
]


def tiny_model():
    shape = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1)
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCABULARY, **shape))


def probabilities(model, logits, case):
    fields = dict(case)
    generated, allowed = fields.pop("generated", []), fields.pop("allowed", None)
    if "sequence_bias" in fields:
        fields["sequence_bias"] = {(token,): bias for token, bias in fields["sequence_bias"].items()}
    config = GenerationConfig(do_sample=True, eos_token_id=[EOS, STOP], num_beams=1, num_return_sequences=1, **{"top_k": 0, **fields})
    config._eos_token_tensor = torch.tensor([EOS, STOP])
    processors = model._get_logits_processor(
        generation_config=config,
        input_ids_seq_length=len(PROMPT),
        prefix_allowed_tokens_fn=None if allowed is None else lambda _batch, _ids: allowed,
        device="cpu",
    )
    ids = torch.tensor([PROMPT + generated])
    return torch.softmax(processors(ids, logits.clone()[None]), -1)[0].tolist()


def main():
    model, rows = tiny_model(), []
    for index, case in enumerate(CASES):
        rng = Rng("golden", "processors", index)
        logits = torch.tensor([1.2 * rng.normal() for _ in range(VOCABULARY)], dtype=torch.float64)
        rows.append({"case": case, "logits": logits.tolist(), "probabilities": probabilities(model, logits, case)})
    data = {"prompt": PROMPT, "eos": EOS, "stop": STOP, "rows": rows}
    OUTPUT.write_text(json.dumps(data) + "\n")
    print(f"wrote {OUTPUT}")


if __name__ == "__main__":
    main()
