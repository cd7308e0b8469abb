"""The random numbers of src/util/rng.ts, repeated, so that a test makes the same weights as these scripts."""

import hashlib
import math
import re
import struct

import numpy as np
import torch

MASK = 0xFFFFFFFF
MATRIX_STD, NORM_STD, BIAS_STD = 0.15, 0.1, 0.1


class Rng:
    """sfc32 keyed by SHA-256 of the parts joined by NUL."""

    def __init__(self, *parts):
        digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
        self.a, self.b, self.c, self.counter = struct.unpack("<4I", digest[:16])

    def uint32(self):
        total = (self.a + self.b + self.counter) & MASK
        self.counter = (self.counter + 1) & MASK
        self.a = self.b ^ (self.b >> 9)
        self.b = (self.c + (self.c << 3)) & MASK
        self.c = ((((self.c << 21) & MASK) | (self.c >> 11)) + total) & MASK
        return total

    def uniform(self):
        return self.uint32() / 2**32

    def int(self, low, high):
        return low + math.floor(self.uniform() * (high - low + 1))

    def normal(self):
        radius = math.sqrt(-2 * math.log(1 - self.uniform()))
        return radius * math.cos(2 * math.pi * self.uniform())


def random_tensor(case, name, shape, norm_mean):
    """The tensor `name` of a test model: N(0, 0.15) for matrices, smaller for biases, around a mean for norms and decays."""
    rng = Rng("golden", case, name)
    is_norm, is_bias = re.search(r"norm\d?\.weight$", name) is not None, name.endswith(".bias")
    is_gated_norm, is_decay = name.endswith("linear_attn.norm.weight"), name.endswith("A_log")
    mean = 1 if is_gated_norm else norm_mean if is_norm else -3 if is_decay else 0
    std = NORM_STD if is_norm else BIAS_STD if is_bias else MATRIX_STD
    values = [mean + std * rng.normal() for _ in range(math.prod(shape))]
    return torch.from_numpy(np.array(values, np.float64).astype(np.float32).reshape(tuple(shape)))


def random_ids(case, lengths, vocab_size):
    """Rows of token ids; 0 stays free for padding."""
    rng = Rng("golden", case, "ids")
    return [[rng.int(1, vocab_size - 1) for _ in range(length)] for length in lengths]


W = {"gate_proj": "w1", "up_proj": "w3", "down_proj": "w2"}
"""Mixtral's names of matrices."""


def in_turns(module, kind, parameter):
    """gpt-oss's: transposed, gate and up in turns, with biases."""
    matrix, end = (kind.removesuffix("_bias"), "bias") if kind.endswith("_bias") else (kind, "weight")
    kinds = ["gate_proj", "up_proj"] if matrix == "gate_up_proj" else [matrix]
    return [
        (f"{module}.{index}.{part}.{end}", expert[..., turn :: len(kinds)].mT if expert.dim() > 1 else expert[turn :: len(kinds)])
        for index, expert in enumerate(parameter)
        for turn, part in enumerate(kinds)
    ]


def stored(name, parameter, model_type):
    """A parameter as Lorikeet names it: those of all experts are a matrix of each, gate and up apart."""
    if is_mixtral := model_type == "mixtral":
        name = name.replace(".mlp.", ".block_sparse_moe.")
    module, _, kind = name.rpartition(".")
    if not module.endswith(".experts"):
        return [(name if model_type == "gpt_oss" else name.replace(".router.weight", ".router.layer.weight"), parameter)]
    if model_type == "gpt_oss":
        return in_turns(module, kind, parameter)
    kinds = ["gate_proj", "up_proj"] if kind == "gate_up_proj" else [kind]
    return [
        (f"{module}.{index}.{W[part] if is_mixtral else part}.weight", matrix)
        for index, expert in enumerate(parameter)
        for part, matrix in zip(kinds, expert.chunk(len(kinds)), strict=True)
    ]
