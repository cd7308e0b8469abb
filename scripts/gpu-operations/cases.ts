/** Models and trainings that together ask for all that training on a GPU can ask for. */

/** Keys of `init-model`. */
export const MODELS = {
  /** Depth and heads of SmolLM2-135M. */
  deep: [
    'num_hidden_layers=30',
    'num_attention_heads=9',
    'num_key_value_heads=3',
    'hidden_size=72',
  ],
  llama: [],
  qwen2: ['model_type=qwen2'],
  qwen3: ['model_type=qwen3'],
  gemma2: ['model_type=gemma2'],
  phi3: ['model_type=phi3'],
  olmo2: ['model_type=olmo2'],
  cohere2: ['model_type=cohere2'],
  starcoder2: ['model_type=starcoder2'],
  phi: ['model_type=phi'],
  arcee: ['model_type=arcee'],
  partial: ['model_type=phi3', 'config.partial_rotary_factor=0.5'],
  lfm2: ['model_type=lfm2'],
  glm4: ['model_type=glm4'],
  qwen3_5_text: ['model_type=qwen3_5_text'],
  qwen3_moe: ['model_type=qwen3_moe'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

type ModelName = keyof typeof MODELS;

export interface Case {
  readonly name: string;
  readonly model: ModelName;
  readonly compute: 'bfloat16' | 'float32';
  /** Words of the command line for so many steps. */
  readonly words: (steps: number) => readonly string[];
}

type Choice = Partial<Pick<Case, 'model' | 'compute'>>;

const train = (
  command: 'sft' | 'dpo' | 'grpo',
  name: string,
  words: readonly string[] = [],
  choice: Choice = {},
): Case => ({
  ...{ name: `${command}-${name}`, model: 'llama', compute: 'bfloat16', ...choice },
  words: (steps) => [
    ...[
      command,
      `dataset.path=${command === 'dpo' ? 'pairs' : 'rows'}.jsonl`,
      `max_steps=${steps}`,
    ],
    ...[
      'prompt_template={prompt}',
      'per_device_train_batch_size=4',
      'report_to=none',
      'output_dir=run',
      'overwrite=true',
    ],
    ...['learning_rate=1e-3', ...(command === 'grpo' ? GRPO : []), ...words],
  ],
});

const GRPO = [
  ...['max_completion_length=8', 'num_generations=4', 'rollout_device=cpu'],
  'max_logprob_difference=1',
];

const PLAIN = 'lora.lora_dropout=0';
/** The figures of docs/gpu.md: one sequence, LoRA alone. */
const ONE = [PLAIN, 'per_device_train_batch_size=1', 'lora.r=4'];
const DEEP = { model: 'deep' } as const;
const FULL = 'use_lora=false';
const FLOAT = { compute: 'float32' } as const;

/** Each trains by itself, as LoRA and as a whole. */
const FAMILIES = [
  ...(['qwen2', 'qwen3', 'gemma2', 'phi3', 'olmo2', 'partial'] as const),
  ...(['cohere2', 'starcoder2', 'phi', 'arcee'] as const),
  ...(['lfm2', 'glm4', 'qwen3_5_text', 'qwen3_moe'] as const),
];

export const CASES: readonly Case[] = [
  train('sft', 'recomputed', [...ONE, 'gradient_checkpointing=true'], DEEP),
  train('sft', 'kept', [...ONE, 'gradient_checkpointing=false'], DEEP),
  train('sft', 'recomputed-float32', [...ONE, 'gradient_checkpointing=true'], {
    ...DEEP,
    ...FLOAT,
  }),
  train('sft', 'kept-float32', [...ONE, 'gradient_checkpointing=false'], { ...DEEP, ...FLOAT }),
  train('sft', 'lengths', [PLAIN, 'gradient_checkpointing=true']),
  train('sft', '4bit', [PLAIN, 'load_in_4bit=true', 'gradient_checkpointing=true']),
  train('sft', 'dropout'),
  train('sft', 'full', [FULL, 'gradient_checkpointing=true']),
  train('sft', 'full-float32', [FULL], FLOAT),
  train('sft', 'nested-4bit', [PLAIN, 'load_in_4bit=true', 'use_bnb_nested_quant=true']),
  train('sft', '4bit-float32', [PLAIN, 'load_in_4bit=true'], FLOAT),
  train('sft', 'dora', ['lora.use_dora=true']),
  train('sft', 'saved', ['lora.modules_to_save=[embed_tokens,lm_head]']),
  train('sft', 'biases', [PLAIN, 'lora.bias=all'], { model: 'qwen2' }),
  train('sft', 'part', [PLAIN, 'lora.target_modules=[q_proj,v_proj,down_proj]']),
  train('sft', 'pissa', ['lora.init_lora_weights=pissa_niter_2']),
  train('sft', 'smoothed', [PLAIN, 'label_smoothing_factor=0.1', 'neftune_noise_alpha=5']),
  train('sft', 'dft', [PLAIN, 'loss_type=dft', 'packing=true', 'optim=adamw_8bit']),
  train('sft', 'lion', [PLAIN, 'optim=lion_8bit', 'weight_decay=0.1', 'lora.loraplus_lr_ratio=4']),
  ...FAMILIES.flatMap((model) => [
    train('sft', model, [], { model }),
    train('sft', `${model}-full`, [FULL], { model }),
  ]),
  train('dpo', 'sigmoid', [PLAIN]),
  train('dpo', 'others', [
    PLAIN,
    'loss_type=[hinge,ipo,robust,exo_pair,nca_pair,sppo_hard,apo_down,discopop,sft]',
    'label_smoothing=0.1',
    'ld_alpha=0.5',
  ]),
  train('dpo', 'orpo', [PLAIN, 'loss_type=orpo']),
  train('dpo', 'divergence', [PLAIN, 'f_divergence_type=js_divergence']),
  train('dpo', 'kto', [PLAIN, 'loss_type=kto']),
  train('grpo', 'dapo', [PLAIN]),
  train('grpo', 'sequence', [
    ...[PLAIN, 'beta=0.1', 'importance_sampling_level=sequence', 'num_iterations=2'],
    ...['entropy_coef=0.01', 'top_entropy_quantile=0.5', 'off_policy_mask_threshold=0.5'],
  ]),
  train('grpo', 'sapo', [PLAIN, 'loss_type=sapo', 'rollout_correction_mode=token_mask']),
  train('grpo', 'cispo', [
    PLAIN,
    'loss_type=cispo',
    'epsilon_high=5',
    'rollout_correction_floor=0.5',
  ]),
];
