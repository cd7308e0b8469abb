/** The defaults that are published ones, and what every schema must have. */
import { describe, expect, it } from 'vitest';
import {
  type CommandName,
  chatSchema,
  commandSchemas,
  dpoSchema,
  evalSchema,
  grpoSchema,
  inputPaths,
  keyDocs,
  loadConfig,
  pipelineSchema,
  schemaAt,
  serveSchema,
  sftSchema,
  sweepSchema,
} from '../../../src/config/index.js';
import { takesPath } from '../../../src/config/introspect.js';

const base = ['model=m', 'dataset=gsm8k'];

describe('defaults', () => {
  it('of SFT are those of TRL and transformers', () => {
    expect(loadConfig(sftSchema, { overrides: base })).toMatchObject({
      learning_rate: 2e-5,
      max_length: 1024,
      lr_scheduler_type: 'linear',
      warmup_steps: 0,
      per_device_train_batch_size: 8,
      gradient_accumulation_steps: 1,
      num_train_epochs: 3,
      max_steps: null,
      weight_decay: 0,
      adam_beta1: 0.9,
      adam_beta2: 0.999,
      adam_epsilon: 1e-8,
      max_grad_norm: 1,
      seed: 42,
      logging_steps: 10,
      save_steps: 500,
      lora: { r: 16, lora_alpha: 32, lora_dropout: 0.05, use_rslora: false },
    });
  });

  it('of DPO are those of TRL', () => {
    expect(loadConfig(dpoSchema, { overrides: base })).toMatchObject({
      learning_rate: 1e-6,
      beta: 0.1,
      loss_type: 'sigmoid',
      label_smoothing: 0,
      max_length: 1024,
      precompute_ref_log_probs: false,
    });
  });

  it('of GRPO are those of TRL', () => {
    expect(loadConfig(grpoSchema, { overrides: base })).toMatchObject({
      learning_rate: 1e-6,
      num_generations: 8,
      max_completion_length: 512,
      temperature: 1,
      top_p: 1,
      top_k: 0,
      beta: 0,
      num_iterations: 1,
      epsilon: 0.2,
      loss_type: 'dapo',
      scale_rewards: 'group',
    });
  });

  it('hold the tags of an answer', () => {
    expect(loadConfig(grpoSchema, { overrides: base })).toMatchObject({
      reasoning_start: '<start_working_out>',
      reasoning_end: '<end_working_out>',
      solution_start: '<SOLUTION>',
      solution_end: '</SOLUTION>',
    });
  });
});

describe('the batch rule of GRPO', () => {
  const accepts = (...overrides: string[]) => {
    try {
      loadConfig(grpoSchema, { overrides: [...base, ...overrides] });
      return true;
    } catch {
      return false;
    }
  };

  it('needs whole groups in an optimizer step', () => {
    expect(accepts('per_device_train_batch_size=2', 'gradient_accumulation_steps=4')).toBe(true);
    expect(accepts('per_device_train_batch_size=2', 'gradient_accumulation_steps=3')).toBe(false);
    expect(accepts('num_generations=4')).toBe(true);
    expect(accepts('num_generations=16')).toBe(false);
  });

  it('needs whole optimizer steps in a generation', () => {
    const steps = 'gradient_accumulation_steps=2';
    expect(accepts(steps, 'steps_per_generation=4')).toBe(true);
    expect(accepts(steps, 'steps_per_generation=3')).toBe(false);
    expect(accepts(steps, 'steps_per_generation=1')).toBe(false);
  });
});

describe('every schema', () => {
  const schemas = { ...commandSchemas, run: pipelineSchema, sweep: sweepSchema };

  it.each(Object.keys(schemas))('of %s documents each key in snake case', (name) => {
    const docs = keyDocs(schemas[name as keyof typeof schemas], { intoLists: true });
    for (const { key, doc } of docs) {
      expect(key).toMatch(/^[a-z0-9_]+(\[\])?(\.[a-z0-9_]+(\[\])?)*$/);
      expect(doc, key).toMatch(/^\S.{2,}/);
      expect(doc.length, key).toBeLessThanOrEqual(90);
    }
    expect(docs.length).toBeGreaterThan(0);
  });
});

