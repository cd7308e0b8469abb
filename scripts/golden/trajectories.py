"""Ten optimizer steps of TRL's trainers on a small decoder: losses and gradient norms.

usage: python scripts/golden/trajectories.py [OUTPUT]

Needs the packages of requirements.txt. AdamW with learning rate 1e-2, LoRA on every linear layer, four rows or pairs
a step in two micro-batches, eight in all, in the order of the file, again and again. DPO runs twice: from a fresh
adapter (the reference is the base model) and from a trained one (the reference is a copy of it). KTO has one micro-
batch a step, as TRL takes its KL baseline of each. GRPO learns from completions that are given with their rewards, in
the order of the file: TRL's own shuffle would deal them to other steps of a generation.
"""

import json
import sys
from tempfile import mkdtemp

import torch
import trl.trainer.grpo_trainer
from cases import FAMILIES
from datasets import Dataset
from families import LORA, build, load_config
from peft import LoraConfig, get_peft_model
from portable import Rng, random_tensor
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast, TrainerCallback
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, KTOConfig, KTOTrainer, SFTConfig, SFTTrainer

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/model/trajectories.json"
MODEL, STEPS, EXAMPLES, BATCH, MICRO, BETA = "llama", 10, 8, 4, 2, 0.1
FIELDS = FAMILIES[MODEL]


class Log(TrainerCallback):
    def __init__(self):
        self.rows = []

    def on_log(self, args, state, control, logs=None, **_):
        if "grad_norm" in logs:
            self.rows.append({key: float(value) for key, value in logs.items()})


class ReadyDPOTrainer(DPOTrainer):
    """Takes rows of ids as they are."""

    def _prepare_dataset(self, dataset, *_):
        return dataset


class ReadyKTOTrainer(KTOTrainer):
    """Takes rows of ids as they are."""

    def _prepare_dataset(self, dataset, _, args, *__):
        return dataset.map(mismatched, batched=True, batch_size=args.per_device_train_batch_size)


def mismatched(rows):
    """As KTOTrainer's own `add_kl_completion_ids`."""
    answers = rows["completion_ids"]
    return {**rows, "KL_completion_ids": [answers[-1], *answers[:-1]]}


def tokenizer():
    words = {f"w{i}": i for i in range(FIELDS["vocab_size"])}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(WordLevel(words, "w1")), pad_token="w0", eos_token="w1")


def adapted_model(zero_b):
    model = get_peft_model(build(MODEL, load_config(FIELDS)), LoraConfig(task_type="CAUSAL_LM", **LORA))
    fill_adapter(model, zero_b)
    return model


def fill_adapter(model, zero_b):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".default." not in name:
                continue
            portable = name.removeprefix("base_model.model.").replace(".default.weight", ".weight")
            parameter.copy_(random_tensor(MODEL, portable, parameter.shape, 0))
            if zero_b and "lora_B" in name:
                parameter.zero_()


def arguments(kind, micro=MICRO, **more):
    return kind(
        output_dir=mkdtemp(), max_steps=STEPS, per_device_train_batch_size=micro, gradient_accumulation_steps=BATCH // micro,
        learning_rate=1e-2, lr_scheduler_type="constant", weight_decay=0.0, max_grad_norm=1.0, optim="adamw_torch",
        train_sampling_strategy="sequential", logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, bf16=False,
        disable_tqdm=True, **more,
    )


def ids(rng, low, high):
    return [rng.int(1, FIELDS["vocab_size"] - 1) for _ in range(rng.int(low, high))]


def losses(log):
    return {
        "losses": [row["loss"] for row in log.rows],
        "gradNorms": [row["grad_norm"] for row in log.rows],
        **({"margins": [row["rewards/margins"] for row in log.rows]} if "rewards/margins" in log.rows[0] else {}),
    }


def sft():
    """Each row has a prompt that the loss leaves out and an answer."""
    rng = Rng("golden", "trajectories", "sft")
    rows = [{"prompt": ids(rng, 2, 6), "answer": ids(rng, 3, 12)} for _ in range(EXAMPLES)]
    data = [
        {"input_ids": row["prompt"] + row["answer"], "labels": [-100] * len(row["prompt"]) + row["answer"]}
        for row in rows
    ]
    log = Log()
    SFTTrainer(
        model=adapted_model(False), args=arguments(SFTConfig, max_length=None), train_dataset=Dataset.from_list(data),
        processing_class=tokenizer(), callbacks=[log],
    ).train()
    return {"rows": rows, **losses(log)}


