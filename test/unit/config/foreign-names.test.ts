/** The table of foreign names: what each maps to exists, and what is refused says what to use. */
import { describe, expect, it } from 'vitest';
import { foreignNames } from '../../../src/config/foreign-names.js';
import {
  commandSchemas,
  dpoSchema,
  evalSchema,
  exportSchema,
  generateSchema,
  gradeSchema,
  grpoSchema,
  keyDocs,
  loadConfig,
  openaiSchema,
  resolveConfig,
  sftSchema,
  solveSchema,
} from '../../../src/config/index.js';
import { InputError } from '../../../src/util/errors.js';
import { refusalOf } from '../../support/failures.js';

const everyKey = new Set(
  Object.values(commandSchemas).flatMap((schema) => [
    ...Object.keys(schema.shape),
    ...keyDocs(schema).map(({ key }) => key),
  ]),
);

describe('the table', () => {
  it('maps to keys that some command has', () => {
    for (const [name, meaning] of Object.entries(foreignNames)) {
      for (const key of 'to' in meaning ? meaning.to : []) {
        expect(everyKey, `${name} → ${key}`).toContain(key);
      }
    }
  });

  it('names no key in a refusal that no command has', () => {
    for (const [name, meaning] of Object.entries(foreignNames)) {
      if (!('refused' in meaning)) continue;
      for (const [, key] of meaning.refused.matchAll(/Use ([a-z_.\d]+)/g)) {
        expect(everyKey, `${name}: ${key}`).toContain(key);
      }
    }
  });
});

describe('one-to-one names', () => {
  const grpo = (...overrides: string[]) =>
    loadConfig(grpoSchema, { overrides: ['dataset=gsm8k', 'model=m', ...overrides] });

  it.each(['base_model', 'model_path', 'grpo_model', 'model_name_or_path'])(
    '%s is model',
    (name) => {
      const config = loadConfig(sftSchema, { overrides: ['dataset=gsm8k', `${name}=x/y`] });
      expect(config.model).toBe('x/y');
    },
  );

  it('are mapped', () => {
    expect(grpo('kl_coef=0.1').beta).toBe(0.1);
    expect(grpo('group_size=4').num_generations).toBe(4);
    expect(grpo('ppo_epochs=2').num_iterations).toBe(2);
    expect(grpo('max_new_tokens=64').max_completion_length).toBe(64);
    expect(grpo('n_epochs=2').num_train_epochs).toBe(2);
    expect(grpo('lora_r=4').lora.r).toBe(4);
    expect(grpo('lora_target_modules=[q_proj]').lora.target_modules).toEqual(['q_proj']);
    const generate = loadConfig(generateSchema, {
      overrides: ['model=m', 'prompt=p', 'max_completion_length=3', 'n=2'],
    });
    expect(generate).toMatchObject({ max_new_tokens: 3, num_generations: 2 });
  });
});

describe('other names of one thing', () => {
  const generate = (...overrides: string[]) =>
    loadConfig(generateSchema, { overrides: ['model=m', 'prompt=p', ...overrides] });

  it('attempts of a judge are max_attempts', () => {
    expect(generate('judge.attempts=2').judge.max_attempts).toBe(2);
    expect(generate('judge={attempts: 3}').judge.max_attempts).toBe(3);
  });

  it('truncate_prompts is overlong_prompts, never is error', () => {
    expect(generate('truncate_prompts=left').overlong_prompts).toBe('left');
    expect(generate('truncate_prompts=never').overlong_prompts).toBe('error');
  });

  it('grader is grader_file, but for commands that read answers by name', () => {
    const graded = { overrides: ['grader=g.json', 'input=a.jsonl'] };
    expect(loadConfig(gradeSchema, graded).grader_file).toBe('g.json');
    const job = ['method=rft', 'model=m', 'training_file=t.jsonl', 'grader=g.json'];
    expect(loadConfig(openaiSchema, { overrides: job }).grader_file).toBe('g.json');
    const named = loadConfig(evalSchema, { overrides: ['model=m', 'grader=math'] });
    expect(named).toMatchObject({ grader: 'math', grader_file: null });
  });
});