describe('a base in 4 bits', () => {
  const schemas = { ...commandSchemas, chat: chatSchema, serve: serveSchema };
  type Name = keyof typeof schemas;
  const openers: Readonly<Partial<Record<Name, readonly string[]>>> = {
    ...{ sft: ['dataset=gsm8k'], dpo: ['dataset=gsm8k'], grpo: ['dataset=gsm8k'], eval: [] },
    ...{ score: ['input=i'], generate: ['prompt=p'], predict: [], chat: [], serve: [] },
    ...{ solve: ['problem=p'], factorize: ['number=15'], export: ['output=o'] },
    rollouts: ['dataset=gsm8k', 'output=o'],
    traces: ['dataset=gsm8k'],
  };
  const load = (name: Name, ...keys: string[]) =>
    loadConfig(schemas[name], { overrides: ['model=m', ...openers[name]!, ...keys] });

  it('is a key of each command that opens a model to train it or to use an adapter', () => {
    const having = (key: string) =>
      Object.keys(schemas).filter((name) => key in schemas[name as Name].shape);
    expect(having('load_in_4bit').sort()).toEqual(Object.keys(openers).sort());
    for (const name of having('adapter')) expect(openers).toHaveProperty(name);
  });

  it.each(Object.keys(openers) as Name[])('%s takes its keys together', (name) => {
    const keys = ['load_in_4bit=true', 'use_bnb_nested_quant=true', 'bnb_4bit_quant_type=fp4'];
    expect(load(name, ...keys)).toMatchObject({ load_in_4bit: true, use_bnb_nested_quant: true });
    for (const key of keys.slice(1)) {
      expect(() => load(name, key)).toThrow(/nothing is kept in 4 bits. Set load_in_4bit=true/);
    }
  });

  it.each(['generate', 'predict', 'factorize'] as const)('%s by a server has none', (name) => {
    expect(() => load(name, 'engine=server', 'load_in_4bit=true')).toThrow(
      /load_in_4bit: a server keeps its own weights. Leave it out/,
    );
  });
});

describe('files that a config reads', () => {
  const paths = (name: CommandName, ...overrides: string[]) =>
    inputPaths(commandSchemas[name], loadConfig(commandSchemas[name], { overrides }));

  it('are found by their fields, also nested and in lists', () => {
    expect(
      paths('sft', 'model=m', 'dataset=a.jsonl', 'traces_file=t.jsonl', 'output_dir=o'),
    ).toEqual(['m', 'a.jsonl', 't.jsonl']);
    expect(paths('compare', 'inputs=[a, b]', 'output=c')).toEqual(['a', 'b']);
    expect(paths('init-model', 'output=o', 'tokenizer.corpus=[x.txt]')).toEqual(['x.txt']);
    const evaluating = ['model=m', 'dataset=gsm8k', 'eval.dataset.path=e.jsonl'];
    expect(paths('sft', ...evaluating)).toEqual(['m', 'e.jsonl']);
  });
});

// Node's setTimeout goes off at once beyond 2^31 - 1 ms.
it.each([
  'judge.timeout_s',
  'python_timeout_s',
  'reward_timeout_s',
  'tool_timeout_s',
  'time_budget',
])('%s is no longer than a timer can wait', (key) => {
  const schema = key.startsWith('t') ? evalSchema : grpoSchema;
  const own = key.startsWith('t') ? ['model=m', 'strategy=tir', 'temperature=1'] : base;
  const load = (value: number) => loadConfig(schema, { overrides: [...own, `${key}=${value}`] });
  expect(() => load(2_147_484)).toThrow(`${key} is 2147484`);
  expect(() => load(2_000_000)).not.toThrow();
});

it.each(Object.entries(commandSchemas))(
  '%s: keys that are named as paths are paths',
  (_, schema) => {
    const isNamed = ({ key, type }: { key: string; type: string }) =>
      /(^|[._])(path|dir|file|input|output|adapter)$/.test(key) && /^text( or null)?$/.test(type);
    const keys = keyDocs(schema).filter(isNamed);
    expect(keys.filter(({ key }) => !takesPath(schemaAt(schema, key.split('.'))!))).toEqual([]);
  },
);

describe('keys of LoRA where all weights are trained', () => {
  it.each(['sft', 'dpo', 'grpo'] as const)('are refused by %s, their defaults are not', (name) => {
    const load = (...keys: string[]) =>
      loadConfig(commandSchemas[name], { overrides: [...base, 'use_lora=false', ...keys] });
    const { lora } = load();
    expect(load(`lora=${JSON.stringify(lora)}`).lora).toEqual(lora);
    for (const key of ['r=8', 'lora_dropout=0.1', 'target_modules=[q_proj]', 'use_dora=true']) {
      expect(() => load(`lora.${key}`)).toThrow(
        /: lora\.[a-z_]+: use_lora=false trains all weights. Set use_lora=true, or leave it out/,
      );
    }
  });
});

describe('the model of the quickstart', () => {
  const file = 'configs/quickstart/init-model.yaml';
  const { architecture } = loadConfig(commandSchemas['init-model'], {
    file,
    overrides: ['output=o'],
  });
  const required = {
    ...{ generate: ['prompt=p'], solve: ['problem=p'], eval: [] },
    ...{ traces: ['dataset=gsm8k'], rollouts: ['dataset=gsm8k', 'output=o'] },
  };

  it.each(Object.keys(required) as (keyof typeof required)[])(
    'has room for %s as it is',
    (name) => {
      const overrides = ['model=m', ...required[name]];
      const { max_new_tokens } = loadConfig(commandSchemas[name], { overrides });
      expect(architecture.max_position_embeddings).toBeGreaterThanOrEqual(2 * max_new_tokens);
    },
  );
});
