/**
 * Keys of other tools and of older scripts, and what each means here. One-to-one names are mapped;
 * the others are refused with the key to use instead. A name counts as foreign only where the
 * command has no key of that name itself.
 */

export type ForeignName =
  /** Dotted keys; the first that the command has takes the value. */
  | { readonly to: readonly string[] }
  /** Why the name is refused and what to use. */
  | { readonly refused: string };

const to = (...keys: string[]): ForeignName => ({ to: keys });
const refused = (reason: string): ForeignName => ({ refused: reason });

const REMOTE_ONLY = 'it belongs to a remote engine and means nothing locally. Leave it out';

export const foreignNames: Readonly<Record<string, ForeignName>> = {
  base_model: to('model'),
  model_path: to('model'),
  model_name: to('model'),
  model_name_or_path: to('model'),
  grpo_model: to('model'),
  pretrained_model_name_or_path: to('model'),
  adapter_path: to('adapter'),
  adapter_name_or_path: to('adapter'),

  input: to('dataset.path'),
  dataset_name: to('dataset.name'),
  dataset_path: to('dataset.path'),
  dataset_config: to('dataset.subset'),
  dataset_split: to('dataset.split'),
  num_samples: to('dataset.num_samples'),
  max_samples: to('dataset.num_samples'),

  kl_coef: to('beta'),
  pref_beta: to('beta'),
  pref_loss: to('loss_type'),
  kl_loss_type: to('kl_estimator'),
  clip_ratio_high: to('epsilon_high'),
  overlong_filtering: to('mask_truncated_completions'),
  label_smoothing: to('label_smoothing_factor'),
  dpo_label_smoothing: to('label_smoothing'),
  lr: to('learning_rate'),
  n_epochs: to('num_train_epochs'),
  num_epochs: to('num_train_epochs'),
  max_seq_length: to('max_length'),
  lr_scheduler: to('lr_scheduler_type'),
  group_size: to('num_generations'),
  ppo_epochs: to('num_iterations'),
  clip_range: to('epsilon'),
  max_new_tokens: to('max_completion_length'),
  max_tokens: to('max_completion_length', 'max_new_tokens'),
  max_completion_length: to('max_new_tokens'),
  n: to('num_generations'),
  resume_from_checkpoint: to('resume'),
  overwrite_output_dir: to('overwrite'),

  r: to('lora.r'),
  lora_r: to('lora.r'),
  lora_rank: to('lora.r'),
  lora_alpha: to('lora.lora_alpha'),
  lora_dropout: to('lora.lora_dropout'),
  lora_target_modules: to('lora.target_modules'),
  target_modules: to('lora.target_modules'),
  use_peft: to('use_lora'),

  log_dir: to('output_dir'),
  device_map: refused('Use device=auto, cpu or cuda'),
  correct_reward: refused('Use rewards=[{name: olympiad, options: {correct_reward: …}}]'),
  incorrect_reward: refused('Use rewards=[{name: olympiad, options: {incorrect_reward: …}}]'),
  format_reward: refused('Use rewards=[{name: olympiad, options: {format_reward: …}}]'),
  tinker_api_key: refused(`${REMOTE_ONLY}; keys stand in the environment, never in a config`),

  rpo_alpha: refused('Use loss_type=[sigmoid,sft] and loss_weights=[1,<rpo_alpha>]'),
  reference_free: refused('Use loss_type=simpo, cpo or orpo'),
  sample_packing: to('packing'),
  neat_packing: to('packing'),
  packing_strategy: refused('packs are filled best fit, decreasing. Use packing=true'),
  padding_free: refused('no batch has padding. Leave it out'),
  max_prompt_length: refused('prompts are not cut on their own. Use max_length'),
  batch_size: refused(
    'a trainer has two sizes. Use per_device_train_batch_size and gradient_accumulation_steps',
  ),
  mini_batch_size: refused('Use per_device_train_batch_size and gradient_accumulation_steps'),
  bf16: refused('Use compute_dtype=bfloat16'),
  fp16: refused('half precision is not trained in. Use compute_dtype=bfloat16'),
  dtype: refused('Use compute_dtype=float32 or compute_dtype=bfloat16'),
  torch_dtype: refused('Use compute_dtype=float32 or compute_dtype=bfloat16'),
  load_in_4bit: refused('quantized training is not supported. Leave it out'),
  load_in_8bit: refused('quantized training is not supported. Leave it out'),
  use_vllm: refused('rollouts run on ONNX Runtime. Leave it out'),
  reward_funcs: refused('Use rewards=[{name: …, weight: …}]'),
  reward_weights: refused('Use rewards=[{name: …, weight: …}]'),
  eval_samples: to('eval.dataset.num_samples'),
  filter_groups: to('dynamic_sampling'),
  learning_rate_multiplier: refused(
    'it scales a remote engine’s own rate. Use learning_rate with the rate itself',
  ),
  reasoning_effort: refused(REMOTE_ONLY),
  init_value: refused(REMOTE_ONLY),
  compute_multiplier: refused(REMOTE_ONLY),
  model_suffix: {
    to: ['suffix'],
    refused: `${REMOTE_ONLY}, or name the run with run_name`,
  },
  suffix: refused(`${REMOTE_ONLY}, or name the run with run_name`),
};
