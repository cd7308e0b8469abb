"""Looks up what TensorFlow was asked for among the kernels of its CUDA build, and follows where tensors would lie.

Usage: kernels.py FOLDER

FOLDER holds pairs NAME.shorter.jsonl and NAME.longer.jsonl of record.ts, the second of a run with one step more. Prints
for each the operations of that step, and what of it waits for the card: values that are copied there, and values that
the host or an operation on it reads. Then every operation, by its types, that has no kernel for a GPU. Exit code 1 when
there is one. Needs TensorFlow's wheel with CUDA, no card.
"""

import glob
import json
import os
import sys
from collections import Counter, defaultdict

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
from tensorflow.core.framework import types_pb2
from tensorflow.python.framework import kernels, op_def_registry

definitions = {}


def definition(name):
    """Of an operation: its OpDef, its kernels for a GPU."""
    if name not in definitions:
        registered = kernels.get_registered_kernels_for_op(name).kernel
        # What is registered for every device keeps its tensors with the host.
        gpu = [k for k in registered if k.device_type in ("GPU", "DEFAULT") and not k.label]
        definitions[name] = (op_def_registry.get(name), gpu)
    return definitions[name]


def types_of(op, values, inputs):
    """The type attributes: as they were given, else those of the inputs, else what they are by default."""
    known = {arg.type_attr: type_ for arg, type_ in inputs if arg.type_attr}
    return {a.name: values.get(a.name, known.get(a.name, a.default_value.type)) for a in op.attr if a.type == "type"}


def kernel_of(name, types):
    """The kernel that a GPU takes; None where there is none."""
    fitting = [k for k in definition(name)[1] if all(types[c.name] in c.allowed_values.list.type for c in k.constraint)]
    return max(fitting, key=lambda k: (k.device_type == "GPU", k.priority), default=None)


def arguments(args, values):
    """The argument that each tensor belongs to."""
    return [arg for arg in args for _ in range(values[arg.number_attr] if arg.number_attr else 1)]


def signature(name, types):
    words = ", ".join(f"{key}={types_pb2.DataType.Name(value).removeprefix('DT_').lower()}" for key, value in types.items())
    return f"{name}({words})"


def followed(path):
    """Counts: operations by signature, those without a kernel, and waits by what they are for."""
    # What was there before the run, shared numbers, lies on the card.
    on_host, type_of = defaultdict(bool), defaultdict(lambda: types_pb2.DT_FLOAT)
    asked, lacking, waits = Counter(), Counter(), Counter()
    for line in open(path):
        kind, *event = json.loads(line)
        if kind == "new":
            tensor, type_of[tensor] = event
            # The binding leaves integers with the host.
            on_host[tensor] = type_of[tensor] == types_pb2.DT_INT32
            waits["copied by the host"] += not on_host[tensor]
        elif kind == "read":
            waits["read by the host"] += not on_host[event[0]]
        else:
            name, values, inputs, outputs = event
            op = definition(name)[0]
            taken = list(zip(arguments(op.input_arg, values), inputs, strict=True))
            types = types_of(op, values, [(arg, type_of[tensor]) for arg, tensor in taken])
            kernel = kernel_of(name, types)
            asked[signature(name, types)] += 1
            lacking[signature(name, types)] += kernel is None
            # Without a kernel it runs on the host.
            host = {arg.name for arg in [*op.input_arg, *op.output_arg]} if kernel is None else set(kernel.host_memory_arg)
            for arg, tensor in taken:
                if on_host[tensor] and arg.name not in host:
                    waits[f"copied for {name}'s {arg.name}"] += 1
                if not on_host[tensor] and arg.name in host:
                    waits[f"read for {name}'s {arg.name}"] += 1
            for arg, (tensor, type_) in zip(arguments(op.output_arg, values), outputs, strict=True):
                on_host[tensor], type_of[tensor] = arg.name in host, type_
    return asked, +lacking, waits


def main(folder):
    everything, all_lacking = Counter(), Counter()
    for longer in sorted(glob.glob(os.path.join(folder, "*.longer.jsonl"))):
        name = os.path.basename(longer).removesuffix(".longer.jsonl")
        before, _, waits_before = followed(longer.replace(".longer.", ".shorter."))
        asked, lacking, waits = followed(longer)
        everything += asked
        all_lacking += lacking
        step, waiting = asked - before, waits - waits_before
        print(f"{name}: {step.total()} operations, {waiting.total()} waits a step")
        for what, count in waiting.most_common():
            print(f"    {count:5} {what}")
    print(f"{len(everything)} operations by their types, {len(all_lacking)} without a kernel for a GPU")
    for what, count in all_lacking.most_common():
        print(f"    {count:5} {what}")
    return 1 if all_lacking else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
