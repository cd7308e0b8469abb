"""Small decoders of every family, as `config.json` spells them on the Hub; the last ones vary the rope only."""

BASE = dict(
    vocab_size=96,
    hidden_size=32,
    intermediate_size=40,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=64,
    pad_token_id=0,
    bos_token_id=None,
    eos_token_id=None,
)


SMALL = dict(BASE, vocab_size=48, hidden_size=16, intermediate_size=24, head_dim=8)
LLAMA3 = dict(
    rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32
)


def scaled(**scaling):
    return dict(BASE, model_type="llama", rope_theta=100.0, rope_scaling=scaling)


FAMILIES = {
    "llama": dict(BASE, model_type="llama", rms_norm_eps=1e-5, rope_theta=500.0),
    "mistral": dict(BASE, model_type="mistral", rms_norm_eps=1e-5, sliding_window=6),
    "qwen2": dict(
        BASE, model_type="qwen2", tie_word_embeddings=True, use_sliding_window=False, sliding_window=32,
        max_window_layers=2, rope_theta=1e6,
    ),
    "qwen3": dict(BASE, model_type="qwen3", head_dim=16, rope_theta=1e6, use_sliding_window=False, sliding_window=None),
    "gemma2": dict(
        BASE, model_type="gemma2", head_dim=16, query_pre_attn_scalar=24, sliding_window=5,
        attn_logit_softcapping=2.0, final_logit_softcapping=3.0, hidden_activation="gelu_pytorch_tanh",
        hidden_act="gelu_pytorch_tanh", cache_implementation="hybrid",
    ),
    "gemma3": dict(
        BASE, model_type="gemma3_text", num_hidden_layers=3, head_dim=8, query_pre_attn_scalar=12, sliding_window=5,
        sliding_window_pattern=2, rope_theta=1000.0, rope_local_base_freq=20.0,
        rope_scaling=dict(rope_type="linear", factor=4.0), hidden_activation="gelu_pytorch_tanh",
        attn_logit_softcapping=None, final_logit_softcapping=None,
    ),
    "phi3": dict(BASE, model_type="phi3", partial_rotary_factor=0.75, sliding_window=7, tie_word_embeddings=False),
    "smollm3": dict(
        BASE, model_type="smollm3", num_hidden_layers=3, no_rope_layer_interval=2, no_rope_layers=[1, 0, 1],
        use_sliding_window=False, tie_word_embeddings=True, rope_theta=5e6,
    ),
    "olmo2": dict(BASE, model_type="olmo2", rms_norm_eps=1e-6, rope_theta=500000),
    "granite": dict(
        BASE, model_type="granite", attention_bias=True, mlp_bias=True, embedding_multiplier=6.0,
        attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=0.5, tie_word_embeddings=True,
    ),
    "gemma": dict(SMALL, model_type="gemma", hidden_act="gelu", hidden_activation=None),
    "vaultgemma": dict(
        SMALL, model_type="vaultgemma", query_pre_attn_scalar=12, sliding_window=5, attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0, hidden_activation="gelu_pytorch_tanh",
    ),
    "olmo3": dict(
        SMALL, model_type="olmo3", num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1, sliding_window=5,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_theta=500000,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
    ),
    "exaone4": dict(
        SMALL, model_type="exaone4", num_hidden_layers=3, sliding_window=5, sliding_window_pattern="LG",
        layer_types=["sliding_attention", "full_attention", "sliding_attention"], rope_theta=100.0, rope_scaling=LLAMA3,
    ),
    "seed_oss": dict(
        SMALL, model_type="seed_oss", attention_bias=True, attention_out_bias=False, attention_dropout=0.1,
        residual_dropout=0.1, rope_theta=1000.0, rope_scaling=dict(rope_type="default"),
    ),
    "cwm": dict(
        SMALL, model_type="cwm", bos_token_id=1, num_hidden_layers=3, sliding_window=5, rope_theta=100.0,
        rope_scaling=LLAMA3,
    ),
    "cohere": dict(
        BASE, model_type="cohere", attention_bias=True, layer_norm_eps=1e-5, logit_scale=0.5, rope_theta=100.0,
        use_qk_norm=False, tie_word_embeddings=False,
    ),
    "cohere-tied": dict(
        BASE, model_type="cohere", vocab_size=48, hidden_size=16, intermediate_size=24, num_attention_heads=2,
        num_key_value_heads=1, layer_norm_eps=1e-5, logit_scale=2.0, rope_theta=1000.0,
    ),
    "cohere2": dict(
        BASE, model_type="cohere2", vocab_size=48, hidden_size=16, intermediate_size=24, num_attention_heads=2,
        num_key_value_heads=1, num_hidden_layers=4, layer_norm_eps=1e-5, logit_scale=0.25, rope_theta=50000.0,
        sliding_window=5, sliding_window_pattern=4, layer_switch=4, order_of_interleaved_layers="local_attn_first",
        position_embedding_type="rope_gptj", rotary_pct=1.0, use_gated_activation=True, use_parallel_block=True,
        use_parallel_embedding=True, use_embedding_sharing=True, cache_implementation="hybrid",
    ),
    "starcoder2": dict(
        SMALL, model_type="starcoder2", norm_epsilon=1e-5, norm_type="layer_norm", mlp_type="default", sliding_window=5,
        embedding_dropout=0.1, residual_dropout=0.1, rope_theta=100.0, use_bias=True,
    ),
    "starcoder2-plain": dict(
        SMALL, model_type="starcoder2", num_hidden_layers=1, hidden_act="gelu", use_bias=False, sliding_window=None,
        tie_word_embeddings=False,
    ),
    "stablelm": dict(
        BASE, model_type="stablelm", num_attention_heads=2, num_key_value_heads=1, layer_norm_eps=1e-5, rope_theta=100.0,
        partial_rotary_factor=0.25, hidden_dropout=0.0, qk_layernorm=False, use_parallel_residual=False, use_qkv_bias=True,
    ),
    "stablelm-parallel": dict(
        BASE, model_type="stablelm", vocab_size=48, hidden_size=16, intermediate_size=24, num_attention_heads=2,
        num_key_value_heads=2, use_parallel_residual=True,
        rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5),
    ),
    "nemotron": dict(
        SMALL, model_type="nemotron", num_attention_heads=2, num_key_value_heads=1, hidden_act="relu2",
        norm_eps=1e-5, partial_rotary_factor=0.5, rope_theta=100.0, kv_channels=8, attention_bias=True, mlp_bias=True,
    ),
    "phi": dict(
        BASE, model_type="phi", vocab_size=48, hidden_size=16, intermediate_size=64, num_attention_heads=2, layer_norm_eps=1e-5,
        rope_theta=100.0, partial_rotary_factor=0.5, qk_layernorm=False, hidden_act="gelu_new", embd_pdrop=0.0, resid_pdrop=0.1,
    ),
    "arcee": dict(
        SMALL, model_type="arcee", hidden_act="relu2", rope_theta=100.0,
        rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0),
    ),
    "hunyuan_v1_dense": dict(
        SMALL, model_type="hunyuan_v1_dense", rope_theta=100.0, use_qk_norm=True, use_cla=False, norm_type="rms",
        attention_head_dim=8, tie_word_embeddings=True,
    ),
    "ministral": dict(
        SMALL, model_type="ministral", sliding_window=5, layer_types=["full_attention", "sliding_attention"],
    ),
    "ministral3": dict(
        SMALL, model_type="ministral3",
        rope_parameters=dict(
            type="yarn", rope_type="yarn", rope_theta=100.0, factor=2.0, original_max_position_embeddings=32,
            max_position_embeddings=64, beta_fast=32.0, beta_slow=1.0, mscale=1.0, mscale_all_dim=1.0,
            llama_4_scaling_beta=0.1,
        ),
    ),
    "internlm3": dict(
        SMALL, model_type="internlm3", qkv_bias=True, bias=True, rope_scaling=dict(rope_type="dynamic", factor=6.0),
    ),
    "iquestcoder": dict(
        SMALL, model_type="iquestcoder", clip_qkv=None, use_sliding_window=False, max_window_layers=2, rope_theta=500.0,
    ),
    "qwen2-window": dict(
        SMALL, model_type="qwen2", num_hidden_layers=3, use_sliding_window=True, sliding_window=5, max_window_layers=1,
    ),
    "qwen3-window": dict(
        SMALL, model_type="qwen3", use_sliding_window=True, sliding_window=5, max_window_layers=2,
        layer_types=["sliding_attention", "full_attention"],
    ),
    "smollm3-window": dict(
        SMALL, model_type="smollm3", num_hidden_layers=3, no_rope_layers=[1, 0, 1], use_sliding_window=True,
        sliding_window=5,
    ),
    "hyperclovax": dict(
        SMALL, model_type="hyperclovax", embedding_multiplier=6.0, attention_multiplier=0.2, residual_multiplier=0.4,
        logits_scaling=2.0, use_post_norm=True,
    ),
    "lfm2": dict(
        SMALL, model_type="lfm2", num_hidden_layers=3, block_auto_adjust_ff_dim=True, block_dim=16, block_ff_dim=36,
        block_ffn_dim_multiplier=1.0, block_mlp_init_scale=1.0, block_multiple_of=8, block_norm_eps=1e-5,
        block_out_init_scale=1.0, block_use_swiglu=True, block_use_xavier_init=True, conv_L_cache=3, conv_bias=False,
        conv_dim=16, conv_dim_out=16, conv_use_xavier_init=True, full_attn_idxs=[1], norm_eps=1e-5, num_heads=4,
        rope_theta=1e6, theta=1e6, tie_embedding=True, use_pos_enc=True,
    ),
    "lfm2-bias": dict(
        SMALL, model_type="lfm2", num_hidden_layers=4, block_auto_adjust_ff_dim=False, conv_L_cache=4, conv_bias=True,
        layer_types=["conv", "conv", "full_attention", "conv"], rope_parameters=dict(rope_type="default", rope_theta=100.0),
        tie_word_embeddings=False,
    ),
}

