"""Expected SFT, DPO, KTO and GRPO losses, and their gradients to the log-probabilities, by TRL's own loss methods.

usage: python scripts/golden/losses.py [OUTPUT]

Needs the packages of requirements.txt. The trainers' `_compute_loss` runs on a stand-in that holds the settings and
log-probabilities drawn here, so no model is needed. SFT runs on logits, for label smoothing is transformers' own
LabelSmoother. Not TRL's are: label smoothing of the sigmoid loss, which TRL keeps in `aot` (for one pair at a
time the same formula); the importance ratios, which TRL computes while it generates (repeated here from
`_generate_and_score_completions`); the KL estimators k1 and k2, whose terms replace k3's in the loss by hand; and the
NLL of CPO and ORPO, here the mean over chosen tokens.
"""

import json
import math
import sys
from collections import defaultdict
from types import SimpleNamespace

import torch
from portable import Rng
from transformers.trainer_pt_utils import LabelSmoother
from trl import DPOTrainer, GRPOTrainer, SFTTrainer
from trl.experimental.cpo import CPOTrainer
from trl.experimental.orpo import ORPOTrainer
from trl.trainer.kto_trainer import KTOTrainer
from trl.trainer.utils import nanstd

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model/losses.json"
LENGTHS = [3, 5, 2, 4, 6, 1, 2, 3]
TOP1 = -2  # tokens above count as the likeliest; the means of logits are the log-probabilities
ACCELERATOR = SimpleNamespace(
    device="cpu", num_processes=1, sync_gradients=True, gather=lambda x: x, gather_for_metrics=lambda x: x,
    reduce=lambda x, reduction: x, pad_across_processes=lambda x, **_: x,
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


REVERSE_KL = ("reverse_kl", 0.5)


def dpo(rows, reference, losses, beta, label_smoothing, ld_alpha=None, divergence=REVERSE_KL, tau=0.05):
    """Rows 0 … P−1 are chosen, the others rejected; `reference` holds their summed log-probabilities."""
    values, mask = padded(rows)
    if divergence[0] == "alpha_divergence":
        values = values.float()  # TRL knows the exponents' bound for types of half and single precision only
    leaf = values.clone().requires_grad_()
    outputs = SimpleNamespace(
        log_probs=leaf * mask, entropy=torch.zeros_like(values), is_top1=mask.bool() & (values > TOP1), mean_logits=values
    )
    half = len(rows) // 2
    inputs = {
        "input_ids": torch.ones(len(rows), mask.shape[1] + 1, dtype=torch.long),
        "attention_mask": torch.cat([torch.ones(len(rows), 1).long(), mask], 1),
        "completion_mask": torch.cat([torch.zeros(len(rows), 1).long(), mask], 1),
        "ref_chosen_logps": torch.tensor(reference[:half], dtype=values.dtype),
        "ref_rejected_logps": torch.tensor(reference[half:], dtype=values.dtype),
    }
    trainer = stand_in(
        ld_alpha=ld_alpha, precompute_ref_logps=True, f_divergence_type=divergence[0],
        f_alpha_divergence_coef=divergence[1], args=SimpleNamespace(discopop_tau=tau), loss_types=[kind for kind, _ in losses],
        loss_weights=[weight for _, weight in losses], beta=beta, label_smoothing=label_smoothing, use_weighting=False,
        _total_train_tokens=0, _tp_size=1,
    )
    loss = DPOTrainer._compute_loss(trainer, lambda **_: outputs, inputs, False)
    loss.backward()
    return loss.item(), leaf.grad, mask, metrics_of(trainer)


def without_reference(rows, kind, beta, label_smoothing, gamma=0.5, alpha=1.0):
    values, mask = padded(rows)
    leaf = values.clone().requires_grad_()
    half = len(rows) // 2
    sums, lengths = (leaf * mask).sum(1), mask.sum(1)
    logps = sums if kind == "cpo" else sums / lengths
    nll = -(leaf * mask)[:half].sum() / lengths[:half].sum()
    nothing = torch.zeros(1)
    trainer = SimpleNamespace(
        concatenated_forward=lambda *_: (logps[:half], logps[half:], nothing, nothing, nll), aux_loss_enabled=False,
        accelerator=ACCELERATOR, alpha=0.0, loss_type="simpo" if kind == "simpo" else "sigmoid", simpo_gamma=gamma,
        beta=beta, label_smoothing=label_smoothing, cpo_alpha=0.0 if kind == "simpo" else alpha,
    )
    trainer.cpo_loss = lambda *x: CPOTrainer.cpo_loss(trainer, *x)
    trainer.odds_ratio_loss = lambda *x: ORPOTrainer.odds_ratio_loss(trainer, *x)
    method = ORPOTrainer if kind == "orpo" else CPOTrainer
    loss, metrics = method.get_batch_loss_metrics(trainer, None, {})
    loss.backward()
    return loss.item(), leaf.grad, mask, metrics


def smoothed_sigmoid(rows, reference, beta, label_smoothing):
    half = len(rows) // 2
    loss, gradients = 0, {}
    for i in range(half):
        pair = [rows[i], rows[half + i]]
        one, gradient, mask, _ = dpo(pair, [reference[i], reference[half + i]], [("aot", 1.0)], beta, label_smoothing)
        loss += one / half
        gradients[i], gradients[half + i] = (flat(gradient[j : j + 1] / half, mask[j : j + 1]) for j in (0, 1))
    return {"gradient": [x for i in range(2 * half) for x in gradients[i]], "loss": loss}


def dpo_case(
    rows, reference, losses, beta, label_smoothing=0.0, ld_alpha=None, divergence=REVERSE_KL, tau=0.05
):
    kind = losses[0][0]
    if kind in ("simpo", "cpo", "orpo"):
        loss, gradient, mask, metrics = without_reference(rows, kind, beta, label_smoothing)
    else:
        loss, gradient, mask, metrics = dpo(rows, reference, losses, beta, label_smoothing, ld_alpha, divergence, tau)
    found = {"gradient": flat(gradient, mask), "loss": loss}
    if kind == "sigmoid" and label_smoothing:
        found = smoothed_sigmoid(rows, reference, beta, label_smoothing)
    names = ["chosen", "rejected", "accuracies", "margins"]
    picked = {f"rewards/{name}": metrics[f"rewards/{name}"] for name in names}
    picked |= {f"logps/{name}": metrics[f"logps/{name}"] for name in names[:2]}
    if "mean_token_accuracy" in metrics:
        picked |= {name: metrics[name] for name in ("logits/chosen", "logits/rejected", "mean_token_accuracy")}
    losses = [{"type": kind, "weight": weight} for kind, weight in losses]
    return {
        "losses": losses, "beta": beta, "labelSmoothing": label_smoothing, "ldAlpha": ld_alpha, "metrics": picked,
        "divergence": dict(zip(("type", "alpha"), divergence)), "discopopTau": tau, **found,
    }


def dpo_cases():
    rng = Rng("golden", "losses", "dpo")
    rows = numbers(rng, LENGTHS, -4, -0.1)
    reference = [sum(row) + 3 * (rng.uniform() - 0.5) for row in rows]
    one = lambda kind: [(kind, 1.0)]
    kinds = [(one("sigmoid"), 0.1), (one("sigmoid"), 0.5, 0.1), (one("hinge"), 0.7), (one("ipo"), 0.2)]
    kinds += [(one(kind), 0.4) for kind in ("sigmoid_norm", "nca_pair", "bco_pair", "sppo_hard", "apo_zero", "apo_down")]
    kinds += [(one("robust"), 0.4, 0.2), (one("exo_pair"), 0.4, 0.05), ([("sigmoid", 1.0), ("sft", 0.3)], 0.3)]
    kinds += [([("sigmoid", 0.8), ("bco_pair", 0.2), ("sft", 1.0)], 0.3)]
    kinds += [(one("sigmoid"), 0.3, 0.0, 0.4), (one("ipo"), 0.3, 0.0, 0.0), (one("sigmoid"), 0.3, 0.0, 1.0)]
    kinds += [([("sigmoid", 1.0), ("sft", 0.3)], 0.3, 0.0, 0.4)]
    kinds += [(one("simpo"), 2.0), (one("simpo"), 2.0, 0.1), (one("cpo"), 0.1), (one("cpo"), 0.3, 0.2), (one("orpo"), 0.1)]
    forward, js = ("forward_kl", 0.5), ("js_divergence", 0.5)
    kinds += [(one(kind), 0.3, 0.0, None, forward) for kind in ("sigmoid", "ipo", "hinge", "discopop")]
    kinds += [(one("robust"), 0.4, 0.2, None, js), (one("exo_pair"), 0.4, 0.05, None, js)]
    kinds += [([("sigmoid", 1.0), ("sft", 0.3)], 0.3, 0.0, 0.4, js)]
    kinds += [(one("sigmoid"), 0.3, 0.0, None, ("alpha_divergence", alpha)) for alpha in (0.5, 1.0, 3.0)]
    kinds += [(one("sigmoid_norm"), 0.4, 0.0, None, ("alpha_divergence", -1.0))]
    kinds += [(one("aot"), 0.3), (one("aot"), 0.3, 0.2, 0.4), (one("aot_unpaired"), 0.3, 0.1)]
    kinds += [(one("discopop"), 0.1), (one("discopop"), 0.4, 0.0, None, REVERSE_KL, 0.5)]
    mixed = [("sigmoid_norm", 0.8), ("hinge", 0.2), ("sft", 1.0)]
    kinds += [(mixed, 0.3, 0.0, 0.4, js), ([("exo_pair", 0.5), ("aot", 2.0)], 0.4, 0.05, 0.4)]
    kinds += [([("sppo_hard", 1.0), ("nca_pair", 0.3), ("apo_down", 0.5)], 0.4, 0.0, 0.0)]
    return {"rows": rows, "reference": reference, "cases": [dpo_case(rows, reference, *kind) for kind in kinds]}


def kto_case(rows, reference, desirable, mismatched, kind, desirable_weight, undesirable_weight):
    """`mismatched`: log-ratios of answers put to other prompts."""
    values, mask = padded(rows)
    leaf = values.clone().requires_grad_()
    outputs = SimpleNamespace(
        log_probs=leaf * mask, entropy=torch.zeros_like(values), is_top1=mask.bool() & (values > TOP1), mean_logits=values
    )
    ratios = torch.tensor(mismatched, dtype=torch.float64)
    inputs = {
        "input_ids": torch.ones(len(rows), mask.shape[1] + 1, dtype=torch.long),
        "attention_mask": torch.cat([torch.ones(len(rows), 1).long(), mask], 1),
        "completion_mask": torch.cat([torch.zeros(len(rows), 1).long(), mask], 1),
        "label": torch.tensor(desirable), "ref_logps": torch.tensor(reference, dtype=torch.float64),
        "ref_KL_logps": torch.zeros_like(ratios),
    }
    trainer = stand_in(
        _compute_kl_logps=lambda *_: ratios, precompute_ref_logps=True, calculate_KL=kind == "kto", loss_type=kind,
        beta=0.3, desirable_weight=desirable_weight, undesirable_weight=undesirable_weight, _total_train_tokens=0,
        _tp_size=1,
    )
    loss = KTOTrainer._compute_loss(trainer, lambda **_: outputs, inputs, False)
    loss.backward()
    names = [f"{group}/{side}" for group in ("rewards", "logps", "logits") for side in ("chosen", "rejected")]
    names.append("rewards/margins")
    metrics = metrics_of(trainer)
    return {
        "lossType": kind, "beta": 0.3, "desirable": desirable, "mismatched": mismatched,
        "desirableWeight": desirable_weight, "undesirableWeight": undesirable_weight, "kl": metrics["kl"],
        "loss": loss.item(), "gradient": flat(leaf.grad, mask), "metrics": {name: metrics[name] for name in names if name in metrics},
    }


def kto_cases():
    rng = Rng("golden", "losses", "kto")
    rows = numbers(rng, LENGTHS, -4, -0.1)
    reference = [sum(row) + 3 * (rng.uniform() - 0.5) for row in rows]
    desirable = [True, False, True, True, False, True, False, True]
    cases = [
        kto_case(rows, reference, desirable, [0.9, -0.2, 0.4, 0.7], "kto", 1.0, 1.0),
        kto_case(rows, reference, desirable, [-0.9, 0.2, -0.4, 0.1], "kto", 1.0, 1.5),
        kto_case(rows, reference, desirable, [], "apo_zero_unpaired", 1.0, 1.0),
        kto_case(rows, reference, [True] * 8, [0.9, -0.2], "kto", 1.0, 1.0),
        kto_case(rows, reference, [False] * 8, [], "apo_zero_unpaired", 1.0, 1.5),
    ]
    return {"rows": rows, "reference": reference, "cases": cases}


def sft_case(logits, labels, kind, smoothing):
    """`labels[t]` is predicted by `logits[t]`; −100 is ignored. `slopes` are d loss / d logits."""
    leaf = torch.tensor([logits], dtype=torch.float64, requires_grad=True)
    targets = torch.tensor([labels])
    mask = targets != -100
    chosen = torch.log_softmax(leaf, -1).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1) * mask
    outputs = SimpleNamespace(
        log_probs=chosen, label_mask=mask, entropy=torch.zeros_like(chosen), is_top1=torch.zeros_like(mask),
        logits=leaf,
    )
    # The smoother shifts: a first label that no position predicts, a last position that predicts nothing.
    shifted = {"logits": torch.cat([leaf, torch.zeros_like(leaf[:, :1])], 1)}
    trainer = stand_in(
        args=SimpleNamespace(loss_type=kind, average_tokens_across_devices=False), compute_loss_func=None,
        label_smoother=LabelSmoother(epsilon=smoothing) if smoothing else None, _total_train_tokens=0, _tp_size=1,
    )
    trainer.accelerator = SimpleNamespace(**{**vars(ACCELERATOR), "parallelism_config": None})
    model = lambda **inputs: outputs if inputs.get("fused_lm_head") else shifted
    inputs = {
        "labels": torch.cat([torch.tensor([[-100]]), targets], 1), "attention_mask": torch.ones(1, len(labels) + 1),
    }
    loss = SFTTrainer.compute_loss(trainer, model, inputs)
    loss.backward()
    return {"lossType": kind, "labelSmoothing": smoothing, "loss": loss.item(), "slopes": leaf.grad[0].tolist()}


