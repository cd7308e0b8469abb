"""Models that read images too, with an adapter by PEFT: names of their tensors, and log-probabilities of a text.

usage: python scripts/golden/multimodal.py [OUTPUT [CASE …]]

Needs the packages of requirements.txt. For each case a JSON file with the configuration (as the Hub spells it and as
this transformers saves it), names and shapes in `model.safetensors` and `adapter_model.safetensors`, the adapter's
configuration, token ids, and log p of each id given those before it, without and with the adapter. Weights are not
stored, see portable.py.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from cases import DELTA, SMALL
from families import load_config, saved_config
from peft import LoraConfig, get_peft_model
from portable import random_ids, random_tensor
from safetensors import safe_open
from transformers import (
    Gemma3ForConditionalGeneration,
    Mistral3ForConditionalGeneration,
    Qwen2_5_VLForConditionalGeneration,
    Qwen3_5ForConditionalGeneration,
    Qwen3VLForConditionalGeneration,
)

OUTPUT = Path(sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/multimodal")
LENGTHS = [21, 14]
TEXT = dict(SMALL, head_dim=16)
VISION = dict(hidden_size=8, intermediate_size=8, patch_size=2)
LAYERS = dict(VISION, num_hidden_layers=1, num_attention_heads=1, image_size=4)

CASES = {
    "gemma3": (
        Gemma3ForConditionalGeneration,
        dict(
            model_type="gemma3",
            mm_tokens_per_image=1,
            eos_token_id=[1, 3],
            text_config=dict(
                model_type="gemma3_text", vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                head_dim=16, sliding_window=5, sliding_window_pattern=2, query_pre_attn_scalar=12,
                rope_scaling=dict(rope_type="linear", factor=8.0),
            ),
            vision_config=dict(LAYERS, model_type="siglip_vision_model"),
        ),
        dict(target_modules="all-linear"),
    ),
    "mistral3": (
        Mistral3ForConditionalGeneration,
        dict(
            model_type="mistral3",
            tie_word_embeddings=False,
            text_config=dict(
                TEXT, model_type="ministral3",
                rope_parameters=dict(
                    type="yarn", rope_type="yarn", rope_theta=100.0, factor=2.0, original_max_position_embeddings=32,
                    max_position_embeddings=64, beta_fast=32.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0,
                    llama_4_scaling_beta=0.1,
                ),
            ),
            vision_config=dict(LAYERS, model_type="pixtral", head_dim=8),
        ),
        dict(target_modules=["q_proj", "v_proj", "down_proj"], rank_pattern={r"language_model\.layers\.1\..*q_proj": 3}),
    ),
    "qwen2_5_vl": (
        Qwen2_5_VLForConditionalGeneration,
        dict(
            {key: value for key, value in SMALL.items() if key != "head_dim"}, model_type="qwen2_5_vl", hidden_size=32,
            num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True, max_window_layers=1, sliding_window=5,
            use_sliding_window=True, rope_theta=1e4, rope_scaling=dict(type="mrope", mrope_section=[2, 3, 3]),
            image_token_id=1, video_token_id=2, vision_start_token_id=3, vision_end_token_id=4, vision_token_id=5,
            vision_config=dict(VISION, model_type="qwen2_5_vl", depth=1, num_heads=1, out_hidden_size=32,
                               fullatt_block_indexes=[0]),
        ),
        dict(target_modules=["q_proj", "k_proj", "gate_proj"]),
    ),
    "qwen3_vl": (
        Qwen3VLForConditionalGeneration,
        dict(
            model_type="qwen3_vl",
            tie_word_embeddings=True,
            text_config=dict(
                TEXT, model_type="qwen3_vl_text", rope_theta=5e6,
                rope_scaling=dict(rope_type="default", mrope_interleaved=True, mrope_section=[4, 2, 2]),
            ),
            vision_config=dict(
                VISION, model_type="qwen3_vl", depth=1, num_heads=1, out_hidden_size=16, num_position_embeddings=4,
                deepstack_visual_indexes=[0],
            ),
        ),
        dict(target_modules=r".*language_model.*\.(o|up)_proj"),
    ),
    "qwen3_5": (
        Qwen3_5ForConditionalGeneration,
        dict(
            model_type="qwen3_5",
            tie_word_embeddings=True,
            text_config=dict(
                DELTA, head_dim=64, full_attention_interval=2,
                rope_parameters=dict(
                    rope_type="default", rope_theta=1e4, partial_rotary_factor=0.25, mrope_interleaved=True,
                    mrope_section=[4, 2, 2],
                ),
            ),
            vision_config=dict(VISION, model_type="qwen3_5", depth=1, num_heads=1, out_hidden_size=16,
                               num_position_embeddings=4),
        ),
        dict(target_modules=["in_proj_qkv", "in_proj_a", "in_proj_b", "in_proj_z", "out_proj", "q_proj", "down_proj"]),
    ),
}


def decoder_name(name):
    """What a decoder by itself calls a parameter; None for those of other parts."""
    if name.startswith("lm_head"):
        return name
    inside = name.split("language_model.", 1)[1:]
    return f"model.{inside[0]}" if inside else None


def fill(case, model, norm_mean):
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            own = decoder_name(name)
            parameter.copy_(random_tensor(case, own or name, parameter.shape, norm_mean))


def shapes(path):
    with safe_open(path, "pt") as file:
        return {key: list(file.get_slice(key).get_shape()) for key in file.keys()}


def logprobs(model, rows):
    with torch.no_grad():
        scores = [model(input_ids=torch.tensor([ids])).logits[0, :-1].log_softmax(-1) for ids in rows]
    return [score.gather(1, torch.tensor(ids)[1:, None])[:, 0].tolist() for score, ids in zip(scores, rows)]


def saved_names(model):
    """Names in the file, with what they are called in the model; values tell which is which."""
    with TemporaryDirectory() as folder:
        for index, parameter in enumerate(model.parameters()):
            torch.nn.init.constant_(parameter, index)
        model.save_pretrained(folder)
        names = [name for name, _ in model.named_parameters()]
        with safe_open(Path(folder) / "model.safetensors", "pt") as file:
            return {key: names[int(file.get_tensor(key).flatten()[0])] for key in file.keys()}


def run(case, kind, fields, lora):
    config = load_config(fields)
    model = kind._from_config(config, attn_implementation="eager").float().eval()
    names = saved_names(model)
    fill(case, model, 0 if case in ("gemma3", "qwen3_5") else 1)
    rows = random_ids(case, LENGTHS, fields.get("text_config", fields)["vocab_size"])
    with TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = {
            key: {"decoder": decoder_name(names[key]), "shape": shape}
            for key, shape in shapes(Path(folder) / "model.safetensors").items()
        }
    summary = {"config": fields, "saved": saved_config(config), "tensors": tensors, "ids": rows}
    summary["logprobs"] = logprobs(model, rows)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=2, lora_alpha=6, **lora)).eval()
    adapted.peft_config["default"].base_model_name_or_path = f"tiny-{case}"
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_" in name:
                parameter.copy_(random_tensor(case, name.replace(".default.", "."), parameter.shape, 0))
    summary["adapted"] = logprobs(adapted, rows)
    with TemporaryDirectory() as folder:
        adapted.save_pretrained(folder)
        adapter_config = json.loads((Path(folder) / "adapter_config.json").read_text())
        if not isinstance(adapter_config["target_modules"], str):
            adapter_config["target_modules"].sort()
        summary["adapter"] = {"config": adapter_config, "tensors": shapes(Path(folder) / "adapter_model.safetensors")}
    (OUTPUT / f"{case}.json").write_text(json.dumps(summary) + "\n")
    print(case, len(tensors), "tensors,", len(summary["adapter"]["tensors"]), "of the adapter")


if __name__ == "__main__":
    OUTPUT.mkdir(parents=True, exist_ok=True)
    for case, (kind, fields, lora) in CASES.items():
        if case in (sys.argv[2:] or [case]):
            run(case, kind, fields, lora)
