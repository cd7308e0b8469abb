"""Prints the records that test/unit/report/trackers/event-record.test.ts expects, one a line in hex.

Needs tensorboard: pip install tensorboard==2.21.0
"""

import io

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.text.metadata import create_summary_metadata
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

scalars = [
    Summary.Value(tag="loss", simple_value=2.5),
    Summary.Value(tag="rewards/format/mean", simple_value=-0.125),
]
text = Summary.Value(
    tag="eval/samples",
    tensor=tensor_util.make_tensor_proto(np.array("**x** 🐦", dtype=object)),
    metadata=create_summary_metadata(display_name=None, description=None),
)
events = [
    Event(wall_time=1700000000.25, file_version="brain.Event:2"),
    Event(wall_time=1700000001.5, step=1, summary=Summary(value=scalars)),
    Event(wall_time=1700000002.0, step=300, summary=Summary(value=[text])),
]
for event in events:
    buffer = io.BytesIO()
    RecordWriter(buffer).write(event.SerializeToString())
    print(buffer.getvalue().hex())
