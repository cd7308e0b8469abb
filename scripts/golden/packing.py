"""Tokens of each pack that TRL makes of given lengths, best fit, decreasing.

usage: python scripts/golden/packing.py [OUTPUT]

Needs the packages of requirements.txt. Of packs with equal room TRL fills the oldest, so that which rows meet is its own.
"""

import json
import sys

from datasets import Dataset
from portable import Rng
from trl import pack_dataset

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/data/packing.json"


def case(count, longest, max_length):
    rng = Rng("golden", "packing", str(count))
    lengths = [rng.int(1, longest) for _ in range(count)]
    rows = Dataset.from_dict({"input_ids": [[0] * length for length in lengths]})
    packed = pack_dataset(rows, max_length, strategy="bfd")
    return {"lengths": lengths, "maxLength": max_length, "packs": sorted(map(len, packed["input_ids"]))}


with open(OUTPUT, "w") as file:
    json.dump([case(60, 64, 64), case(200, 40, 100), case(40, 30, 31)], file)
    file.write("\n")
