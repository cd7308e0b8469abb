"""Weights & Biases for a program that is not Python: passes JSON lines from standard input to `wandb`.

The first line is {"init": {arguments of wandb.init}}; then {"log": {name: number, …}, "step": n},
{"table": name, "step": n, "columns": […], "rows": [[…], …]}, and at the end {"finish": exit code}.
Each line is answered by one line of JSON: {"ok": …} or {"error": text}.
"""

import json
import sys

answers = sys.stdout
sys.stdout = sys.stderr


def answer(**values):
    print(json.dumps(values), file=answers, flush=True)


def main():
    import wandb

    run = None
    for line in sys.stdin:
        message = json.loads(line)
        try:
            if "init" in message:
                run = wandb.init(**message["init"])
                answer(ok=run.url or run.dir)
            elif "log" in message:
                run.log({k: float(v) for k, v in message["log"].items()}, step=message["step"])
                answer(ok=True)
            elif "table" in message:
                table = wandb.Table(columns=message["columns"], data=message["rows"])
                run.log({message["table"]: table}, step=message["step"])
                answer(ok=True)
            elif "finish" in message:
                run.finish(exit_code=message["finish"])
                answer(ok=True)
                return
        except Exception as error:
            answer(error=f"{type(error).__name__}: {error}")
    if run is not None:
        run.finish(exit_code=1)  # the program is gone without a word


if __name__ == "__main__":
    main()
