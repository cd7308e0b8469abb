"""Expected learning rates of transformers' schedules, and of torch's ReduceLROnPlateau.

usage: python scripts/golden/schedules.py [OUTPUT]
"""

import json
import sys

import torch
from transformers import get_scheduler

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/train/schedules.json"
PEAK, WARMUP, TOTAL = 2e-4, 3, 12


def optimizer():
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=PEAK)


def rates(kind, warmup=WARMUP, **kwargs):
    sgd = optimizer()
    schedule = get_scheduler(kind, sgd, warmup, TOTAL, scheduler_specific_kwargs=kwargs)
    found = []
    for _ in range(TOTAL):
        found.append(schedule.get_last_lr()[0])
        sgd.step()
        schedule.step()
    return {"type": kind, "warmup": warmup, "kwargs": kwargs, "rates": found}


CASES = [
    rates("linear"), rates("cosine"), rates("cosine", num_cycles=1.5), rates("constant"),
    rates("constant_with_warmup"), rates("cosine_with_restarts", num_cycles=3), rates("cosine_with_restarts"),
    rates("polynomial"), rates("polynomial", lr_end=1e-5, power=2.0), rates("polynomial", 0, lr_end=1e-5, power=0.5),
    rates("inverse_sqrt"), rates("inverse_sqrt", 0), rates("inverse_sqrt", timescale=7),
    rates("cosine_with_min_lr", min_lr_rate=0.1), rates("cosine_with_min_lr", min_lr=5e-5),
    rates("cosine_warmup_with_min_lr", min_lr_rate=0.1),
    rates("cosine_warmup_with_min_lr", min_lr=3e-5, warmup_lr_rate=0.2),
    rates("warmup_stable_decay", num_decay_steps=4),
    rates("warmup_stable_decay", num_decay_steps=5, min_lr_ratio=0.1, warmup_type="cosine", decay_type="linear"),
    rates("warmup_stable_decay", num_decay_steps=5, warmup_type="1-sqrt", decay_type="1-sqrt"),
    rates("warmup_stable_decay", 5, num_decay_steps=10, min_lr_ratio=0.1),
    rates("warmup_stable_decay", 3, num_decay_steps=20, decay_type="linear"),
]


def plateau(values, **kwargs):
    sgd = optimizer()
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(sgd, **kwargs)
    found = []
    for value in values:
        schedule.step(value)
        found.append(schedule.get_last_lr()[0] / PEAK)
    return {"values": values, "kwargs": kwargs, "factors": found}


VALUES = [1.0, 0.9, 0.95, 0.91, 0.90001, 0.92, 0.5, 0.51, 0.52, 0.53, 0.49999, 0.6, 0.7, 0.8]
PLATEAUS = [
    plateau(VALUES, mode="min", factor=0.5, patience=1, threshold=1e-4, cooldown=0),
    plateau(VALUES, mode="min", factor=0.1, patience=2, threshold=1e-2, cooldown=1),
    plateau(VALUES, mode="max", factor=0.3, patience=1, threshold=1e-4, cooldown=2),
    plateau(VALUES, mode="min", factor=0.5, patience=0, threshold=1e-4, cooldown=0, min_lr=6e-5),
    plateau(VALUES, mode="min", factor=0.5, patience=0, threshold=1e-4, cooldown=0, eps=3e-5),
    plateau(VALUES, mode="min", factor=0.1, patience=0, threshold=1e-4, cooldown=0),
    plateau(VALUES, mode="min", factor=0.5, patience=0, threshold=1e-4, cooldown=0, min_lr=4e-5, eps=1e-5),
]

with open(OUTPUT, "w") as file:
    json.dump({"peak": PEAK, "total": TOTAL, "schedules": CASES, "plateaus": PLATEAUS}, file)
    file.write("\n")
