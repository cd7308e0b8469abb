/**
 * Keys of other tools and of older scripts, and what each means here. One-to-one names are mapped;
 * the others are refused with the key to use instead. A name counts as foreign only where the
 * command has no key of that name itself.
 */

import { type ForeignName, type Implied, refused, to } from './foreign-name.js';
import { trlNames } from './trl-names.js';

const REMOTE_ONLY = 'it belongs to a remote engine and means nothing locally. Leave it out';

const ONE_DEVICE = 'a run has one device. Leave it out';
const OWN_KERNELS = 'there is one implementation of attention and loss. Leave it out';
const READ_HERE = 'rows are read in one process. Leave it out';
const ADAPTER: ForeignName = {
  to: ['adapter'],
  refused:
    'to go on with an adapter, give its folder as model, which names its base. A new one is trained with use_lora=true',
};
const OWN_TOKENIZER =
  'the tokenizer is that of the model. Leave it out, or use model with the folder of both';
const OFFLOADING = 'activations stay on the device. Use gradient_checkpointing=true to save memory';
const COMMAND_SAYS = 'the command says what is done. Leave it out';
const EVALUATIONS = 'evaluations go by optimizer steps. Use eval_steps; null evaluates at the end';
const TEMPLATE =
  'a template is given by a file. Use chat_template_path=FILE, or prompt_template for one exchange';
const LEARN_PROMPTS =
  'prompts are not learnt. Use completion_only_loss=false, with messages assistant_only_loss=false, to learn them';

/** Several solutions of a problem: a vote over samples that differ. */
const SEVERAL_SOLUTIONS: Implied = {
  values: (value) => (Number(value) > 1 ? { strategy: 'majority_vote', temperature: 0.7 } : {}),
  otherwise: 'For a number of rows give dataset.num_samples',
};

