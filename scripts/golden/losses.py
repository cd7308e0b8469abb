"""Expected DPO and GRPO losses, and their gradients to the log-probabilities, by TRL's own loss methods.

usage: python scripts/golden/losses.py [OUTPUT]

Needs the packages of requirements.txt. The trainers' `_compute_loss` runs on a stand-in that holds the settings and
log-probabilities drawn here, so no model is needed. Two things are not TRL's: label smoothing of the sigmoid loss,
which TRL keeps in `aot` only (for one pair at a time the same formula), and the importance ratios, which TRL
computes while it generates (repeated here from `_generate_and_score_completions`).
"""

import json
import sys
from collections import defaultdict
from types import SimpleNamespace

import torch
from portable import Rng
from trl import DPOTrainer, GRPOTrainer

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model/losses.json"
LENGTHS = [3, 5, 2, 4, 6, 1, 2, 3]
ACCELERATOR = SimpleNamespace(
    device="cpu", num_processes=1, sync_gradients=True, gather=lambda x: x, gather_for_metrics=lambda x: x,
    reduce=lambda x, reduction: x,
)


def numbers(rng, lengths, low, high):
    return [[low + (high - low) * rng.uniform() for _ in range(length)] for length in lengths]


def padded(rows):
    width = max(map(len, rows))
    values = torch.tensor([row + [0.0] * (width - len(row)) for row in rows], dtype=torch.float64)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    return values, mask


def flat(values, mask):
    return values[mask.bool()].tolist()


def stand_in(**settings):
    return SimpleNamespace(
        model=SimpleNamespace(training=True), accelerator=ACCELERATOR, aux_loss_enabled=False,
        _metrics=defaultdict(lambda: defaultdict(list)), **settings,
    )


def metrics_of(trainer):
    return {name: values[-1] for name, values in trainer._metrics["train"].items()}


def dpo(rows, reference, loss_type, beta, label_smoothing):
    """Rows 0 … P−1 are chosen, the others rejected; `reference` holds their summed log-probabilities."""
    values, mask = padded(rows)
    leaf = values.clone().requires_grad_()
    outputs = SimpleNamespace(
        log_probs=leaf * mask, entropy=torch.zeros_like(values), is_top1=torch.zeros_like(mask).bool(), mean_logits=values
    )
    half = len(rows) // 2
    inputs = {
        "input_ids": torch.ones(len(rows), mask.shape[1] + 1, dtype=torch.long),
        "attention_mask": torch.cat([torch.ones(len(rows), 1).long(), mask], 1),
        "completion_mask": torch.cat([torch.zeros(len(rows), 1).long(), mask], 1),
        "ref_chosen_logps": torch.tensor(reference[:half], dtype=torch.float64),
        "ref_rejected_logps": torch.tensor(reference[half:], dtype=torch.float64),
    }
    trainer = stand_in(
        ld_alpha=None, precompute_ref_logps=True, f_divergence_type="reverse_kl", loss_types=[loss_type],
        loss_weights=[1.0], beta=beta, label_smoothing=label_smoothing, use_weighting=False, _total_train_tokens=0,
        _tp_size=1,
    )
    loss = DPOTrainer._compute_loss(trainer, lambda **_: outputs, inputs, False)
    loss.backward()
    return loss.item(), leaf.grad, mask, metrics_of(trainer)


def dpo_case(rows, reference, loss_type, beta, label_smoothing=0.0):
    half = len(rows) // 2
    loss, gradient, mask, metrics = dpo(rows, reference, loss_type, beta, 0.0)
    found = {"gradient": flat(gradient, mask), "loss": loss}
    if label_smoothing:
        loss, gradients = 0, {}
        for i in range(half):
            pair = [rows[i], rows[half + i]]
            one, gradient, mask, _ = dpo(pair, [reference[i], reference[half + i]], "aot", beta, label_smoothing)
            loss += one / half
            gradients[i], gradients[half + i] = (flat(gradient[j : j + 1] / half, mask[j : j + 1]) for j in (0, 1))
        found = {"gradient": [x for i in range(2 * half) for x in gradients[i]], "loss": loss}
    names = ["chosen", "rejected", "accuracies", "margins"]
    picked = {f"rewards/{name}": metrics[f"rewards/{name}"] for name in names}
    picked |= {f"logps/{name}": metrics[f"logps/{name}"] for name in names[:2]}
    return {"lossType": loss_type, "beta": beta, "labelSmoothing": label_smoothing, "metrics": picked, **found}