def sft_cases():
    rng = Rng("golden", "losses", "sft")
    logits = numbers(rng, [5] * 6, -3, 3)
    labels = [2, -100, 0, 4, 4, 1]
    kinds = [("nll", 0.0), ("nll", 0.1), ("dft", 0.0)]
    return {"logits": logits, "labels": labels, "cases": [sft_case(logits, labels, *kind) for kind in kinds]}


def importance_ratio(logps, sampled, mask, mode, cap, floor=None):
    difference = (logps - sampled) * mask
    ratio = torch.exp(difference.sum(-1, keepdim=True) if mode.startswith("sequence") else difference)
    if mode.endswith("truncate"):
        return torch.clamp(ratio, min=floor, max=cap)
    return ratio.masked_fill((ratio > cap) | (ratio < (floor or 0.0)), 0.0)


def grpo_micro(data, rows, totals, kind):
    values, mask = padded([data["logps"][i] for i in rows])
    mask = mask * torch.tensor([[int(i not in kind["masked"])] for i in rows])
    old, reference, sampled = (padded([data[name][i] for i in rows])[0] for name in ("old", "reference", "sampled"))
    leaf = values.clone().requires_grad_()
    entropies = padded([data["entropies"][i] for i in rows])[0]
    if kind["topEntropyQuantile"] < 1:
        entropies = entropies.float().double()  # TRL compares them with a quantile in float32
    entropies.requires_grad_()
    inputs = {
        "prompt_ids": torch.ones(len(rows), 1).long(), "prompt_mask": torch.ones(len(rows), 1).long(),
        "completion_ids": mask, "completion_mask": mask, "ref_per_token_logps": reference,
        "advantages": torch.tensor([data["advantages"][i] for i in rows], dtype=torch.float64),
        "num_items_in_batch": torch.tensor(float(totals["tokens"]), dtype=torch.float64),
    }
    inputs["sampling_per_token_logps"] = sampled
    if kind["useOld"]:
        inputs["old_per_token_logps"] = old
    if kind["correction"]:
        base = old if kind["useOld"] else values
        inputs["importance_sampling_ratio"] = importance_ratio(base, sampled, mask, *kind["correction"])
    trainer = stand_in(
        _get_per_token_logps_and_entropies=lambda *_, **__: (leaf, entropies, None), beta=kind["beta"],
        top_entropy_quantile=kind["topEntropyQuantile"], off_policy_mask_threshold=kind["offPolicyThreshold"], importance_sampling_level=kind["level"],
        args=SimpleNamespace(
            delta=kind["delta"], use_bias_correction_kl=kind["klWeighed"], steps_per_generation=totals["microBatches"],
            sapo_temperature_pos=kind["sapo"]["positive"], sapo_temperature_neg=kind["sapo"]["negative"],
        ),
        loss_type=kind["lossType"], epsilon_low=kind["epsilon"], epsilon_high=kind["epsilonHigh"],
        use_vllm=bool(kind["correction"]), vllm_importance_sampling_correction=True,
        _entropy_bonus_enabled=kind["entropyCoef"] > 0, use_adaptive_entropy=False, entropy_coef=kind["entropyCoef"],
        current_gradient_accumulation_steps=totals["microBatches"], max_completion_length=totals["maxCompletionLength"],
    )
    trainer.get_off_policy_mask = GRPOTrainer.get_off_policy_mask
    trainer.get_high_entropy_mask = lambda *x: GRPOTrainer.get_high_entropy_mask(trainer, *x)
    if kind["klEstimator"] == "k3":
        loss = GRPOTrainer._compute_loss(trainer, None, inputs)
    else:
        loss = with_other_kl(trainer, inputs, leaf, (old, reference), mask, kind)
    loss.backward()
    entropy_slope = 0.0 if entropies.grad is None else entropies.grad[mask.bool()].sum().item()
    return loss.item(), flat(leaf.grad, mask), metrics_of(trainer), entropy_slope


