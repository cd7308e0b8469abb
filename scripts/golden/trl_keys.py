"""The keys of TRL's command line for SFT, DPO, KTO and GRPO, with their defaults.

usage: python scripts/golden/trl_keys.py [OUTPUT]

Needs the packages of requirements.txt. Keys are the fields of the trainer's config (transformers' TrainingArguments
among them), of ModelConfig, of ScriptArguments and of GRPO's script. Defaults that JSON cannot say are left out.
"""

import json
import sys
from dataclasses import MISSING, fields
from enum import Enum

from trl import DPOConfig, GRPOConfig, KTOConfig, ModelConfig, ScriptArguments, SFTConfig
from trl.scripts.grpo import GRPOScriptArguments

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/train/trl-keys.json"
COMMANDS = {"sft": [SFTConfig], "dpo": [DPOConfig, KTOConfig], "grpo": [GRPOConfig, GRPOScriptArguments]}


def default(field):
    value = field.default if field.default_factory is MISSING else field.default_factory()
    return value.value if isinstance(value, Enum) else value


def keys(configs):
    found = {}
    for config in [*configs, ModelConfig, ScriptArguments]:
        for field in fields(config):
            if field.name.startswith("_"):
                continue
            value = default(field)
            plain = value is None or isinstance(value, (bool, int, float, str, list, dict))
            found.setdefault(field.name, {"default": value} if plain else {})
    return dict(sorted(found.items()))


with open(OUTPUT, "w") as file:
    json.dump({command: keys(configs) for command, configs in COMMANDS.items()}, file)
    file.write("\n")
