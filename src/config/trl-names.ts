/**
 * Keys of TRL and of transformers' TrainingArguments that no command has: those that mean a key of ours, and why
 * the others are refused.
 */
import { type ForeignMeaning, ONE_DEVICE, READ_HERE, refused, to } from './foreign-meaning.js';

const NOT_UPLOADED = 'nothing is uploaded. Leave it out';
const COMPILED = 'operations are compiled by setup. Leave it out';
const AS_BYTES = 'weights in 4 bits are kept as bytes. Leave it out';
const OUR_LOGS = 'metrics.jsonl has every step, and --verbose prints it. Leave it out';
const OUR_ROLLOUTS = 'rollouts run on ONNX Runtime in this process. Leave it out';
const OUR_SAMPLES = 'every completion is in samples.jsonl. Leave it out';
const CHECKPOINTING = 'it has no variants. Use gradient_checkpointing';
const HELD_OUT = 'held-out rows are one batch to the metrics. Leave it out';
const NOT_HERE = 'it is not implemented. Leave it out';

const REFUSALS: readonly (readonly [reason: string, ...names: readonly string[]])[] = [
  [ONE_DEVICE, 'accelerator_config', 'average_tokens_across_devices', 'ddp_backend'],
  [ONE_DEVICE, 'ddp_broadcast_buffers', 'ddp_bucket_cap_mb', 'ddp_find_unused_parameters'],
  [ONE_DEVICE, 'ddp_static_graph', 'ddp_timeout', 'ds3_gather_for_generation', 'fsdp_config'],
  [ONE_DEVICE, 'ignore_bias_buffers', 'local_rank', 'log_on_each_node', 'parallelism_config'],
  [ONE_DEVICE, 'save_on_each_node', 'eval_use_gather_object', 'log_level_replica'],
  [READ_HERE, 'dataloader_drop_last', 'dataloader_in_order', 'dataloader_persistent_workers'],
  [READ_HERE, 'dataloader_multiprocessing_context', 'dataloader_pin_memory'],
  [READ_HERE, 'dataloader_prefetch_factor', 'dataset_streaming', 'dataset_kwargs'],
  [NOT_UPLOADED, 'hub_always_push', 'hub_model_id', 'hub_private_repo', 'hub_revision'],
  [NOT_UPLOADED, 'hub_strategy', 'hub_token', 'log_completions_hub_repo'],
  ['Use report_to and wandb_project', 'project', 'trackio_bucket_id', 'trackio_space_id'],
  ['Use report_to and wandb_project', 'trackio_static_space_id'],
  [COMPILED, 'torch_compile', 'torch_compile_backend', 'torch_compile_mode'],
  [COMPILED, 'enable_jit_checkpoint', 'liger_kernel_config', 'torch_empty_cache_steps'],
  [AS_BYTES, 'bnb_4bit_quant_storage'],
  [OUR_LOGS, 'debug', 'disable_tqdm', 'log_level', 'logging_first_step'],
  [OUR_LOGS, 'logging_nan_inf_filter', 'include_num_input_tokens_seen', 'skip_memory_metrics'],
  [OUR_ROLLOUTS, 'cache_implementation', 'transformers_continuous_batching_config'],
  [OUR_ROLLOUTS, 'use_transformers_continuous_batching', 'use_transformers_paged'],
  [OUR_ROLLOUTS, 'vllm_group_port', 'vllm_max_model_length', 'vllm_model_impl'],
  [OUR_ROLLOUTS, 'vllm_server_base_url', 'vllm_server_host', 'vllm_server_port'],
  [OUR_ROLLOUTS, 'vllm_server_timeout', 'vllm_structured_outputs_regex', 'use_cache'],
  ['Use rollout_release_memory', 'vllm_enable_sleep_mode'],
  [OUR_SAMPLES, 'log_completions', 'log_multimodal', 'log_unique_prompts'],
  [OUR_SAMPLES, 'num_completions_to_print'],
  [CHECKPOINTING, 'activation_checkpointing', 'activation_checkpointing_kwargs'],
  [CHECKPOINTING, 'gradient_checkpointing_kwargs'],
  [HELD_OUT, 'batch_eval_metrics', 'eval_accumulation_steps', 'eval_do_concat_batches'],
  [
    HELD_OUT,
    'eval_packing',
    'eval_sample_packing',
    'include_for_metrics',
    'label_names',
    'prediction_loss_only',
  ],
  ['evaluations begin with eval_steps. Leave it out', 'eval_delay'],
  [
    'Use per_device_train_batch_size; completions go by eval.batch_size',
    'per_device_eval_batch_size',
  ],
  ['Use per_device_train_batch_size', 'precompute_ref_batch_size', 'auto_find_batch_size'],
  ['an evaluation has one completion of each prompt. Leave it out', 'num_generations_eval'],
  ['Use eval_dataset={name: NAME, split: SPLIT}', 'dataset_test_split'],
  ['Use model_revision and compute_dtype', 'model_init_kwargs'],
  ['Use top_p, top_k, min_p and repetition_penalty', 'generation_kwargs'],
  ['sequences keep their beginning. Use excess_length_strategy', 'truncation_mode'],
  ['no batch has padding. Leave it out', 'pad_to_multiple_of'],
  ['Use lora.lora_dropout=0', 'disable_dropout'],
  ['Use compute_dtype', 'bf16_full_eval', 'fp16_full_eval', 'tf32', 'cast_lm_head_to_fp32'],
  ['Use device=cpu', 'use_cpu'],
  ['Use seed, which all randomness comes from', 'full_determinism'],
  ['a resumed run goes on exactly. Leave it out', 'ignore_data_skip'],
  ['a resumed run goes on exactly. Leave it out', 'restore_callback_states_from_checkpoint'],
  ['rows are shuffled anew for each epoch. Leave it out', 'train_sampling_strategy'],
  ['rows are not sorted by length. Leave it out', 'length_column_name'],
  ['Set adam_beta1, adam_beta2 and adam_epsilon', 'optim_args'],
  ['Use lora.target_modules', 'optim_target_modules'],
  ['decoders are all that is trained. Leave it out', 'lora_task_type'],
  ['noise on embeddings is for sft. Leave it out', 'neftune_noise_alpha'],
  ['it is for sft. Use label_smoothing in dpo', 'label_smoothing_factor'],
  ['a model that gives scores is not read. Use rewards', 'reward_model_name_or_path'],
  [NOT_HERE, 'use_weighting'],
  [NOT_HERE, 'entropy_coef_delta', 'entropy_coef_max', 'entropy_coef_min', 'entropy_target'],
  [NOT_HERE, 'use_adaptive_entropy'],
  [NOT_HERE, 'vespo_k_neg', 'vespo_k_pos', 'vespo_lambda_neg', 'vespo_lambda_pos'],
];

export const trlNames: Readonly<Record<string, ForeignMeaning>> = {
  ...Object.fromEntries(
    REFUSALS.flatMap(([reason, ...names]) => names.map((name) => [name, refused(reason)])),
  ),
  dataset_train_split: to('dataset.split'),
  shuffle_dataset: to('dataset.shuffle'),
  vllm_importance_sampling_clip_max: to('rollout_correction_cap'),
  vllm_importance_sampling_clip_min: to('rollout_correction_floor'),
};