def with_other_kl(trainer, inputs, leaf, others, mask, kind):
    """Without TRL's KL term, and with the other estimator's in its place (one micro-batch, token mean)."""
    trainer.beta = 0.0
    policy = GRPOTrainer._compute_loss(trainer, None, inputs)
    old, reference = others
    gap = reference - leaf
    ratio = torch.exp(leaf - old) if kind["klWeighed"] else 1.0
    kl = ((-gap if kind["klEstimator"] == "k1" else gap**2 / 2) * ratio * mask).sum() / mask.sum()
    trainer._metrics["train"]["kl"].append(kl.item())
    return policy + kind["beta"] * kl


EXTRA = ("kl", "cispo_clip_ratio", "policy_loss", "entropy")
EXTREMES = ("clip_ratio/low_min", "clip_ratio/high_max")


def grpo_case(data, groups, **kind):
    kind = {
        "masked": [], "beta": 0.0, "epsilon": 0.2, "epsilonHigh": 0.28, "delta": None, "level": "token", "entropyCoef": 0.0,
        "klEstimator": "k3", "klWeighed": False, "offPolicyThreshold": None, "topEntropyQuantile": 1.0, "useOld": True, "correction": None, "sapo": {"positive": 1.0, "negative": 1.05}, **kind,
    }
    tokens = sum(length for i, length in enumerate(LENGTHS) if i not in kind["masked"])
    totals = {"tokens": tokens, "microBatches": len(groups), "maxCompletionLength": 8}
    parts = [grpo_micro(data, rows, totals, kind) for rows in groups]
    found = {
        "loss": sum(part[0] for part in parts), "gradients": [part[1] for part in parts],
        "entropySlope": sum(part[3] for part in parts),
    }
    if len(groups) == 1:
        names = [name for name in parts[0][2] if name.endswith("_mean") or name in EXTRA]
        found["metrics"] = {name: parts[0][2][name] for name in names}
        found["extremes"] = {name: parts[0][2][name] for name in EXTREMES if name in parts[0][2]}
    return {**kind, "groups": groups, **found}


