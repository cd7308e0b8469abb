"""Expected logits and greedy tokens for the rollout graph, from transformers.

usage: python scripts/golden/rollout.py [OUTPUT]

Needs torch and transformers. Every case is a small decoder with random weights. The weights are not stored:
they come from the project's own generator (src/util/rng.ts, repeated in golden/portable.py), so that the test
makes the same ones. Uniform numbers only: they are the same to the last bit everywhere.
"""
import copy, json, math, sys
from pathlib import Path
from tempfile import TemporaryDirectory
import numpy as np
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from portable import Rng, stored

OUTPUT = sys.argv[1] if len(sys.argv) > 1 else "test/fixtures/rollout/golden.json"
STD, NEW_TOKENS = 0.15, 12
PROMPT_LENGTHS = [1, 3, 8, 17, 30]


def values(name, shape, mean, std):
    """Uniform around `mean` with standard deviation `std`."""
    rng, width = Rng(name), std * math.sqrt(12)
    flat = [mean + (rng.uniform() - 0.5) * width for _ in range(math.prod(shape))]
    return torch.from_numpy(np.array(flat, np.float64).astype(np.float32).reshape(shape))


PENALTY = {"repetition_penalty": 1.5, "min_new_tokens": 8}
LORA = {"r": 4, "alpha": 8, "modules": ["q_proj", "v_proj", "down_proj"]}
ALL = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]}
ATTENTION = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "o_proj"]}
FUSED = {"r": 4, "alpha": 8, "modules": ["qkv_proj", "o_proj", "gate_up_proj"]}
GLM = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_up_proj", "down_proj"]}
UNGATED = {**ALL, "modules": [name for name in ALL["modules"] if name != "gate_proj"]}
STARCODER = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "o_proj", "c_fc", "c_proj"]}
PHI = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "dense", "fc1", "fc2"]}
GRANITE = {"r": 3, "alpha": 6, "modules": ["q_proj", "k_proj", "v_proj", "o_proj", "input_linear", "output_linear"]}
LFM2 = {"r": 3, "alpha": 6, "modules": ["in_proj", "out_proj", "q_proj", "k_proj", "v_proj", "w1", "w2", "w3"]}
DELTA = {"r": 3, "alpha": 6, "modules": ["in_proj_qkv", "in_proj_z", "in_proj_b", "in_proj_a", "out_proj", *ALL["modules"]]}
BASE = dict(vocab_size=97, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, max_position_embeddings=128, bos_token_id=None, eos_token_id=None, pad_token_id=None)


FULL, SLIDING = "full_attention", "sliding_attention"


def scaled(**scaling):
    return dict(BASE, model_type="llama", rms_norm_eps=1e-5, rope_theta=100.0, rope_scaling=scaling)