export const foreignNames: Readonly<Record<string, ForeignName>> = {
  ...trlNames,
  system: to('system_prompt'),
  base_model: to('model'),
  model_path: to('model'),
  model_name: to('model'),
  model_name_or_path: to('model'),
  grpo_model: to('model'),
  pretrained_model_name_or_path: to('model'),
  revision: to('model_revision'),
  revision_of_model: to('model_revision'),
  adapter: ADAPTER,
  adapter_path: ADAPTER,
  adapter_name_or_path: ADAPTER,
  lora_model_dir: ADAPTER,

  input: to('dataset.path'),
  dataset_name: to('dataset.name'),
  dataset_path: to('dataset.path'),
  dataset_config: to('dataset.subset'),
  dataset_revision: to('dataset.revision'),
  dataset_split: to('dataset.split'),
  num_samples: {
    to: ['strategy_samples', 'dataset.num_samples', 'num_generations'],
    implied: { strategy_samples: SEVERAL_SOLUTIONS },
  },
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
  max_seq_len: to('max_length'),
  max_sequence_length: to('max_length'),
  model_max_length: to('max_length'),
  sequence_len: to('max_length'),
  cutoff_len: to('max_length'),
  micro_batch_size: to('per_device_train_batch_size'),
  epochs: to('num_train_epochs'),
  optimizer: to('optim'),
  gradient_clipping: to('max_grad_norm'),
  num_warmup_steps: to('warmup_steps'),
  random_state: to('seed'),
  use_gradient_checkpointing: to('gradient_checkpointing'),
  enable_activation_checkpointing: to('gradient_checkpointing'),
  lr_scheduler: to('lr_scheduler_type'),
  group_size: to('num_generations'),
  ppo_epochs: to('num_iterations'),
  clip_range: to('epsilon'),
  max_new_tokens: to('max_completion_length'),
  max_tokens: to('max_completion_length', 'max_new_tokens'),
  max_completion_length: to('max_new_tokens'),
  n: to('num_generations'),
  num_return_sequences: to('num_generations'),
  max_response_length: to('max_completion_length'),
  vllm_importance_sampling_correction: to('rollout_correction'),
  vllm_importance_sampling_mode: to('rollout_correction_mode'),
  vllm_importance_sampling_cap: to('rollout_correction_cap'),
  resume_from_checkpoint: to('resume'),
  overwrite_output_dir: to('overwrite'),

  r: to('lora.r'),
  lora_r: to('lora.r'),
  lora_rank: to('lora.r'),
  lora_alpha: to('lora.lora_alpha'),
  lora_dropout: to('lora.lora_dropout'),
  lora_target_modules: to('lora.target_modules'),
  target_modules: to('lora.target_modules'),
  lora_target: to('lora.target_modules'),
  modules_to_save: to('lora.modules_to_save'),
  lora_modules_to_save: to('lora.modules_to_save'),
  additional_target: to('lora.modules_to_save'),
  use_rslora: to('lora.use_rslora'),
  use_dora: to('lora.use_dora'),
  loraplus_lr_ratio: to('lora.loraplus_lr_ratio'),
  use_peft: to('use_lora'),

  log_dir: to('output_dir'),
  wandb_run_name: to('wandb_name'),
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
  train_on_inputs: refused(LEARN_PROMPTS),
  train_on_prompt: refused(LEARN_PROMPTS),
  mask_prompt: to('completion_only_loss'),
  dataset_text_field: refused('Use dataset.columns={text: NAME}'),
  chat_template: refused(TEMPLATE),
  template: refused(TEMPLATE),
  val_set_size: refused('Use eval_dataset={path: FILE}, rows whose loss is computed'),
  val_size: refused('Use eval_dataset={path: FILE}, rows whose loss is computed'),
  eval_strategy: refused(EVALUATIONS),
  evaluation_strategy: refused(EVALUATIONS),
  evals_per_epoch: refused(EVALUATIONS),
  save_strategy: refused('checkpoints go by optimizer steps. Use save_steps'),
  saves_per_epoch: refused('checkpoints go by optimizer steps. Use save_steps'),
  logging_strategy: refused('rows of metrics go by optimizer steps. Use logging_steps'),
  max_steps_per_epoch: refused('the limit is over all epochs. Use max_steps'),
  data_seed: refused('one seed is that of the order of rows too. Use seed'),
  finetuning_type: refused('Use use_lora=true, or use_lora=false for all weights'),
  full_finetuning: refused('Use use_lora=false'),
  lora_target_linear: refused('Use lora.target_modules=all-linear'),
  attn_implementation: refused(OWN_KERNELS),
  flash_attention: refused(OWN_KERNELS),
  flash_attn: refused(OWN_KERNELS),
  use_liger_kernel: refused(OWN_KERNELS),
  deepspeed: refused(ONE_DEVICE),
  fsdp: refused(ONE_DEVICE),
  dataset_num_proc: refused(READ_HERE),
  dataloader_num_workers: refused(READ_HERE),
  preprocessing_num_workers: refused(READ_HERE),
  tokenizer: refused(OWN_TOKENIZER),
  tokenizer_name: refused(OWN_TOKENIZER),
  tokenizer_name_or_path: refused(OWN_TOKENIZER),
  checkpointer: refused('Use model=FOLDER for checkpoint_dir, and output_dir for what is written'),
  trust_remote_code: refused('no code of a model or data set is run. Leave it out'),
  activation_offloading: refused(OFFLOADING),
  enable_activation_offloading: refused(OFFLOADING),
  group_by_length: refused('rows are not sorted by length. Use packing=true, which wastes none'),
  trl: refused('its keys stand on their own here. Use beta, num_generations, … without trl'),
  ref_model: refused('the reference is the model as training began. Use reference_policy=base'),
  save_only_model: refused('a checkpoint holds what resume needs. Use save_total_limit for fewer'),
  do_train: refused(COMMAND_SAYS),
  do_predict: refused(COMMAND_SAYS),
  do_eval: refused('Use eval_dataset={path: FILE} with eval_steps; eval evaluates after training'),
  eval_on_start: refused('nothing is evaluated before the first step. Use eval on the base model'),
  remove_unused_columns: refused('columns that nothing reads are left alone. Leave it out'),
  push_to_hub: refused('nothing is uploaded. Leave it out'),
  max_prompt_length: refused(
    'prompts are not cut on their own. Use max_length or overlong_prompts',
  ),
  filter_overlong_prompts: refused('Use overlong_prompts=drop'),
  batch_size: refused(
    'a trainer has two sizes. Use per_device_train_batch_size and gradient_accumulation_steps',
  ),
  mini_batch_size: refused('Use per_device_train_batch_size and gradient_accumulation_steps'),
  bf16: refused('Use compute_dtype=bfloat16'),
  fp16: refused('half precision is not trained in. Use compute_dtype=bfloat16'),
  dtype: refused('Use compute_dtype=float32 or compute_dtype=bfloat16'),
  torch_dtype: refused('Use compute_dtype=float32 or compute_dtype=bfloat16'),
  pad_token: refused('no batch has padding. Leave it out'),
  enable_thinking: refused('Use chat_template_kwargs={enable_thinking: …}'),
  load_in_4bit: refused('quantized training is not supported. Leave it out'),
  load_in_8bit: refused('quantized training is not supported. Leave it out'),
  use_vllm: refused('rollouts run on ONNX Runtime. Leave it out'),
  fast_inference: refused('rollouts run on ONNX Runtime. Leave it out'),
  vllm_mode: refused('rollouts run on ONNX Runtime in this process. Leave it out'),
  vllm_tensor_parallel_size: refused(ONE_DEVICE),
  vllm_gpu_memory_utilization: refused('Use rollout_memory_limit, in GiB'),
  gpu_memory_utilization: refused('Use rollout_memory_limit, in GiB'),
  generation_batch_size: refused(
    'it is per_device_train_batch_size × steps_per_generation. Use steps_per_generation',
  ),
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
