"""Matrices in 4 bits by bitsandbytes on the CPU: codes, magnitudes of blocks, values.

usage: python scripts/golden/four_bit.py [OUTPUT]

Needs the packages of requirements.txt. Each case is a matrix of the portable generator, quantized as transformers does
it for `load_in_4bit`. Packed codes and values (float32, zeros without a sign) are given as SHA-256 of their bytes, with
the first values beside them, codes of nested magnitudes in hexadecimal.
"""

import hashlib
import json
import sys
from pathlib import Path

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from portable import random_tensor

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/weights/four-bit.json")
# Blocks of 64: whole ones, a part of one at the end, more than a group of 256, one of zeros alone.
CASES = {"whole": [16, 24], "part": [7, 30], "groups": [136, 128], "zeros": [4, 64]}


def sha256(tensor):
    return hashlib.sha256(tensor.contiguous().numpy().tobytes()).hexdigest()


def matrix(name, shape):
    values = random_tensor("four-bit", name, shape, 0)
    if name == "zeros":
        values[1] = 0
    return values


def case(name, quant_type, nested):
    values = matrix(name, CASES[name])
    packed, state = quantize_4bit(values, blocksize=64, quant_type=quant_type, compress_statistics=nested)
    back = dequantize_4bit(packed, state)
    found = {
        "name": name, "shape": CASES[name], "type": quant_type, "nested": nested,
        "packed": sha256(packed), "values": sha256(back + 0.0), "first": back.flatten()[:70].tolist(),
    }
    if not nested:
        return found | {"absmax": state.absmax.tolist()}
    inner = state.state2
    return found | {
        "absmax": inner.absmax.tolist(), "codes": bytes(state.absmax.tolist()).hex(), "offset": state.offset.item(),
    }


def main():
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    cases = [case(name, quant_type, nested) for name in CASES for quant_type in ("nf4", "fp4") for nested in (False, True)]
    OUTPUT.write_text(json.dumps(cases) + "\n")


torch.manual_seed(0)
main()