CASES = [
    ("llama", dict(BASE, model_type="llama", rms_norm_eps=1e-5, tie_word_embeddings=False, rope_theta=10000.0), LORA),
    ("llama-scaled", dict(BASE, model_type="llama", tie_word_embeddings=True, rms_norm_eps=1e-5, rope_theta=500000.0,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=32)), ALL),
    ("qwen2", dict(BASE, model_type="qwen2", rms_norm_eps=1e-6, tie_word_embeddings=True, rope_theta=1000000.0), ALL),
    ("qwen3", dict(BASE, model_type="qwen3", head_dim=32, rms_norm_eps=1e-6, tie_word_embeddings=True), ALL),
    ("gemma2", dict(BASE, model_type="gemma2", head_dim=16, query_pre_attn_scalar=24, sliding_window=5,
        attn_logit_softcapping=2.0, final_logit_softcapping=0.5, hidden_activation="gelu_pytorch_tanh",
        layer_types=["sliding_attention", "full_attention"]), ALL),
    ("phi3", dict(BASE, model_type="phi3", hidden_size=128, partial_rotary_factor=0.5, sliding_window=7,
        tie_word_embeddings=False), FUSED),
    ("olmo2", dict(BASE, model_type="olmo2", tie_word_embeddings=False), ALL),
    ("granite", dict(BASE, model_type="granite", embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5,
        attention_multiplier=0.2, tie_word_embeddings=True), ALL),
    ("smollm3", dict(BASE, model_type="smollm3", no_rope_layers=[1, 0], tie_word_embeddings=True), ALL),
    ("mistral", dict(BASE, model_type="mistral", rms_norm_eps=1e-5, sliding_window=6), ALL),
    ("gemma3", dict(BASE, model_type="gemma3_text", num_hidden_layers=3, head_dim=16, query_pre_attn_scalar=12,
        sliding_window=5, sliding_window_pattern=2, rope_theta=1000.0, rope_local_base_freq=20.0,
        rope_scaling=dict(rope_type="linear", factor=4.0), hidden_activation="gelu_pytorch_tanh",
        attn_logit_softcapping=None, final_logit_softcapping=None), ALL),
    ("gemma", dict(BASE, model_type="gemma", head_dim=32, num_key_value_heads=1, hidden_act="gelu"), ALL),
    ("vaultgemma", dict(BASE, model_type="vaultgemma", head_dim=16, query_pre_attn_scalar=24, sliding_window=5,
        attn_logit_softcapping=2.0, final_logit_softcapping=2.0), ALL),
    ("olmo3", dict(BASE, model_type="olmo3", num_hidden_layers=3, sliding_window=5, layer_types=[SLIDING, FULL, SLIDING],
        rope_theta=500000, rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)), ALL),
    ("exaone4", dict(BASE, model_type="exaone4", num_hidden_layers=3, sliding_window=5,
        layer_types=[SLIDING, FULL, SLIDING], rope_theta=100.0), ALL),
    ("seed_oss", dict(BASE, model_type="seed_oss", head_dim=32, attention_bias=True, attention_out_bias=False,
        rope_theta=1000.0), ALL),
    ("cwm", dict(BASE, model_type="cwm", bos_token_id=1, head_dim=16, num_hidden_layers=3, sliding_window=5,
        rope_theta=100.0, rope_scaling=dict(rope_type="default")), ALL),
    ("cohere", dict(BASE, model_type="cohere", attention_bias=True, layer_norm_eps=1e-5, logit_scale=0.5,
        rope_theta=100.0, use_qk_norm=False, tie_word_embeddings=False), ALL),
    ("cohere2", dict(BASE, model_type="cohere2", num_hidden_layers=3, layer_norm_eps=1e-5, logit_scale=2.0,
        rope_theta=1000.0, sliding_window=5, sliding_window_pattern=2, tie_word_embeddings=False), ALL),
    ("starcoder2", dict(BASE, model_type="starcoder2", head_dim=32, sliding_window=5, rope_theta=100.0,
        tie_word_embeddings=False), STARCODER),
    ("stablelm", dict(BASE, model_type="stablelm", hidden_size=128, partial_rotary_factor=0.5, use_qkv_bias=True,
        use_parallel_residual=True, rope_theta=100.0), ALL),
    ("stablelm-quarter", dict(BASE, model_type="stablelm", hidden_size=160, num_attention_heads=2, num_key_value_heads=1,
        partial_rotary_factor=0.25, rope_theta=100.0), ALL),
    ("nemotron", dict(BASE, model_type="nemotron", head_dim=32, hidden_act="relu2", partial_rotary_factor=0.5,
        attention_bias=True, mlp_bias=True, rope_theta=1000.0), UNGATED),
    ("phi", dict(BASE, model_type="phi", hidden_size=128, partial_rotary_factor=0.5, rope_theta=100.0), PHI),
    ("arcee", dict(BASE, model_type="arcee", head_dim=32, hidden_act="relu2", mlp_bias=True), UNGATED),
    ("hunyuan_v1_dense", dict(BASE, model_type="hunyuan_v1_dense", head_dim=32,
        rope_scaling=dict(type="dynamic", alpha=20.0, factor=1.0)), ALL),
    ("ministral", dict(BASE, model_type="ministral", head_dim=16, sliding_window=5, layer_types=[FULL, SLIDING]), LORA),
    ("ministral3", dict(BASE, model_type="ministral3", head_dim=32, rope_parameters=dict(rope_type="yarn", rope_theta=100.0,
        factor=2.0, original_max_position_embeddings=64, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.1)), LORA),
    ("internlm3", dict(BASE, model_type="internlm3", head_dim=16, qkv_bias=True, bias=True), LORA),
    ("iquestcoder", dict(BASE, model_type="iquestcoder", head_dim=32, rope_theta=500.0), LORA),
    ("hyperclovax", dict(BASE, model_type="hyperclovax", embedding_multiplier=3.0, logits_scaling=2.0,
        residual_multiplier=0.5, attention_multiplier=0.2), ALL),
    ("qwen2-window", dict(BASE, model_type="qwen2", num_hidden_layers=3, use_sliding_window=True, sliding_window=5,
        max_window_layers=1), LORA),
    ("qwen3-window", dict(BASE, model_type="qwen3", head_dim=16, use_sliding_window=True, sliding_window=5,
        layer_types=[SLIDING, FULL]), LORA),
    ("smollm3-window", dict(BASE, model_type="smollm3", no_rope_layers=[1, 0], use_sliding_window=True, sliding_window=5),
        LORA),
    ("lfm2", dict(BASE, model_type="lfm2", num_hidden_layers=4, block_auto_adjust_ff_dim=False, full_attn_idxs=[1],
        norm_eps=1e-5, rope_theta=1000.0), LFM2),
    ("lfm2-bias", dict(BASE, model_type="lfm2", num_hidden_layers=3, block_auto_adjust_ff_dim=False, conv_L_cache=4,
        conv_bias=True, layer_types=["conv", FULL, "conv"], tie_word_embeddings=False), LFM2),
    ("glm", dict(BASE, model_type="glm", head_dim=32, partial_rotary_factor=0.5, attention_bias=True, pad_token_id=0,
        rope_theta=1000.0), GLM),
    ("glm4", dict(BASE, model_type="glm4", head_dim=32, attention_bias=False, pad_token_id=0,
        rope_parameters=dict(rope_type="default", rope_theta=100.0, partial_rotary_factor=0.5)), GLM),
    ("ernie4_5", dict(BASE, model_type="ernie4_5", head_dim=32, pad_token_id=0, rope_theta=1000.0), ALL),
    ("qwen3_5", dict(BASE, model_type="qwen3_5_text", num_hidden_layers=4, head_dim=64, tie_word_embeddings=True,
        rms_norm_eps=1e-6, linear_key_head_dim=12, linear_value_head_dim=10, linear_num_key_heads=2,
        linear_num_value_heads=4, rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.25,
                                                       mrope_interleaved=True, mrope_section=[3, 3, 2])), DELTA),
    ("qwen3_5-layers", dict(BASE, model_type="qwen3_5_text", num_hidden_layers=3, head_dim=16, tie_word_embeddings=False,
        layer_types=["linear_attention", FULL, "linear_attention"], linear_conv_kernel_dim=3, linear_key_head_dim=16,
        linear_value_head_dim=24, linear_num_key_heads=3, linear_num_value_heads=3, partial_rotary_factor=1.0,
        rope_theta=100.0), DELTA),
    ("qwen3_moe", dict(BASE, model_type="qwen3_moe", head_dim=32, moe_intermediate_size=40, num_experts=8,
        num_experts_per_tok=2, norm_topk_prob=True, rms_norm_eps=1e-6, tie_word_embeddings=False), ATTENTION),
    ("olmoe", dict(BASE, model_type="olmoe", num_experts=6, num_experts_per_tok=3, norm_topk_prob=False,
        tie_word_embeddings=False), ATTENTION),
    ("flex_olmo", dict(BASE, model_type="flex_olmo", num_experts=5, num_experts_per_tok=2, norm_topk_prob=True,
        tie_word_embeddings=False), ATTENTION),
    ("granitemoe", dict(BASE, model_type="granitemoe", num_local_experts=6, num_experts_per_tok=2,
        embedding_multiplier=3.0, logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2,
        tie_word_embeddings=True), ATTENTION),
    ("granitemoehybrid", dict(BASE, model_type="granitemoehybrid", shared_intermediate_size=96, num_local_experts=0,
        num_experts_per_tok=0, layer_types=["attention"] * 2, position_embedding_type="nope", embedding_multiplier=3.0,
        logits_scaling=2.0, residual_multiplier=0.5, attention_multiplier=0.2, mamba_n_heads=4, mamba_d_head=32,
        tie_word_embeddings=True), GRANITE),
    ("mixtral", dict(BASE, model_type="mixtral", num_local_experts=6, num_experts_per_tok=2, sliding_window=6,
        rope_theta=1000.0, tie_word_embeddings=False), ATTENTION),
    ("gpt_oss", dict(BASE, model_type="gpt_oss", head_dim=32, intermediate_size=48, num_local_experts=6, num_experts_per_tok=2,
        layer_types=[SLIDING, FULL], sliding_window=5, tie_word_embeddings=False, rope_theta=100.0,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32, truncate=False)), ATTENTION),
    ("llama-linear", scaled(rope_type="linear", factor=4.0), LORA),
    ("llama-dynamic", scaled(rope_type="dynamic", factor=2.0), LORA),
    ("llama-yarn", scaled(rope_type="yarn", factor=4.0, original_max_position_embeddings=16), LORA),
    ("phi3-longrope", dict(BASE, model_type="phi3", hidden_size=128, partial_rotary_factor=0.5, sliding_window=None,
        tie_word_embeddings=True, original_max_position_embeddings=64,
        rope_scaling=dict(rope_type="longrope", short_factor=[1, 1.5, 2, 2.5, 3, 4, 5, 6],
                          long_factor=[1, 4, 8, 12, 14, 16, 20, 24])), FUSED),
]


