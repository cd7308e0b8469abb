"""Requests of Tinker's Python SDK as a server on loopback receives them (pip install tinker==0.38.0).

    python scripts/golden/tinker_requests.py > test/fixtures/remote/tinker-requests.json

A session, a LoRA model, a pass, a step, both kinds of saves, and a sample; what only the SDK does for itself
(its settings, telemetry, heartbeats, waiting) is left out.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import tinker
from tinker import types
from tinker.proto import tinker_public_pb2 as pb

OWN = ("client/", "telemetry", "session_heartbeat", "get_info", "retrieve_future")
recorded = []
results = {}


def output():
    message = pb.ForwardBackwardOutput()
    field = message.loss_fn_outputs.add(num_datums=1).fields["logprobs"]
    field.dtype = pb.DTYPE_FLOAT32
    field.data = np.float32([-1, -1, -1]).tobytes()
    field.offsets = np.int64([0, 12]).tobytes()
    return message.SerializeToString()


def sample():
    message = pb.SampleResponse()
    for _ in range(2):
        message.sequences.add(tokens=np.int32([11]).tobytes(), logprobs=np.float32([-0.5]).tobytes())
    return message.SerializeToString()


def result(name, body):
    if name == "forward_backward":
        return output()
    if name == "asample":
        return sample()
    if name == "optim_step":
        return {"metrics": {}}
    if name == "create_model":
        return {"model_id": "model-1"}
    return {"sampling_session_id": "sampling-1"} if body.get("path") is None else {"path": "tinker://model-1/x"}


def answer(name, body):
    if name == "client/config":
        return {"use_pyqwest_transport": False}
    if name == "telemetry":
        return {"status": "accepted"}
    if name == "create_session":
        return {"session_id": "session-1"}
    if name == "get_info":
        return {"model_id": "model-1", "model_data": {"model_name": "Qwen/Qwen3-8B"}}
    if name == "retrieve_future":
        return results[body["request_id"]]
    if name in ("client/dynamic_config", "session_heartbeat"):
        return {}
    key = f"request-{len(results)}"
    results[key] = result(name, body)
    return {"request_id": key, "sample_sequence_ids": ["a", "b"]}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        name = self.path.removeprefix("/api/v1/")
        raw = self.rfile.read(int(self.headers["content-length"]))
        body = json.loads(raw) if "json" in self.headers["content-type"] else {}
        if not name.startswith(OWN):
            recorded.append({"name": name, "type": self.headers["content-type"], "body": body})
        said = answer(name, body)
        is_proto = isinstance(said, bytes)
        data = said if is_proto else json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf" if is_proto else "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
service = tinker.ServiceClient(
    base_url=f"http://127.0.0.1:{server.server_port}", api_key="tml-loopback"
)
model = service.create_lora_training_client(base_model="Qwen/Qwen3-8B", rank=16, seed=42).result()
datum = types.Datum(
    model_input=types.ModelInput.from_ints([5, 6, 7]),
    loss_fn_inputs={
        "target_tokens": np.array([6, 7, 8]),
        "weights": np.array([0, 0.5, 0.5], dtype=np.float32),
    },
)
model.forward_backward([datum], "cross_entropy").result()
model.optim_step(types.AdamParams(learning_rate=1e-3)).result()
model.save_state("state-1").result()
model.save_weights_for_sampler("final").result()
sampler = model.save_weights_and_get_sampling_client().result()
params = types.SamplingParams(max_tokens=8, temperature=1.0, seed=3)
sampler.sample(prompt=types.ModelInput.from_ints([1, 2]), num_samples=2, sampling_params=params).result()
print(json.dumps(recorded, indent=1))
