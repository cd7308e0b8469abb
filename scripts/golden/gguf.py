"""What llama.cpp's own converter writes for the golden families, and how the gguf package encodes q8_0.

usage: python scripts/golden/gguf.py LLAMA_CPP [OUTPUT]

LLAMA_CPP is a folder of llama.cpp's sources (the source distribution of llama-cpp-python has one in vendor/).
Needs the packages of requirements.txt and gguf. Writes one JSON file: the architecture's keys and, for each tensor,
its shape and the start of the SHA-256 of its float32 bytes; and the matrices that are float32 in a bfloat16 file. The
vocabulary is left out: it is compared by scripts/checks/gguf_files.py.
"""

import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

LLAMA_CPP = Path(sys.argv[1])
sys.path[:0] = [str(LLAMA_CPP), str(LLAMA_CPP / "gguf-py")]

import convert_hf_to_gguf  # noqa: E402
import gguf  # noqa: E402
import numpy as np  # noqa: E402
from cases import FAMILIES, NOT_IN_GGUF, ROPES  # noqa: E402
from families import build, load_config  # noqa: E402
from gguf import GGMLQuantizationType as Type  # noqa: E402
from portable import random_tensor  # noqa: E402

OUTPUT = Path(sys.argv[2] if len(sys.argv) > 2 else "test/fixtures/gguf/converter.json")


def digest(data):
    return hashlib.sha256(data).hexdigest()[:16]


def plain(field):
    value = field.contents()
    return value if isinstance(value, (int, str, list, bool)) else float(np.float32(value))


def without_vocabulary(find):
    """The converter's look-up of a class, which then writes no vocabulary."""

    def found(*args, **kwargs):
        model_class = find(*args, **kwargs)
        model_class.set_vocab = lambda self: self._set_vocab_none()
        return model_class

    return found


convert_hf_to_gguf.get_model_class = without_vocabulary(convert_hf_to_gguf.get_model_class)


def convert(folder, kind, *options):
    file = folder.parent / f"{kind}.gguf"
    sys.argv = ["convert_hf_to_gguf.py", str(folder), "--outfile", str(file), "--outtype", kind, *options]
    convert_hf_to_gguf.main()
    return gguf.GGUFReader(file)


def contents(reader, short):
    architecture = reader.fields["general.architecture"].contents()
    keys = {name: plain(field) for name, field in reader.fields.items() if name.startswith(f"{architecture}.")}
    tensors = {
        tensor.name: [list(map(int, reversed(tensor.shape))), digest(np.ascontiguousarray(tensor.data).tobytes())]
        for tensor in reader.tensors
    }
    kept = sorted(tensor.name for tensor in short.tensors if tensor.tensor_type == Type.F32 and len(tensor.shape) > 1)
    return {"architecture": architecture, "keys": keys, "tensors": tensors, "float32": kept}


def with_older_layers(file):
    """The converter tells attention from Mamba by the name that Granite's releases have."""
    config = json.loads(file.read_text())
    if config["model_type"] == "granitemoehybrid":
        file.write_text(json.dumps(config | {"layer_types": ["attention"] * config["num_hidden_layers"]}))


def family(case, fields):
    with TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        build(case, load_config(fields)).save_pretrained(folder)
        with_older_layers(folder / "config.json")
        (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {str(i): i for i in range(96)}}, "added_tokens": []}))
        without_predictors = ["--no-mtp"] if fields["model_type"] == "qwen3_5_text" else []
        return contents(*(convert(folder, kind, *without_predictors) for kind in ("f32", "bf16")))


def blocks():
    """Random blocks of several sizes, a block of zeros, and quotients that lie between two whole numbers."""
    values = random_tensor("q8_0", "values", [8, 32], 0).numpy() * np.float32([[10.0 ** (i - 4)] for i in range(8)])
    values[6] = 0
    values[7] = np.arange(32, dtype=np.float32) - 16.5
    values[7, 0] = 127
    return {"values": values.flatten().tolist(), "bytes": gguf.quants.quantize(values, Type.Q8_0).tobytes().hex()}


if __name__ == "__main__":
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    cases = {case: fields for case, fields in {**FAMILIES, **ROPES}.items() if case not in NOT_IN_GGUF}
    families = {case: family(case, fields) for case, fields in cases.items()}
    OUTPUT.write_text(json.dumps({"q8_0": blocks(), "families": families}) + "\n")
