"""
The parent of all snippets of one sandbox, and its first process where there is a process namespace.
Reads one JSON request a line from standard input and answers each with one JSON line. It has imported the
modules that snippets want, so that a fork has them at once. It never runs a snippet's code itself, and
takes nothing that a child writes for more than a claim about that child.
"""

import json
import os
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import confine
import processes
import snippet

sys.path.pop(0)

TICK = 0.02
LOOK = 0.05
GRACE = 1.0
# A report longer than this cannot be one of `snippet.report` within the output limit.
REPORT_SLACK = 1 << 16


class Pipes:
    """Both ends of what a child writes to, and for a session of what it reads."""

    def __init__(self):
        self.out_r, self.out_w = os.pipe()
        self.err_r, self.err_w = os.pipe()
        self.done_r, self.done_w = os.pipe()
        self.request_r, self.request_w = os.pipe()
        for descriptor in (self.out_r, self.err_r, self.done_r):
            os.set_blocking(descriptor, False)

    def keep(self, names):
        for name, descriptor in list(self.__dict__.items()):
            if name not in names:
                os.close(descriptor)
                del self.__dict__[name]

    def close(self):
        self.keep(())


class Collector:
    """Bytes of one run, up to its output limit."""

    def __init__(self, pipes, allowed):
        self.allowed = allowed
        self.parts = {pipes.out_r: bytearray(), pipes.err_r: bytearray(), pipes.done_r: bytearray()}
        self.ended = set()
        self.pipes = pipes

    def total(self):
        return len(self.parts[self.pipes.out_r]) + len(self.parts[self.pipes.err_r])

    def drain(self, seconds):
        """Whether anything came within so many seconds."""
        open_ones = [descriptor for descriptor in self.parts if descriptor not in self.ended]
        ready = select.select(open_ones, [], [], seconds)[0]
        for descriptor in ready:
            try:
                data = os.read(descriptor, 1 << 16)
            except BlockingIOError:
                continue
            if not data:
                self.ended.add(descriptor)
            self.parts[descriptor] += data
        return bool(ready)

    def drain_all(self):
        while self.total() <= self.allowed and self.drain(0):
            if self.ended.issuperset(self.parts):
                return

    def text(self, descriptor):
        return bytes(self.parts[descriptor][: self.allowed]).decode("utf-8", "replace")

    def report(self):
        line, newline, _ = bytes(self.parts[self.pipes.done_r]).partition(b"\n")
        if not newline:
            return None
        try:
            record = json.loads(line)
            return record if isinstance(record, dict) else {}
        except (ValueError, RecursionError):
            return {}


def watch(request, collector, deadline, is_over):
    """Waits for the report, an end without one, or a broken limit; says which."""
    next_look = time.monotonic() + LOOK
    while True:
        collector.drain(TICK)
        now = time.monotonic()
        if collector.total() > collector.allowed or len(collector.parts[collector.pipes.done_r]) > collector.allowed + REPORT_SLACK:
            return "output"
        if collector.report() is not None:
            return "report"
        if now >= deadline:
            return "timeout"
        if now < next_look:
            continue
        next_look = now + LOOK
        if is_over():
            collector.drain_all()
            return "report" if collector.report() is not None else "ended"
        used = processes.usage()
        if used.count > request["processes"] + 2:
            return "processes"
        if used.bytes > request["memory_mib"] * confine.MIB:
            return "memory"


STATUSES = {"ok", "error", "memory"}


def verdict(reason, collector, end):
    """A result from what was seen and, where the child reported, from its claim."""
    pipes = collector.pipes
    result = {"status": "error", "error": None, "value": None}
    claim = collector.report() if reason == "report" else None
    if claim is None:
        messages = {"timeout": "TimeoutError: time limit exceeded", "output": "output limit exceeded",
                    "memory": "memory limit exceeded", "processes": "process limit exceeded"}
        result["status"] = "error" if reason == "ended" else reason
        result["error"] = messages.get(reason) or end()
    elif "died" in claim:
        result["error"] = processes.describe_end(claim["died"])
    else:
        status, error, value = claim.get("status"), claim.get("error"), claim.get("value")
        result["status"] = status if status in STATUSES else "error"
        result["error"] = error if isinstance(error, str) else None
        result["value"] = value if isinstance(value, str) else None
    result["stdout"] = collector.text(pipes.out_r)
    result["stderr"] = collector.text(pipes.err_r)
    return result