describe('names without a local meaning', () => {
  const message = (override: string) =>
    refusalOf(InputError, () =>
      loadConfig(dpoSchema, { overrides: ['model=m', 'dataset=gsm8k', override] }),
    );

  it('are refused by name', () => {
    expect(message('rpo_alpha=1')).toMatch(
      /^command line: rpo_alpha: Use loss_type=\[sigmoid,sft\]/,
    );
    expect(message('learning_rate_multiplier=2')).toMatch(
      /learning_rate_multiplier: .*Use learning_rate/,
    );
    expect(message('batch_size=4')).toMatch(
      /batch_size: .*Use per_device_train_batch_size and gradient_accumulation_steps/,
    );
    expect(message('bf16=true')).toBe('command line: bf16: Use compute_dtype=bfloat16');
    expect(message('reasoning_effort=high')).toMatch(
      /reasoning_effort: it belongs to a remote engine/,
    );
    expect(message('beta=0.2')).toBe('accepted');
  });
});

it('rank is that of LoRA, which an error says inside its mapping', () => {
  const rank = (word: string) =>
    loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', word] }).lora.r;
  expect(rank('rank=4')).toBe(4);
  expect(() => rank('lora={rank: 4}')).toThrow(
    'unknown key "lora.rank". The nearest known key is "lora.r"',
  );
});

describe('keys that cannot be read', () => {
  const grpo = (...overrides: string[]) =>
    loadConfig(grpoSchema, { overrides: ['model=m', 'dataset=gsm8k', ...overrides] });

  it('are all named at once', () => {
    expect(() => grpo('do_train=true', 'lerning_rate=1', 'trl.beta=0.1', 'lora.ranks=2')).toThrow(
      'command line: do_train: the command says what is done. Leave it out; ' +
        'command line: unknown key "lerning_rate". The nearest known key is "learning_rate"; ' +
        'command line: trl: its keys stand on their own here. Use beta, num_generations, … without trl; ' +
        'command line: unknown key "lora.ranks". The nearest known key is "lora.r"',
    );
  });

  it.each([
    ['adapter=lora', /give its folder as model/],
    ['lora_model_dir=out', /give its folder as model/],
    ['tokenizer_name=x', /tokenizer is that of the model/],
    ['tokenizer={_component_: x}', /tokenizer is that of the model/],
    ['checkpointer={checkpoint_dir: x}', /Use model=FOLDER/],
    ['trust_remote_code=true', /no code of a model/],
    ['activation_offloading=true', /Use gradient_checkpointing=true/],
    ['group_by_length=true', /Use packing=true/],
    ['ref_model=x', /Use reference_policy/],
    ['save_only_model=true', /holds what resume needs/],
    ['do_eval=true', /Use eval_dataset/],
    ['eval_on_start=true', /before the first step/],
  ])('%s says what to use', (override, remedy) => {
    expect(() => grpo(override)).toThrow(remedy);
  });

  it('of a command with an adapter, lora_model_dir is that', () => {
    const overrides = ['model=m', 'lora_model_dir=x'];
    expect(loadConfig(evalSchema, { overrides }).adapter).toBe('x');
  });
});

describe('num_samples of a command that solves problems', () => {
  const read = (...overrides: string[]) => {
    const notes: string[] = [];
    const note = (line: string) => notes.push(line);
    return {
      config: loadConfig(evalSchema, { overrides: ['model=m', ...overrides], note }),
      notes,
    };
  };

  it('is several solutions of each problem and a vote, which a line says', () => {
    const { config, notes } = read('num_samples=16');
    expect(config).toMatchObject({
      strategy: 'majority_vote',
      strategy_samples: 16,
      temperature: 0.7,
      dataset: { num_samples: null },
    });
    expect(notes).toEqual([
      'command line: num_samples=16 is read as strategy_samples=16 strategy=majority_vote temperature=0.7. For a number of rows give dataset.num_samples',
    ]);
  });

  it('leaves what is set as it is, before or after it', () => {
    const tir = read('strategy=tir', 'num_samples=16', 'temperature=1').config;
    expect(tir).toMatchObject({ strategy: 'tir', strategy_samples: 16, temperature: 1 });
    const one = read('num_samples=1').config;
    expect(one).toMatchObject({ strategy: 'greedy', strategy_samples: 1, temperature: 0 });
    expect(read('max_samples=5')).toMatchObject({
      config: { dataset: { num_samples: 5 } },
      notes: [],
    });
    const solve = loadConfig(solveSchema, { overrides: ['model=m', 'problem=p', 'num_samples=4'] });
    expect(solve).toMatchObject({
      strategy: 'majority_vote',
      strategy_samples: 4,
      temperature: 0.7,
    });
  });

  it('is rows for a command that takes rows alone', () => {
    const config = loadConfig(sftSchema, {
      overrides: ['model=m', 'dataset=gsm8k', 'num_samples=7'],
    });
    expect(config.dataset.num_samples).toBe(7);
  });

  it('contradicts strategy_samples', () => {
    expect(() => read('num_samples=16', 'strategy_samples=8').config).not.toThrow();
    const file = { num_samples: 16, strategy_samples: 8 };
    expect(() => resolveConfig(evalSchema, [{ value: file, where: () => 'a.yaml:1' }])).toThrow(
      'strategy_samples is set as well under another name',
    );
  });
});

