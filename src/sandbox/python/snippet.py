"""What a forked child does: runs one snippet in a namespace and reports how it ended."""

import ast
import builtins
import io
import json
import linecache
import os
import random
import sys
import tempfile
import time
import traceback
import types

import confine

FILE = "<snippet>"
HOME = os.environ["HOME"]


def open_stdin(text):
    if not text:
        return os.open(os.devnull, os.O_RDONLY)
    with tempfile.TemporaryFile(dir=HOME) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
        file.seek(0)
        return os.dup(file.fileno())


def standard_streams(stdin_text, out, err):
    source = open_stdin(stdin_text)
    for target, descriptor in enumerate((source, out, err)):
        os.dup2(descriptor, target)
    os.close(source)
    sys.stdin = io.open(0, "r", encoding="utf-8", errors="replace", closefd=False)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        raw = io.open(descriptor, "wb", closefd=False)
        stream = io.TextIOWrapper(raw, "utf-8", "backslashreplace", line_buffering=True)
        setattr(sys, name, stream)


def write_files(files):
    for path, content in files.items():
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(content)


def fresh_namespace():
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = module
    return module.__dict__


def seed_everything():
    """A fork inherits the generators' state; snippets must neither share it nor differ by run."""
    random.seed(0)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(0)


def execute(request, namespace):
    code = request["code"]
    linecache.cache[FILE] = (len(code), None, code.splitlines(True), FILE)
    tree = ast.parse(code, FILE)
    last = tree.body.pop() if request["show_last"] and tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, FILE, "exec"), namespace)
    if last is not None:
        value = eval(compile(ast.Expression(last.value), FILE, "eval"), namespace)
        if value is not None:
            print(repr(value))
    call = request.get("call")
    if call is None:
        return None
    return json.dumps(namespace[call["name"]](*call["args"]), allow_nan=False)


def own_frames(trace):
    """The part of a traceback that begins in the snippet."""
    while trace is not None and trace.tb_frame.f_code.co_filename != FILE:
        trace = trace.tb_next
    return trace


def last_line(error):
    return "".join(traceback.format_exception_only(type(error), error)).strip().split("\n")[-1][:2000]


def run(request, namespace):
    """Outcome as a JSON-safe record; whatever the snippet raises ends here."""
    outcome = {"status": "ok", "error": None, "value": None}
    try:
        outcome["value"] = execute(request, namespace)
    except SystemExit as stop:
        if stop.code not in (None, 0):
            outcome.update(status="error", error="SystemExit: %s" % str(stop.code)[:2000])
    except BaseException as error:
        outcome.update(status="memory" if isinstance(error, MemoryError) else "error", error=last_line(error))
        traceback.print_exception(type(error), error, own_frames(error.__traceback__))
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    return outcome


def report(descriptor, record):
    data = (json.dumps(record) + "\n").encode()
    while data:
        data = data[os.write(descriptor, data):]


def confine_and_run(request, namespace):
    confine.set_limits(request)
    confine.refuse_system_calls()
    write_files(request["files"])
    process = os.getpid()
    outcome = run(request, namespace)
    if os.getpid() != process:
        os._exit(0)
    return outcome


def run_once(request, pipes):
    """The whole life of a child that serves one snippet."""
    standard_streams(request["stdin"], pipes.out_w, pipes.err_w)
    seed_everything()
    report(pipes.done_w, confine_and_run(request, fresh_namespace()))
    os._exit(0)


def serve_session(pipes):
    """
    The life of a session's process. Each block runs in a fork of the state before it: when the block ends,
    the fork becomes the session and its parent goes; when the block is killed, the parent still has the
    state from before. All of them end with the supervisor.
    """
    supervisor = os.getppid()
    namespace = fresh_namespace()
    seed_everything()
    requests = io.open(pipes.request_r, "rb", buffering=0, closefd=False)
    while True:
        line = requests.readline()
        if not line:
            os._exit(0)
        request = json.loads(line)
        alive_r, alive_w = os.pipe()
        parent = os.getpid()
        child = os.fork()
        if child == 0:
            confine.end_with(parent)
            os.close(alive_r)
            standard_streams(request["stdin"], pipes.out_w, pipes.err_w)
            outcome = confine_and_run(request, namespace)
            outcome["pid"] = os.getpid()
            confine.outlive_parent()
            os.write(alive_w, b"k")
            os.close(alive_w)
            while os.getppid() == parent:
                time.sleep(0.0005)
            confine.end_with(supervisor)
            report(pipes.done_w, outcome)
            continue
        os.close(alive_w)
        survived = os.read(alive_r, 1) == b"k"
        if survived:
            os._exit(0)
        os.close(alive_r)
        status = os.waitpid(child, 0)[1]
        report(pipes.done_w, {"died": status})