NEAR_TIE = 1e-4
"""Small where embeddings are multiplied and tied, or the last token would always follow itself."""
EMBEDDING_STD = {"gemma": 0.02, "gemma2": 0.02, "gemma3": 0.05, "granite": 0.05, "granitemoe": 0.05, "granitemoehybrid": 0.05, "vaultgemma": 0.02}


def mean_of(name):
    if "linear_attn.norm" in name:
        return 1.0
    if name.endswith("A_log"):
        return -3.0
    is_norm = "norm" in name and name.endswith("weight")
    return 1.0 if is_norm and not any(part in name for part in ("gemma", "nemotron", "qwen3_5")) else 0.0


def load_config(fields):
    """Through a file, as a checkpoint is loaded."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "config.json").write_text(json.dumps(fields))
        return AutoConfig.from_pretrained(folder)


def build(case, config):
    eager = dict(attn_implementation="eager", experts_implementation="eager")
    model = AutoModelForCausalLM.from_config(load_config(config), **eager).eval().float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            std = EMBEDDING_STD.get(case, STD) if "embed_tokens" in name else STD
            for part, matrix in stored(name, parameter, config["model_type"]):
                matrix.copy_(values(f"{case}/{part}", matrix.shape, mean_of(f"{case}/{part}"), std))
    return model


def merge_lora(model, case, lora):
    """W + alpha / r * B A on every module named."""
    modules = []
    with torch.no_grad():
        for name, module in model.named_modules():
            if name.split(".")[-1] not in lora["modules"]:
                continue
            out_features, in_features = module.weight.shape
            a = values(f"{case}/{name}.lora_A", (lora["r"], in_features), 0, STD)
            b = values(f"{case}/{name}.lora_B", (out_features, lora["r"]), 0, STD)
            module.weight += (lora["alpha"] / lora["r"]) * (b.double() @ a.double()).float()
            modules.append(name)
    return modules


def rounded(numbers):
    return [float(f"{x:.7g}") for x in numbers]


@torch.no_grad()
def expectation(model, prompt, eos):
    """Greedy tokens, logits after the prompt, log-probabilities of all that follows the first token."""
    ids, gap, first = list(prompt), math.inf, None
    for _ in range(NEW_TOKENS):
        logits = model(torch.tensor([ids])).logits[0, -1].double()
        first = logits if first is None else first
        top = torch.topk(logits, 2).values
        gap = min(gap, float(top[0] - top[1]))
        ids.append(int(torch.argmax(logits)))
        if ids[-1] == eos:
            break
    generated = ids[len(prompt):]
    native = model.generate(torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=eos,
                            pad_token_id=0, attention_mask=torch.ones(1, len(prompt), dtype=torch.long))
    assert native[0, len(prompt):].tolist() == generated
    logprobs = torch.log_softmax(model(torch.tensor([ids])).logits[0].double(), -1)
    scores = [float(logprobs[t - 1, ids[t]]) for t in range(1, len(ids))]
    return {"greedy": generated, "logits": rounded(first.tolist()), "logprobs": rounded(scores)}, gap


@torch.no_grad()
def penalised(model, prompt, eos):
    """Greedy tokens under a repetition penalty and a least length."""
    output = model.generate(torch.tensor([prompt]), max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=eos,
                            pad_token_id=0, attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                            return_dict_in_generate=True, output_scores=True, **PENALTY)
    tops = [torch.topk(scores[0].double(), 2).values for scores in output.scores]
    gap = min(float(top[0] - top[1]) for top in tops)
    return output.sequences[0, len(prompt):].tolist(), gap


def run(case, config, lora):
    """Prompts with a near-tie, the two likeliest tokens less than `NEAR_TIE` apart at some step, are passed over and counted."""
    base = build(case, config)
    adapted = copy.deepcopy(base)
    modules = merge_lora(adapted, case, lora)
    rng = Rng(f"{case}/prompts")
    eos, prompts, rows, near_ties = None, [], [], 0
    for length in PROMPT_LENGTHS:
        while True:
            prompt = [rng.int(0, config["vocab_size"] - 1) for _ in range(length)]
            if eos is None:
                eos = expectation(base, prompt, None)[0]["greedy"][5]
            (plain, gap), (with_lora, lora_gap) = (expectation(model, prompt, eos) for model in (base, adapted))
            plain["penalised"], penalty_gap = penalised(base, prompt, eos)
            if min(gap, lora_gap, penalty_gap) < NEAR_TIE:
                near_ties += 1
                continue
            rows.append((plain, with_lora))
            break
        prompts.append(prompt)
    return {"case": case, "config": config, "std": STD,
            "embeddingStd": EMBEDDING_STD.get(case, STD), "prompts": prompts, "nearTies": near_ties,
            "eos": eos, "newTokens": NEW_TOKENS, "penalty": PENALTY,
            "base": [plain for plain, _ in rows], "lora": {**lora, "modules": modules, "rows": [row for _, row in rows]}}


cases = [run(*case) for case in CASES]
with open(OUTPUT, "w") as file:
    json.dump(cases, file)
    file.write("\n")
print(f"wrote {OUTPUT}")