FAMILIES |= {
    "glm": dict(
        BASE, model_type="glm", intermediate_size=24, num_attention_heads=2, num_key_value_heads=1, head_dim=16,
        attention_bias=True, partial_rotary_factor=0.5, rms_norm_eps=1.5625e-07, rope_theta=1000.0,
    ),
    "glm4": dict(
        SMALL, model_type="glm4", head_dim=16, attention_bias=False, rms_norm_eps=1e-05,
        rope_parameters=dict(rope_type="yarn", rope_theta=100.0, factor=4.0, original_max_position_embeddings=16,
                             partial_rotary_factor=0.75),
    ),
    "ernie4_5": dict(SMALL, model_type="ernie4_5", rms_norm_eps=1e-05, rope_theta=500000, use_bias=False),
    "ernie4_5-bias": dict(
        SMALL, model_type="ernie4_5", use_bias=True, tie_word_embeddings=False, compression_ratio=1.0, rope_theta=100.0,
        rope_scaling=dict(type="linear", factor=2.0),
    ),
}

DELTA = dict(
    SMALL, model_type="qwen3_5_text", linear_conv_kernel_dim=4, linear_key_head_dim=6, linear_num_key_heads=2,
    linear_num_value_heads=4, linear_value_head_dim=5, attn_output_gate=True, mamba_ssm_dtype="float32",
    mtp_num_hidden_layers=1, mtp_use_dedicated_embeddings=False, mlp_only_layers=[],
)
FAMILIES |= {
    "qwen3_5": dict(
        DELTA, num_hidden_layers=4, full_attention_interval=4, tie_word_embeddings=True,
        rope_parameters=dict(
            rope_type="default", rope_theta=100.0, partial_rotary_factor=0.25, mrope_interleaved=True, mrope_section=[1, 0, 0],
        ),
    ),
    "qwen3_5-layers": dict(
        DELTA, num_hidden_layers=3, layer_types=["linear_attention", "full_attention", "linear_attention"],
        linear_conv_kernel_dim=2, linear_num_value_heads=2, partial_rotary_factor=0.5, rope_theta=1000.0,
        attention_bias=True,
    ),
}