def dpo_cases():
    rng = Rng("golden", "losses", "dpo")
    rows = numbers(rng, LENGTHS, -4, -0.1)
    reference = [sum(row) + 3 * (rng.uniform() - 0.5) for row in rows]
    kinds = [("sigmoid", 0.1), ("sigmoid", 0.5, 0.1), ("hinge", 0.7), ("ipo", 0.2)]
    return {"rows": rows, "reference": reference, "cases": [dpo_case(rows, reference, *kind) for kind in kinds]}


def importance_ratio(logps, sampled, mask, mode, cap):
    difference = (logps - sampled) * mask
    ratio = torch.exp(difference.sum(-1, keepdim=True) if mode.startswith("sequence") else difference)
    if mode.endswith("truncate"):
        return torch.clamp(ratio, max=cap)
    return ratio.masked_fill(ratio > cap, 0.0)


def grpo_micro(data, rows, totals, kind):
    values, mask = padded([data["logps"][i] for i in rows])
    old, reference, sampled = (padded([data[name][i] for i in rows])[0] for name in ("old", "reference", "sampled"))
    leaf = values.clone().requires_grad_()
    inputs = {
        "prompt_ids": torch.ones(len(rows), 1).long(), "prompt_mask": torch.ones(len(rows), 1).long(),
        "completion_ids": mask, "completion_mask": mask, "ref_per_token_logps": reference,
        "advantages": torch.tensor([data["advantages"][i] for i in rows], dtype=torch.float64),
        "num_items_in_batch": torch.tensor(float(totals["tokens"]), dtype=torch.float64),
    }
    if kind["useOld"]:
        inputs["old_per_token_logps"] = old
    if kind["correction"]:
        base = old if kind["useOld"] else values
        inputs["importance_sampling_ratio"] = importance_ratio(base, sampled, mask, *kind["correction"])
    trainer = stand_in(
        _get_per_token_logps_and_entropies=lambda *_, **__: (leaf, torch.zeros_like(values), None), beta=kind["beta"],
        top_entropy_quantile=1.0, off_policy_mask_threshold=None, importance_sampling_level="token",
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=totals["microBatches"]),
        loss_type=kind["lossType"], epsilon_low=kind["epsilon"], epsilon_high=kind["epsilonHigh"],
        use_vllm=bool(kind["correction"]), vllm_importance_sampling_correction=True, _entropy_bonus_enabled=False,
        current_gradient_accumulation_steps=totals["microBatches"], max_completion_length=totals["maxCompletionLength"],
    )
    loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    loss.backward()
    return loss.item(), flat(leaf.grad, mask), metrics_of(trainer)


def grpo_case(data, groups, **kind):
    kind = {"beta": 0.0, "epsilon": 0.2, "epsilonHigh": 0.28, "useOld": True, "correction": None, **kind}
    totals = {"tokens": sum(LENGTHS), "microBatches": len(groups), "maxCompletionLength": 8}
    parts = [grpo_micro(data, rows, totals, kind) for rows in groups]
    found = {"loss": sum(loss for loss, _, _ in parts), "gradients": [gradient for _, gradient, _ in parts]}
    if len(groups) == 1:
        names = [name for name in parts[0][2] if name.endswith("_mean") or name == "kl"]
        found["metrics"] = {name: parts[0][2][name] for name in names}
    return {**kind, "groups": groups, **found}


def grpo_cases():
    rng = Rng("golden", "losses", "grpo")
    logps = numbers(rng, LENGTHS, -3, -0.1)
    near = lambda width: [[x + width * (rng.uniform() - 0.5) for x in row] for row in logps]
    data = {
        "logps": logps, "old": near(1.2), "reference": near(1.0), "sampled": near(1.6),
        "advantages": [1.3, -0.7, 0.4, -1.1, 2.0, -0.2, 0.0, 0.9],
    }
    halves, whole = [[0, 1, 2, 3], [4, 5, 6, 7]], [[0, 1, 2, 3, 4, 5, 6, 7]]
    types = ["grpo", "dapo", "dr_grpo", "bnpo"]
    cases = [grpo_case(data, halves, lossType=kind) for kind in types]
    cases += [grpo_case(data, whole, lossType=kind, beta=0.04) for kind in types]
    cases.append(grpo_case(data, whole, lossType="dapo", useOld=False))
    modes = ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]
    cases += [grpo_case(data, halves, lossType="dapo", beta=0.04, correction=[mode, 1.3]) for mode in modes]
    cases.append(grpo_case(data, whole, lossType="grpo", useOld=False, correction=["token_truncate", 1.3]))
    return {**data, "maxCompletionLength": 8, "cases": cases}


with open(OUTPUT, "w") as file:
    json.dump({"dpo": dpo_cases(), "grpo": grpo_cases()}, file)
    file.write("\n")
