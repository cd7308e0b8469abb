"""Prints what TensorBoard's own reader finds in a folder of event files, as one JSON object.

Usage: read_events.py FOLDER     needs tensorboard (pip install tensorboard)
Scalars are {tag: [[step, value], …]}, texts {tag: [[step, text], …]}.
"""

import json
import sys

from tensorboard.backend.event_processing import event_accumulator
from tensorboard.util import tensor_util

events = event_accumulator.EventAccumulator(
    sys.argv[1], size_guidance={event_accumulator.TENSORS: 0, event_accumulator.SCALARS: 0}
)
events.Reload()
tags = events.Tags()


def value(event):
    cell = tensor_util.make_ndarray(event.tensor_proto).item()
    return cell.decode() if isinstance(cell, bytes) else cell


scalars = {tag: [[e.step, e.value] for e in events.Scalars(tag)] for tag in tags["scalars"]}
tensors = {tag: [[e.step, value(e)] for e in events.Tensors(tag)] for tag in tags["tensors"]}
texts = {tag: rows for tag, rows in tensors.items() if isinstance(rows[0][1], str)}
scalars.update({tag: rows for tag, rows in tensors.items() if tag not in texts})
print(json.dumps({"scalars": scalars, "texts": texts}))