class Supervisor:
    def __init__(self, config, private):
        self.private = private
        self.uid = config["uid"]
        self.processes_before = config["processes_before"]
        self.cleaner = processes.Cleaner(config["uid"], config["folders"])
        self.session = None
        self.head = None

    def fork(self, work):
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                os.setsid()
                for descriptor in (*self.private, *self.cleaner.handles):
                    os.close(descriptor)
                confine.become(self.uid, supervisor)
                os.chdir(self.cleaner.folders[0])
                work()
            finally:
                os._exit(71)
        return pid

    def run(self, request):
        pipes = Pipes()
        started = time.monotonic()
        child = self.fork(lambda: snippet.run_once(request, pipes))
        pipes.keep(("out_r", "err_r", "done_r"))
        collector = Collector(pipes, request["output_bytes"])
        ended = processes.Ended(child)
        reason = watch(request, collector, started + request["timeout_ms"] / 1000, ended.check)
        processes.sweep(())
        collector.drain_all()
        result = verdict(reason, collector, ended.describe)
        result["seconds"] = time.monotonic() - started
        pipes.close()
        self.cleaner.clean()
        return result

    def open_session(self):
        self.session = Pipes()
        self.head = self.fork(lambda: snippet.serve_session(self.session))

    def close_session(self):
        processes.sweep(())
        if self.session is not None:
            self.session.close()
        self.session = self.head = None
        self.cleaner.clean()

    def block(self, request):
        """One block of the session. `state_lost` says that its variables are gone."""
        if self.session is None:
            self.open_session()
        started = time.monotonic()
        line = (json.dumps(request) + "\n").encode()
        collector = Collector(self.session, request["output_bytes"])
        deadline = started + request["timeout_ms"] / 1000
        sent = processes.write_all(self.session.request_w, line, deadline)
        reason = watch(request, collector, deadline, lambda: not processes.exists(self.head)) if sent else "timeout"
        claim = collector.report() if reason == "report" else None
        if claim and isinstance(claim.get("pid"), int) and processes.exists(claim["pid"]):
            self.head = claim["pid"]
        processes.sweep((self.head,))
        lost = not (reason == "report" or self.settles(collector))
        collector.drain_all()
        result = verdict(reason, collector, lambda: "the session ended")
        result["seconds"] = time.monotonic() - started
        result["state_lost"] = lost or not processes.exists(self.head)
        if result["state_lost"]:
            self.close_session()
        return result

    def settles(self, collector):
        """After a block was killed, its parent says so and then waits for the next one."""
        until = time.monotonic() + GRACE
        while time.monotonic() < until and collector.report() is None and processes.exists(self.head):
            collector.drain(TICK)
        claim = collector.report()
        return claim is not None and "died" in claim

    def answer(self, message):
        request = message.get("request")
        if request is not None:
            request["processes_before"] = self.processes_before
        if message["op"] == "run":
            return self.run(request)
        if message["op"] == "block":
            return self.block(request)
        self.close_session()
        return {}


def preload(names):
    missing = []
    for name in names:
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    return missing


def main():
    config = json.loads(sys.argv[1])
    commands, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    confine.harden_supervisor(os.getpid() == 1)
    supervisor = Supervisor(config, (commands.fileno(), answers))
    snippet.report(answers, {"missing": preload(config["preload"])})
    processes.measure_baseline()
    for line in commands:
        snippet.report(answers, supervisor.answer(json.loads(line)))
    processes.sweep(())


main()
