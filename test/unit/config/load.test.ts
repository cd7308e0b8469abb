/** Precedence, interpolation, typing and merging of configs. */
import { homedir } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  commandSchemas,
  evalSchema,
  grpoSchema,
  initModelSchema,
  loadConfig,
  resolvedYaml,
  serveSchema,
  sftSchema,
  sweepSchema,
  tracesSchema,
} from '../../../src/config/index.js';
import { canonicalJson } from '../../../src/util/json-object.js';
import { temporaryFile } from '../../support/temporary.js';

const minimal = ['model=m', 'dataset=gsm8k'];

describe('precedence', () => {
  it('is defaults < file < command line', () => {
    const file = temporaryFile('model: from-file\ndataset: gsm8k\nseed: 1\nlora: {r: 4}\n');
    const config = loadConfig(sftSchema, { file, overrides: ['seed=2', 'lora.lora_alpha=8'] });
    expect(config.model).toBe('from-file');
    expect(config.seed).toBe(2);
    expect(config.lora.r).toBe(4);
    expect(config.lora.lora_alpha).toBe(8);
    expect(config.lora.lora_dropout).toBe(0.05);
    expect(config.max_length).toBe(1024);
  });

  it('begins paths of a file and of the command line at the home folder', () => {
    const file = temporaryFile('model: ~/models/m\ndataset: ~/rows.jsonl\n');
    const config = loadConfig(sftSchema, { file, overrides: ['output_dir=~/runs/a b'] });
    expect(config.model).toBe(`${homedir()}/models/m`);
    expect(config.dataset.path).toBe(`${homedir()}/rows.jsonl`);
    expect(config.output_dir).toBe(`${homedir()}/runs/a b`);
    expect(loadConfig(sftSchema, { file, overrides: ['output_dir=~'] }).output_dir).toBeNull();
  });

  it('does so with paths of lists and alternatives, and with words that a folder may stand for', () => {
    const words = ['model=m', 'adapter=[~/a, ~/b]', 'resume=~/c', 'dataset=~/rows'];
    expect(loadConfig(serveSchema, { overrides: words.slice(0, 2) }).adapter).toEqual([
      `${homedir()}/a`,
      `${homedir()}/b`,
    ]);
    const one = loadConfig(serveSchema, { overrides: ['model=m', 'adapter=~/a'] });
    expect(one.adapter).toBe(`${homedir()}/a`);
    const { resume, dataset } = loadConfig(sftSchema, {
      overrides: [words[0] as string, ...words.slice(2)],
    });
    expect(resume).toBe(`${homedir()}/c`);
    expect(dataset.name).toBe(`${homedir()}/rows`);
    const sweep = { root: '~/r', grid: { model: ['~/m', 3] }, vars: { stop: '~/' } };
    const stages = [{ name: 'a', command: 'sft', config: '~/a.yaml', with: { stop: ['~/'] } }];
    const read = loadConfig(sweepSchema, {
      file: temporaryFile(JSON.stringify({ ...sweep, stages })),
    });
    expect(read.root).toBe(`${homedir()}/r`);
    expect(read.grid).toEqual({ model: [`${homedir()}/m`, 3] });
    expect(read.stages[0]?.config).toBe(`${homedir()}/a.yaml`);
    // Their stages' own keys say what is a path.
    expect(read.vars).toEqual({ stop: '~/' });
    expect(read.stages[0]?.with).toEqual({ stop: ['~/'] });
  });

  it('leaves the beginning of texts that are no paths', () => {
    const prose = {
      system_prompt: '~/ is your home',
      prompt_template: '~/ {prompt}',
      stop: ['~/', '~/x'],
    };
    const file = temporaryFile(JSON.stringify({ model: 'm', dataset: 'gsm8k', ...prose }));
    const overrides = ['dataset.columns={question: "~/{path}"}'];
    const config = loadConfig(grpoSchema, { file, overrides });
    expect(config).toMatchObject(prose);
    expect(config.dataset.columns).toEqual({ question: '~/{path}' });
  });

  it('lets the last of two overrides win', () => {
    expect(loadConfig(sftSchema, { overrides: [...minimal, 'seed=1', 'seed=2'] }).seed).toBe(2);
  });

  it('replaces lists and reaches into them by number', () => {
    const file = temporaryFile(
      'model: m\ndataset: gsm8k\nrewards: [{name: format}, {name: correctness, weight: 2}]\n',
    );
    const reached = loadConfig(grpoSchema, { file, overrides: ['rewards.0.weight=0.5'] });
    expect(reached.rewards).toMatchObject([
      { name: 'format', weight: 0.5 },
      { name: 'correctness', weight: 2 },
    ]);
    const replaced = loadConfig(grpoSchema, { file, overrides: ['rewards=[{name: format}]'] });
    expect(replaced.rewards).toMatchObject([{ name: 'format', weight: 1 }]);
    for (const index of ['-1', '2', '00']) {
      const read = () => loadConfig(grpoSchema, { file, overrides: [`rewards.${index}.weight=3`] });
      expect(read, index).toThrow(/^command line: rewards is \{.*, expected list of/);
    }
  });

  it('takes the keys of an anchor by <<', () => {
    const file = temporaryFile(
      'model: m\ndataset: &rows {name: gsm8k, split: train}\neval: {dataset: {<<: *rows, split: test}}\n',
    );
    expect(loadConfig(sftSchema, { file }).eval?.dataset).toMatchObject({
      name: 'gsm8k',
      split: 'test',
    });
  });

  it('opens a group that the file has as null', () => {
    const file = temporaryFile('model: m\ndataset: gsm8k\neval: null\n');
    expect(loadConfig(sftSchema, { file }).eval).toBeNull();
    const config = loadConfig(sftSchema, { file, overrides: ['eval.max_new_tokens=9'] });
    expect(config.eval).toMatchObject({ max_new_tokens: 9, temperature: 0, benchmark: null });
  });
});

describe('values as TRL writes them', () => {
  it.each([
    ['max_steps: -1', { max_steps: null }],
    ['warmup_steps: 0.05', { warmup_steps: 0.05 }],
    ['scale_rewards: true', { scale_rewards: 'group' }],
    ['scale_rewards: false', { scale_rewards: 'none' }],
    ['scale_rewards: batch', { scale_rewards: 'batch' }],
    ['optim: adamw_torch_fused', { optim: 'adamw_torch' }],
    ['min_p: null', { min_p: 0 }],
    ['resume_from_checkpoint: null', { resume: 'never' }],
    ['resume_from_checkpoint: true', { resume: 'auto' }],
  ])('%s', (line, values) => {
    const file = temporaryFile(`model: m\ndataset: gsm8k\n${line}\n`);
    expect(loadConfig(grpoSchema, { file })).toMatchObject(values);
    const overrides = [...minimal, line.replace(': ', '=')];
    expect(loadConfig(grpoSchema, { overrides })).toMatchObject(values);
  });

  it('neftune_noise_alpha: null', () => {
    const overrides = [...minimal, 'neftune_noise_alpha=null'];
    expect(loadConfig(sftSchema, { overrides }).neftune_noise_alpha).toBe(0);
  });
});

describe('values of the command line', () => {
  const load = (...overrides: string[]) =>
    loadConfig(grpoSchema, { overrides: [...minimal, ...overrides] });

  it('take the type of their field', () => {
    expect(load('run_name=123').run_name).toBe('123');
    expect(load('system_prompt=Think: then answer').system_prompt).toBe('Think: then answer');
    expect(load('learning_rate=1e-5').learning_rate).toBe(0.00001);
    expect(load('use_lora=false').use_lora).toBe(false);
    expect(load('gradient_checkpointing=true').gradient_checkpointing).toBe(true);
    expect(load('gradient_checkpointing=auto').gradient_checkpointing).toBe('auto');
    expect(load('max_steps=null').max_steps).toBeNull();
    expect(load('system_prompt=null').system_prompt).toBeNull();
    expect(load('stop=["</s>", x]').stop).toEqual(['</s>', 'x']);
    expect(load('lora.target_modules=[q_proj, v_proj]').lora.target_modules).toEqual([
      'q_proj',
      'v_proj',
    ]);
    expect(load('lora.target_modules=all-linear').lora.target_modules).toBe('all-linear');
    expect(load('lora.rank_pattern={q_proj: 4}').lora.rank_pattern).toEqual({ q_proj: 4 });
  });

  it('keep everything after the first equals sign', () => {
    expect(load('system_prompt=a=b').system_prompt).toBe('a=b');
  });
});

describe('dataset in short form', () => {
  const dataset = (value: string, file?: string) =>
    loadConfig(sftSchema, {
      ...(file === undefined ? {} : { file }),
      overrides: ['model=m', `dataset=${value}`],
    }).dataset;

  it('is a name, or a path where it ends as a file of rows', () => {
    expect(dataset('openai/gsm8k')).toMatchObject({ name: 'openai/gsm8k', path: null });
    expect(dataset('data/rows.jsonl')).toMatchObject({ name: null, path: 'data/rows.jsonl' });
    expect(dataset('rows.parquet')).toMatchObject({ path: 'rows.parquet' });
    expect(dataset('rows.jsonl.gz')).toMatchObject({ path: 'rows.jsonl.gz' });
    expect(dataset('Rows.TSV')).toMatchObject({ path: 'Rows.TSV' });
    // Parquet is packed within, and is read only so.
    expect(dataset('rows.parquet.gz')).toMatchObject({ path: null });
  });

  it('replaces the source of the file and keeps its other keys', () => {
    const file = temporaryFile('dataset: {name: gsm8k, num_samples: 7}\n');
    expect(dataset('rows.jsonl', file)).toMatchObject({
      name: null,
      path: 'rows.jsonl',
      num_samples: 7,
    });
  });
});

describe('references to the environment', () => {
  const text = [
    `model: \${env:MODEL:-tiny}`,
    `dataset: {name: gsm8k, num_samples: "\${env:TRAIN_SAMPLES:-\${env:ALL:-12}}"}`,
    `output_dir: \${env:OUTPUT_DIR:-outputs}/prep`,
    `run_name: \${env:NAME:-null}`,
    `system_prompt: "costs $\${5}"`,
  ].join('\n');
  const load = (env: Record<string, string>) =>
    loadConfig(sftSchema, { file: temporaryFile(text), env });

  it('fall back to their defaults, also nested ones', () => {
    const config = load({});
    expect(config.model).toBe('tiny');
    expect(config.dataset.num_samples).toBe(12);
    expect(config.output_dir).toBe('outputs/prep');
    expect(config.run_name).toBeNull();
    expect(load({ ALL: '5' }).dataset.num_samples).toBe(5);
  });

  it('take the type of their field, and empty counts as unset', () => {
    const config = load({ MODEL: '7', TRAIN_SAMPLES: '64', OUTPUT_DIR: '/x', NAME: '2' });
    expect(config.model).toBe('7');
    expect(config.dataset.num_samples).toBe(64);
    expect(config.output_dir).toBe('/x/prep');
    expect(config.run_name).toBe('2');
    expect(load({ TRAIN_SAMPLES: '' }).dataset.num_samples).toBe(12);
  });

  it('are literal after a doubled dollar sign', () => {
    expect(load({}).system_prompt).toBe(`costs \${5}`);
  });

  it('win over nothing: the command line wins over them', () => {
    const file = temporaryFile(text);
    const config = loadConfig(sftSchema, { file, env: { MODEL: 'env' }, overrides: ['model=cli'] });
    expect(config.model).toBe('cli');
  });
});

describe('the resolved config', () => {
  const required: Record<string, string[]> = {
    'init-model': ['output=o', `tokenizer.added_tokens=[<a>, "\${x}"]`],
    data: ['name=gsm8k'],
    generate: ['model=m', 'input=i.jsonl'],
    score: ['model=m', 'input=i.jsonl'],
    grade: ['grader_file=g.json', 'input=i.jsonl'],
    eval: ['model=m'],
    solve: ['model=m', 'problem=p'],
    compare: ['inputs=[a, b]'],
    pairs: ['input=i.jsonl', 'output=o.jsonl'],
    rollouts: ['model=m', 'dataset=gsm8k', 'output=o.jsonl'],
    export: ['model=m', 'output=o'],
    openai: ['method=sft', 'model=m', 'training_file=t.jsonl'],
    tinker: ['method=sft', 'model=m', 'dataset=gsm8k'],
    job: ['run=r'],
    predict: ['model=m'],
    factorize: ['model=m', 'number=210'],
    setup: [],
    doctor: [],
    quickstart: [],
  };

  it.each(Object.keys(commandSchemas))('of %s loads back to itself', (name) => {
    const schema = commandSchemas[name as keyof typeof commandSchemas];
    const config = loadConfig(schema, { overrides: required[name] ?? minimal });
    const file = temporaryFile(resolvedYaml(config));
    expect(loadConfig(schema, { file })).toEqual(config);
  });

  it('has one canonical text for equal content and another for other content', () => {
    const a = loadConfig(sftSchema, { overrides: [...minimal, 'seed=1', 'max_steps=3'] });
    const b = loadConfig(sftSchema, { overrides: ['max_steps=3', 'seed=1', ...minimal] });
    const c = loadConfig(sftSchema, { overrides: [...minimal, 'seed=2', 'max_steps=3'] });
    expect(canonicalJson(a)).toBe(canonicalJson(b));
    expect(canonicalJson(a)).not.toBe(canonicalJson(c));
    expect(canonicalJson({ x: 1, y: [{ b: 2, a: 1 }] })).toBe(
      canonicalJson({ y: [{ a: 1, b: 2 }], x: 1 }),
    );
  });
});

describe('names of older scripts', () => {
  it('reach the same keys', () => {
    const config = loadConfig(tracesSchema, {
      overrides: [
        'grpo_model=outputs/grpo',
        'dataset=gsm8k',
        'dataset_split=test',
        'num_samples=7',
        'max_tokens=9',
      ],
    });
    expect(config.model).toBe('outputs/grpo');
    expect(config.dataset).toMatchObject({ name: 'gsm8k', split: 'test', num_samples: 7 });
    expect(config.max_new_tokens).toBe(9);
  });

  it('reach nested keys beside ones that are there', () => {
    const file = temporaryFile('dataset: {name: gsm8k}\ndataset_split: test\nmodel_path: m\n');
    expect(loadConfig(tracesSchema, { file }).dataset).toMatchObject({
      name: 'gsm8k',
      split: 'test',
    });
    const config = loadConfig(evalSchema, { overrides: ['input=rows.jsonl', 'model=n'] });
    expect(config.dataset).toMatchObject({ path: 'rows.jsonl', split: 'test' });
  });

  it('have their own meaning where the command has such a key', () => {
    const config = loadConfig(initModelSchema, { overrides: ['output=o', 'dtype=bfloat16'] });
    expect(config.dtype).toBe('bfloat16');
  });
});
