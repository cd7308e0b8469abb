"""Golden messages of Tinker's protocol, made by the service's own Python SDK (pip install tinker==0.38.0).

    python scripts/golden/tinker_messages.py > test/fixtures/remote/tinker-messages.json

Requests are what its `forward_backward_request_to_proto` writes; answers are written by its generated classes
and must be read back as the numbers that stand beside them.
"""

import base64
import json

import numpy as np
from tinker import types
from tinker.proto import tinker_public_pb2 as pb
from tinker.proto.request_conv import forward_backward_request_to_proto


def b64(message):
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def tensor(values, dtype):
    return types.TensorData.from_numpy(np.asarray(values, dtype=dtype))


def request(loss_fn, inputs, config=None):
    datum = types.Datum(
        model_input=types.ModelInput.from_ints([5, 6, 7]),
        loss_fn_inputs={
            name: tensor(values, np.int64 if name == "target_tokens" else np.float32)
            for name, values in inputs.items()
        },
    )
    body = types.ForwardBackwardRequest(
        forward_backward_input=types.ForwardBackwardInput(
            data=[datum], loss_fn=loss_fn, loss_fn_config=config
        ),
        model_id="model-1",
        seq_id=3,
    )
    return {"loss": loss_fn, "inputs": inputs, "config": config, "message": b64(forward_backward_request_to_proto(body))}


def output():
    values = [np.float32([-0.5, -0.25, -1.5]), np.float32([-2.0])]
    message = pb.ForwardBackwardOutput(loss_fn_output_type="x:ArrayRecord")
    record = message.loss_fn_outputs.add()
    record.num_datums = 2
    field = record.fields["logprobs"]
    field.dtype = pb.DTYPE_FLOAT32
    field.data = b"".join(v.tobytes() for v in values)
    field.offsets = np.cumsum([0] + [v.nbytes for v in values]).astype(np.int64).tobytes()
    message.metrics["loss:sum"] = 4.25
    return {"logprobs": [v.tolist() for v in values], "metrics": {"loss:sum": 4.25}, "message": b64(message)}


def bfloat16_output():
    values = np.float32([-0.5, -1.5])
    message = pb.ForwardBackwardOutput()
    record = message.loss_fn_outputs.add()
    record.num_datums = 1
    field = record.fields["logprobs"]
    field.dtype = pb.DTYPE_BFLOAT16
    field.data = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    field.offsets = np.asarray([0, 4], dtype=np.int64).tobytes()
    return {"logprobs": [values.tolist()], "metrics": {}, "message": b64(message)}


def samples():
    sequences = [([11, 12, 2], [-0.5, -0.25, -0.125], "stop"), ([13], [-1.0], "length")]
    message = pb.SampleResponse()
    for tokens, logprobs, reason in sequences:
        sequence = message.sequences.add()
        sequence.tokens = np.asarray(tokens, dtype=np.int32).tobytes()
        sequence.logprobs = np.asarray(logprobs, dtype=np.float32).tobytes()
        sequence.stop_reason = pb.STOP_REASON_STOP if reason == "stop" else pb.STOP_REASON_LENGTH
    return {
        "sequences": [{"tokens": t, "logprobs": lp, "stopReason": r} for t, lp, r in sequences],
        "message": b64(message),
    }


targets = [6, 7, 8]
print(
    json.dumps(
        {
            "requests": [
                request("cross_entropy", {"target_tokens": targets, "weights": [0.0, 0.5, 0.5]}),
                request(
                    "importance_sampling",
                    {"target_tokens": targets, "logprobs": [0.0, -0.5, -0.25], "advantages": [0.0, 0.25, 0.25]},
                ),
                request(
                    "ppo",
                    {"target_tokens": targets, "logprobs": [0.0, -0.5, -0.25], "advantages": [0.0, -0.5, -0.5]},
                    {"clip_low_threshold": 0.75, "clip_high_threshold": 1.25},
                ),
            ],
            "outputs": [output(), bfloat16_output()],
            "samples": samples(),
        },
        indent=1,
    )
)
