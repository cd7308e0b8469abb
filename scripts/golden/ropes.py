"""Expected rotary frequencies at the sizes of real checkpoints, from transformers.

usage: python scripts/golden/ropes.py [OUTPUT]
"""

import json
import sys

from families import load_config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model/ropes.json"
SIZES = dict(vocab_size=96, hidden_size=512, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4)


def llama(head_dim, theta, positions, **scaling):
    return dict(
        SIZES, model_type="llama", hidden_size=4 * head_dim, max_position_embeddings=positions, rope_theta=theta,
        rope_scaling=scaling,
    )


def phi3(short, **more):
    long = [1 + 0.7 * i for i in range(len(short))]
    scaling = dict(type="longrope", short_factor=short, long_factor=long, **more)
    return dict(
        SIZES, model_type="phi3", pad_token_id=0, partial_rotary_factor=0.75, max_position_embeddings=131072,
        original_max_position_embeddings=4096, rope_scaling=scaling,
    )


SHORT = [1 + 0.05 * i for i in range(48)]
CASES = {
    "llama 3.2": llama(
        64, 500000.0, 131072, rope_type="llama3", factor=32.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=8192,
    ),
    "llama 3 without its original length": llama(
        64, 10000.0, 2048, rope_type="llama3", factor=8, low_freq_factor=1, high_freq_factor=4
    ),
    "linear": llama(128, 1000000.0, 131072, type="linear", factor=8.0),
    "dynamic": llama(128, 10000.0, 4096, type="dynamic", factor=4.0),
    "qwen 2.5 yarn": llama(128, 1000000.0, 32768, type="yarn", factor=4.0, original_max_position_embeddings=32768),
    "yarn with mscale": llama(
        64, 10000.0, 163840, type="yarn", factor=40, beta_fast=24, beta_slow=2, mscale=0.707, mscale_all_dim=1.0,
        original_max_position_embeddings=4096,
    ),
    "yarn not truncated": llama(
        64, 150000.0, 131072, rope_type="yarn", factor=32.0, truncate=False, attention_factor=1.25,
        original_max_position_embeddings=4096,
    ),
    "phi-4-mini": phi3(SHORT),
    "longrope with factors": phi3(SHORT, factor=8.0),
    "longrope with an attention factor": phi3(SHORT, attention_factor=1.5),
}


def expected(fields):
    config = load_config(fields)
    frequencies, scale = ROPE_INIT_FUNCTIONS[config.rope_parameters["rope_type"]](config)
    return {"config": fields, "invFreq": frequencies.tolist(), "scale": scale}


with open(OUTPUT, "w") as file:
    json.dump({name: expected(fields) for name, fields in CASES.items()}, file)
    file.write("\n")