EXPERTS = dict(SMALL, num_experts=6, num_experts_per_tok=2, output_router_logits=False, router_aux_loss_coef=0.001)
FAMILIES |= {
    "qwen3_moe": dict(
        EXPERTS, model_type="qwen3_moe", intermediate_size=40, moe_intermediate_size=12, norm_topk_prob=True,
        decoder_sparse_step=1, mlp_only_layers=[], max_window_layers=2, use_sliding_window=False, sliding_window=None,
        rope_theta=1e6, rope_scaling=None,
    ),
    "qwen3_moe-whole": dict(
        EXPERTS, model_type="qwen3_moe", moe_intermediate_size=10, num_experts=3, num_experts_per_tok=3,
        norm_topk_prob=False, attention_bias=True, tie_word_embeddings=True,
    ),
    "olmoe": dict(
        {key: value for key, value in EXPERTS.items() if key != "head_dim"}, model_type="olmoe", num_attention_heads=2,
        num_key_value_heads=1, num_experts_per_tok=3, norm_topk_prob=False, clip_qkv=None, rms_norm_eps=1e-5,
    ),
    "flex_olmo": dict(
        EXPERTS, model_type="flex_olmo", num_experts=5, num_experts_per_tok=3, norm_topk_prob=False, rope_theta=500000,
    ),
    "granitemoe": dict(
        SMALL, model_type="granitemoe", intermediate_size=12, num_local_experts=5, num_experts_per_tok=2,
        output_router_logits=False, router_aux_loss_coef=0.0, embedding_multiplier=6.0, attention_multiplier=0.2,
        residual_multiplier=0.4, logits_scaling=0.5, tie_word_embeddings=True,
    ),
    "granitemoehybrid": dict(
        SMALL, model_type="granitemoehybrid", shared_intermediate_size=20, num_local_experts=0, num_experts_per_tok=0,
        layer_types=["attention", "attention"], position_embedding_type="rope", normalization_function="rmsnorm",
        init_method="mup", attention_bias=True, embedding_multiplier=6.0, attention_multiplier=0.2,
        residual_multiplier=0.4, logits_scaling=0.5, rope_theta=100.0, tie_word_embeddings=True, mamba_expand=2,
        mamba_n_heads=4, mamba_d_head=8, output_router_logits=False, router_aux_loss_coef=0.0,
    ),
    "gpt_oss": dict(
        SMALL, model_type="gpt_oss", intermediate_size=12, num_local_experts=5, num_experts_per_tok=2,
        experts_per_token=2, output_router_logits=False, router_aux_loss_coef=0.9, attention_bias=True, hidden_act="silu",
        layer_types=["sliding_attention", "full_attention"], sliding_window=5, swiglu_limit=7.0,
        initial_context_length=16, rope_theta=100.0, rope_scaling=dict(
            rope_type="yarn", factor=4.0, beta_fast=32.0, beta_slow=1.0, original_max_position_embeddings=16, truncate=False,
        ),
    ),
    "gpt_oss-plain": dict(
        SMALL, model_type="gpt_oss", intermediate_size=10, num_local_experts=4, num_experts_per_tok=4, attention_bias=False,
        layer_types=["full_attention", "full_attention"], num_attention_heads=2, num_key_value_heads=1,
        tie_word_embeddings=True, rope_parameters=dict(rope_type="default", rope_theta=1000.0),
    ),
    "mixtral": dict(
        {key: value for key, value in SMALL.items() if key != "head_dim"}, model_type="mixtral", intermediate_size=12,
        num_attention_heads=2, num_key_value_heads=1, num_local_experts=4, num_experts_per_tok=2, output_router_logits=False,
        router_aux_loss_coef=0.02, router_jitter_noise=0.0, rms_norm_eps=1e-5, rope_theta=1e6, sliding_window=None,
    ),
    "mixtral-window": dict(
        SMALL, model_type="mixtral", intermediate_size=10, num_local_experts=4, num_experts_per_tok=3, sliding_window=5,
        rope_theta=100.0, tie_word_embeddings=True,
    ),
}