def grpo_cases():
    rng = Rng("golden", "losses", "grpo")
    logps = numbers(rng, LENGTHS, -3, -0.1)
    near = lambda width: [[x + width * (rng.uniform() - 0.5) for x in row] for row in logps]
    data = {
        "logps": logps, "old": near(1.2), "reference": near(1.0), "sampled": near(1.6),
        "entropies": numbers(rng, LENGTHS, 0.05, 2),
        "advantages": [1.3, -0.7, 0.4, -1.1, 2.0, -0.2, 0.0, 0.9],
    }
    halves, whole = [[0, 1, 2, 3], [4, 5, 6, 7]], [[0, 1, 2, 3, 4, 5, 6, 7]]
    types = ["grpo", "dapo", "dr_grpo", "bnpo"]
    cases = [grpo_case(data, halves, lossType=kind) for kind in types]
    cases += [grpo_case(data, whole, lossType=kind, beta=0.04) for kind in types]
    cases.append(grpo_case(data, whole, lossType="dapo", useOld=False))
    modes = ["token_truncate", "token_mask", "sequence_truncate", "sequence_mask"]
    cases += [grpo_case(data, halves, lossType="dapo", beta=0.04, correction=[mode, 1.3]) for mode in modes]
    cases += [grpo_case(data, whole, lossType="dapo", correction=[mode, 2.5, 0.7]) for mode in modes]
    cases.append(grpo_case(data, whole, lossType="grpo", useOld=False, correction=["token_truncate", 1.3]))
    cases += [grpo_case(data, halves, lossType="cispo", epsilonHigh=1.2, correction=["token_truncate", 1.3])]
    cases += [grpo_case(data, whole, lossType="cispo", epsilonHigh=1.2, beta=0.04)]
    cases += [grpo_case(data, whole, lossType=kind, level="sequence", beta=0.04) for kind in ("grpo", "dapo")]
    cases += [grpo_case(data, halves, lossType="dapo", level="sequence", epsilon=3e-2, epsilonHigh=4e-2)]
    cases += [grpo_case(data, whole, lossType="dapo", delta=1.4), grpo_case(data, whole, lossType="grpo", entropyCoef=0.02)]
    cases += [grpo_case(data, whole, lossType="dapo", beta=0.1, klEstimator=kind) for kind in ("k1", "k2")]
    weighed = [dict(), dict(useOld=False), dict(level="sequence"), dict(klEstimator="k1"), dict(delta=1.4)]
    cases += [grpo_case(data, whole, lossType="dapo", beta=0.1, klWeighed=True, **kind) for kind in weighed]
    tops = [dict(topEntropyQuantile=0.2), dict(topEntropyQuantile=0.2, beta=0.04, entropyCoef=0.02)]
    tops += [dict(topEntropyQuantile=0.0), dict(topEntropyQuantile=0.5, correction=["token_truncate", 1.3])]
    cases += [grpo_case(data, whole, lossType="dapo", **kind) for kind in tops]
    cases += [grpo_case(data, halves, lossType="grpo", topEntropyQuantile=0.5)]
    cases += [grpo_case(data, halves, lossType="luspo", level="sequence", beta=0.04)]
    cases += [grpo_case(data, whole, lossType="dapo", beta=0.04, offPolicyThreshold=limit) for limit in (0.1, 0.5)]
    other = {"positive": 0.6, "negative": 2.0}
    cases += [grpo_case(data, whole, lossType="sapo", beta=0.04), grpo_case(data, halves, lossType="sapo", sapo=other)]
    cases += [grpo_case(data, halves, lossType="sapo", level="sequence", correction=["token_truncate", 1.3])]
    masks = [dict(masked=[1, 6]), dict(masked=[4, 5, 6, 7]), dict(masked=[0, 4, 5, 6, 7], correction=["token_truncate", 1.3])]
    cases += [grpo_case(data, halves, lossType=kind, beta=0.04, **mask) for kind in types for mask in masks]
    own = dict(cispo=dict(epsilonHigh=1.2), sapo=dict(sapo=other), luspo=dict(level="sequence"))
    cases += [grpo_case(data, halves, lossType=kind, **own[kind], **mask) for kind in own for mask in masks[::2]]
    cases += [grpo_case(data, whole, lossType="cispo", level="sequence", epsilonHigh=1.2, offPolicyThreshold=0.1, masked=[1, 6])]
    cases += [grpo_case(data, halves, lossType="dapo", level="sequence", delta=1.4, beta=0.04, correction=["sequence_mask", 2.5])]
    cases += [grpo_case(data, halves, lossType="bnpo", delta=1.4, topEntropyQuantile=0.5, offPolicyThreshold=0.5)]
    return {**data, "maxCompletionLength": 8, "cases": cases}