def dpo(fresh):
    rng = Rng("golden", "trajectories", "dpo")
    pairs = [
        {"prompt": ids(rng, 2, 6), "chosen": ids(rng, 3, 10), "rejected": ids(rng, 3, 10)} for _ in range(EXAMPLES)
    ]
    data = Dataset.from_list([{f"{key}_ids": value for key, value in pair.items()} for pair in pairs])
    log = Log()
    trainer = ReadyDPOTrainer(
        model=build(MODEL, load_config(FIELDS)) if fresh else adapted_model(False),
        args=arguments(DPOConfig, max_length=None, beta=BETA, loss_type="sigmoid"), train_dataset=data, processing_class=tokenizer(),
        callbacks=[log], peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA) if fresh else None,
    )
    if fresh:
        fill_adapter(trainer.model, True)
    trainer.train()
    return {"pairs": pairs, **losses(log)}


def kto():
    rng = Rng("golden", "trajectories", "kto")
    rows = [
        {"prompt": ids(rng, 2, 6), "completion": ids(rng, 3, 10), "label": label}
        for label in (True, False, False, True, True, True, False, True)
    ]
    names = {"prompt": "prompt_ids", "completion": "completion_ids", "label": "label"}
    data = Dataset.from_list([{names[key]: value for key, value in row.items()} for row in rows])
    log = Log()
    trainer = ReadyKTOTrainer(
        model=build(MODEL, load_config(FIELDS)), train_dataset=data, processing_class=tokenizer(), callbacks=[log],
        args=arguments(KTOConfig, micro=BATCH, max_length=None, beta=BETA, desirable_weight=1.3),
        peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA),
    )
    fill_adapter(trainer.model, True)
    trainer.train()
    return {"rows": rows, "desirableWeight": 1.3, **losses(log), "kl": [row["kl"] for row in log.rows]}


def grpo(lossType, level, stepsPerGeneration, numIterations, beta=0.04, epsilon=0.2, epsilonHigh=0.28):
    """Groups of four; the completions of a prompt, and then the prompts, come again and again."""
    rng = Rng("golden", "trajectories", "grpo")
    groups = [
        {
            "prompt": ids(rng, 2, 6), "completions": [ids(rng, 1, 10) for _ in range(4)],
            "rewards": [round(rng.uniform(), 2) for _ in range(4)],
        }
        for _ in range(4)
    ]
    named = {f"prompt {i}": group for i, group in enumerate(groups)}

    def rollout(prompts, _):
        parts = [(named[name], i % 4) for i, name in enumerate(prompts)]
        return {
            "prompt_ids": [group["prompt"] for group, _ in parts],
            "completion_ids": [group["completions"][i] for group, i in parts],
            "logprobs": None,
            "reward": [group["rewards"][i] for group, i in parts],
        }

    def table(prompts, completions, reward, **_):
        return reward

    log = Log()
    trl.trainer.grpo_trainer.shuffle_sequence_dict = lambda batch: batch
    args = arguments(
        GRPOConfig, num_generations=4, steps_per_generation=stepsPerGeneration * BATCH // MICRO, num_iterations=numIterations,
        loss_type=lossType, importance_sampling_level=level, beta=beta, epsilon=epsilon, epsilon_high=epsilonHigh,
        temperature=0.7, max_completion_length=12, shuffle_dataset=False,
    )
    trainer = GRPOTrainer(
        model=build(MODEL, load_config(FIELDS)), args=args, reward_funcs=[table], rollout_func=rollout,
        train_dataset=Dataset.from_list([{"prompt": name} for name in named]), processing_class=tokenizer(),
        callbacks=[log], peft_config=LoraConfig(task_type="CAUSAL_LM", **LORA),
    )
    fill_adapter(trainer.model, True)
    trainer.train()
    kind = {
        "lossType": lossType, "level": level, "stepsPerGeneration": stepsPerGeneration, "numIterations": numIterations,
        "beta": beta, "epsilon": epsilon, "epsilonHigh": epsilonHigh,
    }
    return {**kind, "groups": groups, **losses(log)}


result = {
    "model": MODEL,
    "batch": BATCH,
    "microBatch": MICRO,
    "beta": BETA,
    "sft": sft(),
    "dpo": dpo(True),
    "dpoFromAdapter": dpo(False),
    "kto": kto(),
    "grpo": [
        grpo("grpo", "token", 2, 2),
        grpo("dapo", "token", 1, 3, beta=0.0),
        grpo("dr_grpo", "sequence", 2, 1, epsilon=3e-3, epsilonHigh=4e-3),
        grpo("cispo", "token", 1, 2, epsilonHigh=1.1),
        grpo("sapo", "sequence", 2, 2),
    ],
}
with open(OUTPUT, "w") as file:
    json.dump(result, file)
    file.write("\n")
for run in (result["sft"], result["dpo"], result["dpoFromAdapter"], result["kto"], *result["grpo"]):
    print([round(x, 4) for x in run["losses"]], [round(x, 3) for x in run["gradNorms"]])