NOT_IN_GGUF = {"vaultgemma", "exaone4", "seed_oss", "cwm", "ministral", "ministral3", "hyperclovax", "flex_olmo",
    "qwen2-window", "qwen3-window", "smollm3-window", "lfm2-bias", "ernie4_5-bias", "qwen3_5-layers", "qwen3_moe-whole",
    "mixtral-window", "hunyuan-alpha", "cohere", "starcoder2-plain", "gpt_oss",
    "gpt_oss-plain"}
"""Families that Lorikeet does not write as GGUF, and decoders with windows or biases that llama.cpp has not in theirs."""

ROPES = {
    "llama-llama3": scaled(**LLAMA3),
    "llama-linear": scaled(type="linear", factor=4.0),
    "llama-dynamic": scaled(type="dynamic", factor=2.0),
    "llama-yarn": scaled(type="yarn", factor=4.0, original_max_position_embeddings=16),
    "hunyuan-alpha": dict(
        SMALL, model_type="hunyuan_v1_dense", rope_scaling=dict(type="dynamic", alpha=20.0, factor=1.0, beta_fast=32, beta_slow=1,
        mscale=1.0, mscale_all_dim=1.0),
    ),
    "phi3-longrope": dict(
        BASE, model_type="phi3", partial_rotary_factor=0.75, original_max_position_embeddings=32,
        rope_scaling=dict(type="longrope", short_factor=[1.0, 1.5, 3.0], long_factor=[1.0, 4.0, 16.0]),
        sliding_window=262144, full_attn_mod=1, interpolate_factor=1, lm_head_bias=False, mlp_bias=False,
        attention_bias=False, tie_word_embeddings=True,
    ),
}