def advantage_cases():
    """Repeated from `_generate_and_score_completions`: groups of four, None is NaN; `summed` are those of
    `sum_then_normalize` by `scale_rewards`, the others those of `normalize_then_sum`."""
    rewards = [[1, 0, 0, 1, 0, 0, 0, 0], [0.2, 0.1, None, 0.4, 0.3, 0.3, 0.1, None], [0, 5, 2, 1, 3, 3, 3, 3]]
    weights = [1.0, 0.5, 0.1]
    grid = torch.tensor([[math.nan if x is None else x for x in row] for row in rewards], dtype=torch.float64).T
    grouped = grid.view(-1, 4, 3)
    spread = nanstd(grouped, dim=1, keepdim=True)
    scaled = ((grouped - torch.nanmean(grouped, dim=1, keepdim=True)) / (spread + 1e-4)).view(-1, 3)
    sums = (scaled * torch.tensor(weights).unsqueeze(0)).nansum(dim=1)
    advantages = (sums - torch.nanmean(sums)) / (nanstd(sums) + 1e-4)
    found = {"rewards": rewards, "weights": weights, "groupSize": 4, "advantages": advantages.tolist()}
    totals = [0.2, 1.5, None, 0.7, 3.0, None, 2.5, 2.75]
    values = torch.tensor([math.nan if x is None else x for x in totals], dtype=torch.float64)
    groups = values.view(-1, 4)
    centred = values - torch.nanmean(groups, dim=1).repeat_interleave(4)
    spreads = {"group": nanstd(groups, dim=1).repeat_interleave(4), "batch": nanstd(values).expand_as(values)}
    summed = {scale: centred / (spread + 1e-4) for scale, spread in spreads.items()} | {"none": centred}
    return {**found, "totals": totals, "summed": {scale: x.nan_to_num(nan=0.0).tolist() for scale, x in summed.items()}}


with open(OUTPUT, "w") as file:
    cases = {"sft": sft_cases(), "dpo": dpo_cases(), "kto": kto_cases(), "grpo": grpo_cases()}
    json.dump({**cases, "advantages": advantage_cases()}, file)
    file.write("\n")