describe('names of TRL, axolotl, Unsloth, torchtune and LLaMA-Factory', () => {
  const sft = (override: string) =>
    loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', override] });

  it.each([
    ['cutoff_len=2048', { max_length: 2048 }],
    ['sequence_len=2048', { max_length: 2048 }],
    ['micro_batch_size=2', { per_device_train_batch_size: 2 }],
    ['random_state=3407', { seed: 3407 }],
    ['lora_target=[q_proj]', { lora: { target_modules: ['q_proj'] } }],
    ['use_rslora=true', { lora: { use_rslora: true } }],
    ['optimizer=adamw_8bit', { optim: 'adamw_8bit' }],
    ['use_4bit=true', { load_in_4bit: true, bnb_4bit_quant_type: 'nf4' }],
    ['bnb_4bit_compute_dtype=bfloat16', { compute_dtype: 'bfloat16' }],
  ])('%s is read', (override, expected) => {
    expect(sft(override)).toMatchObject(expected);
  });

  it.each([
    ['train_on_inputs=true', /Use completion_only_loss=false/],
    ['eval_strategy=steps', /eval_strategy: .*Use eval_steps/],
    ['val_set_size=0.05', /Use eval_dataset/],
    ['flash_attention=true', /Leave it out/],
    ['deepspeed=zero3.json', /a run has one device/],
    ['quantization_method=hqq', /Use load_in_4bit=true/],
    ['bnb_4bit_quant_storage=uint8', /kept as bytes. Leave it out/],
    ['bnb_4bit_compute_dtype=float16', /compute_dtype/],
    ['lora.layers_to_transform=[0]', /lora\.layers_to_transform: .* Use lora\.target_modules='/],
    ['lora.trainable_token_indices=[3]', /Use lora\.modules_to_save=\[embed_tokens\]/],
    ['lora.layer_replication=[[0,2]]', /lora\.layer_replication: layers are not repeated/],
  ])('%s is refused by name', (override, expected) => {
    expect(() => sft(override)).toThrow(expected);
  });

  it('of sampling from a base in 4 bits', () => {
    const generate = (...overrides: string[]) =>
      loadConfig(generateSchema, { overrides: ['model=m', 'prompt=p', ...overrides] });
    const keys = ['load_in_4bit=true', 'bnb_4bit_use_double_quant=true'];
    expect(generate(...keys)).toMatchObject({ load_in_4bit: true, use_bnb_nested_quant: true });
    expect(() => generate('bnb_4bit_compute_dtype=bfloat16')).toThrow(/Use rollout_precision$/);
    const exported = ['model=m', 'output=o', 'bnb_4bit_compute_dtype=bfloat16'];
    expect(() => loadConfig(exportSchema, { overrides: exported })).toThrow(/own\. Leave it out$/);
  });

  it('of rollouts', () => {
    const grpo = (override: string) =>
      loadConfig(grpoSchema, { overrides: ['model=m', 'dataset=gsm8k', override] });
    expect(grpo('vllm_importance_sampling_cap=2').rollout_correction_cap).toBe(2);
    expect(grpo('vllm_importance_sampling_correction=false').rollout_correction).toBe(false);
    expect(() => grpo('generation_batch_size=64')).toThrow(/Use steps_per_generation/);
  });
});
