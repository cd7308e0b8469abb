/** Every error of a config: file and line, field, value, what is expected or what to do. */
import { symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type CommandName,
  type ConfigSchema,
  commandSchemas,
  compareSchema,
  completionSchema,
  evalSchema,
  exportSchema,
  generateSchema,
  grpoSchema,
  loadConfig,
  pairsSchema,
  pipelineSchema,
  rolloutsSchema,
  sftSchema,
  tinkerSchema,
} from '../../../src/config/index.js';
import { InputError } from '../../../src/util/errors.js';
import { thrownBy } from '../../support/failures.js';
import { temporaryFile, temporaryFolder } from '../../support/temporary.js';

const messageFor = (schema: ConfigSchema, overrides: string[], file?: string): string =>
  thrownBy(InputError, () => loadConfig(schema, { overrides, ...(file && { file }) })).message;

const base = ['model=m', 'dataset=gsm8k'];

const ONE_GRADER =
  "exactly one of grader_file and rewards is needed. Give grader_file=F.json or rewards='[{name: …}]'";

describe('on the command line', () => {
  const cases: [CommandName, string[], string][] = [
    [
      'grpo',
      [...base, 'rewards=[format]'],
      'command line: rewards.0 is "format", expected {name, weight, options, grader, file}',
    ],
    [
      'sft',
      [...base, 'lerning_rate=1'],
      'command line: unknown key "lerning_rate". The nearest known key is "learning_rate"',
    ],
    [
      'sft',
      [...base, 'lora.alpha=1'],
      'command line: unknown key "lora.alpha". The nearest known key is "lora.lora_alpha"',
    ],
    [
      'sft',
      [...base, 'learning_rate=fast'],
      'command line: learning_rate is "fast", expected number > 0',
    ],
    ['sft', [...base, 'lora.r=0'], 'command line: lora.r is 0, expected whole number >= 1'],
    [
      'sft',
      [...base, 'seed=1e20'],
      'command line: seed is 100000000000000000000, expected whole number >= 0, of at most 9007199254740991 (2^53 - 1) in size',
    ],
    ['sft', [...base, 'lora.r=1.5'], 'command line: lora.r is 1.5, expected whole number >= 1'],
    [
      'sft',
      [...base, 'adam_beta1=1'],
      'command line: adam_beta1 is 1, expected number >= 0 and < 1',
    ],
    [
      'sft',
      [...base, 'max_steps=-2'],
      'command line: max_steps is -2, expected whole number >= 1 or null',
    ],
    [
      'sft',
      [...base, 'warmup_steps=1.5'],
      'command line: warmup_steps: 1.5 is neither whole, for steps, nor below 1, for a share of all',
    ],
    [
      'tinker',
      ['method=sft', ...base, 'warmup_steps=-1'],
      'command line: warmup_steps is -1, expected whole number >= 0, or number below 1',
    ],
    [
      'sft',
      [...base, 'lr_scheduler_type=cosin'],
      'command line: lr_scheduler_type is "cosin", expected linear, cosine, cosine_with_restarts, polynomial, constant, constant_with_warmup, inverse_sqrt, reduce_lr_on_plateau, cosine_with_min_lr, cosine_warmup_with_min_lr or warmup_stable_decay',
    ],
    [
      'sft',
      [...base, 'use_lora=maybe'],
      'command line: use_lora is "maybe", expected true or false',
    ],
    [
      'sft',
      [...base, 'gradient_checkpointing=maybe'],
      'command line: gradient_checkpointing is "maybe", expected true or false or auto',
    ],
    [
      'sft',
      [...base, 'run_name=a/b'],
      'command line: run_name is "a/b", expected a name of letters, digits, ".", "_" and "-" or null',
    ],
    [
      'export',
      ['model=m', 'output=m.gguf'],
      'command line: output: a GGUF file is written by format=gguf',
    ],
    ['sft', ['model=', 'dataset=gsm8k'], 'command line: model is "", expected text, not empty'],
    [
      'sft',
      [...base, 'max_steps='],
      'command line: max_steps is "", expected whole number >= 1 or null, not empty',
    ],
    [
      'sft',
      ['dataset=gsm8k'],
      'required key model is missing (Hub id, Hugging Face folder, or run folder (its base and adapter)). Give model=… or write it in the config file',
    ],
    ['sft', ['model=m'], 'dataset: no rows are named. Give dataset=NAME or dataset.path=FILE'],
    ['dpo', ['model=m'], 'dataset: no rows are named. Give dataset=NAME or dataset.path=FILE'],
    ['traces', ['model=m'], 'dataset: no rows are named. Give dataset=NAME or dataset.path=FILE'],
    [
      'sft',
      ['model=m', 'dataset.name=a', 'dataset.path=b.jsonl'],
      'command line: dataset.path: both name and path are set. Keep one and set the other to null',
    ],
    [
      'sft',
      [...base, 'warmup_steps=3', 'warmup_ratio=0.1'],
      'command line: warmup_ratio: warmup_ratio 0.1 and warmup_steps 3 are both set. Keep one',
    ],
    [
      'grpo',
      [...base, 'rewards=[{name: format, weight: x}]'],
      'command line: rewards.0.weight is "x", expected number',
    ],
    [
      'grpo',
      [...base, 'rewards=[{nam: format}]'],
      'command line: unknown key "rewards.0.nam". The nearest known key is "rewards.0.name"',
    ],
    [
      'grpo',
      [...base, 'rewards=[{weight: 1}]'],
      'command line: required key rewards.0.name is missing (Registered reward)',
    ],
    [
      'grpo',
      [...base, 'temperature=0'],
      'command line: temperature is 0, expected number >= 0.0001 and <= 10',
    ],
    [
      'generate',
      ['model=m', 'prompt=b', 'temperature=1e-40'],
      'command line: temperature: 1e-40 is below 0.0001, where logits leave float32. Give 0, which is greedy',
    ],
    [
      'generate',
      ['model=m', 'prompt=b', 'temperature=-1'],
      'command line: temperature is -1, expected 0, or number from 0.0001 to 10',
    ],
    ['grade', [], `grader_file: ${ONE_GRADER}; input: no rows are named. Give input=F.jsonl`],
    ['grade', ['input=a.jsonl', 'validate=true'], `grader_file: ${ONE_GRADER}`],
    [
      'grade',
      ['input=a.jsonl', 'grader_file=g.json', 'rewards=[{name: format}]'],
      `command line: grader_file: ${ONE_GRADER}`,
    ],
    ['grade', ['grader_file=g.json'], 'input: no rows are named. Give input=F.jsonl'],
    [
      'openai',
      ['model=m', 'method=dpo', 'training_file=a', 'patience_s=1e300'],
      'command line: patience_s is 1e+300, expected number >= 0 and <= 2000000',
    ],
    [
      'grpo',
      [...base, 'num_generations=3'],
      'command line: num_generations: 8 completions per optimizer step (per_device_train_batch_size 8 × gradient_accumulation_steps 1) cannot be divided by num_generations 3. Make the product a multiple of num_generations',
    ],
    [
      'grpo',
      [...base, 'gradient_accumulation_steps=2', 'steps_per_generation=3'],
      'command line: steps_per_generation: 3 is not a multiple of gradient_accumulation_steps 2. Micro-batches of one generation must fill whole optimizer steps',
    ],
    [
      'generate',
      ['model=m'],
      'input: exactly one of input and prompt is needed. Give input=FILE or prompt=TEXT',
    ],
    [
      'generate',
      ['model=m', 'input=a', 'prompt=b'],
      'command line: input: exactly one of input and prompt is needed. Give input=FILE or prompt=TEXT',
    ],
    [
      'compare',
      ['inputs=[a]'],
      'command line: inputs is ["a"], expected list of at least 2 (text)',
    ],
    [
      'init-model',
      ['output=o', 'architecture.hidden_size=10'],
      'command line: architecture.hidden_size: 10 cannot be divided by num_attention_heads 4. Set head_dim',
    ],
    [
      'init-model',
      ['output=o', 'architecture.num_key_value_heads=3'],
      'command line: architecture.num_key_value_heads: 3 does not divide num_attention_heads 4',
    ],
    ['sft', ['justtext'], 'command line: cannot read "justtext". Write key=value'],
  ];

  it.each(cases)('%s %j', (command, overrides, message) => {
    expect(messageFor(commandSchemas[command], overrides)).toBe(message);
  });
});

describe('in a file', () => {
  const failing = (text: string, schema: ConfigSchema = sftSchema) => {
    const file = temporaryFile(text);
    const message = messageFor(schema, [], file);
    expect(message.startsWith(file)).toBe(true);
    return message.slice(file.length + 1);
  };

  it('name an alias without an anchor, a tag, a dotted key and an endless number', () => {
    const rows = 'dataset: gsm8k\n';
    expect(failing(`${rows}model: *m\n`)).toBe(
      '2: *m is an alias of YAML, and no &m comes before it. Put quotes around a text that begins with *',
    );
    expect(failing(`${rows}model: !m n\n`)).toBe(
      '2: not valid YAML: Unresolved tag: !m. Take the tag away, or put quotes around a text that begins with !',
    );
    expect(failing(`${rows}model: m\nlora.r: 8\n`)).toBe(
      '3: a mapping has no dotted keys, and lora.r is one. Write lora: {r: VALUE}',
    );
    expect(failing(`${rows}model: m\nlearning_rate: .inf\n`)).toBe(
      '3: learning_rate is Infinity, expected number > 0',
    );
  });

  it('know no keys below a list', () => {
    const rows = 'model: m\ndataset: gsm8k\nrewards: [{name: format}]\n';
    const message = failing(`${rows}rewards.0.weight: 3\n`, grpoSchema);
    expect(message).toMatch(/^4: unknown key "rewards\.0\.weight"/);
    expect(messageFor(sftSchema, [...base, 'eval={dataset.name: x}'])).toBe(
      'command line: a mapping has no dotted keys, and eval.dataset.name is one. Write dataset: {name: VALUE}',
    );
  });

  it.each([
    ['5', '5'],
    ['[*rows, 5]', '5'],
    ['', 'null'],
    ['*name', 'gsm8k'],
  ])('name the line of << that merges no mapping: %s', (source, value) => {
    const rows = 'model: m\ndataset: &rows {name: &name gsm8k}\neval:\n';
    expect(failing(`${rows}  <<: ${source}\n`)).toBe(
      `4: << takes the keys of a mapping, or of a list of mappings, not of ${value}. Give *NAME, where &NAME stands before a mapping`,
    );
  });

  it('name aliases that multiply without bounds', () => {
    const lists = Array.from(
      { length: 8 },
      (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(10)}]`,
    );
    expect(failing(`a0: &a0 [x]\n${lists.join('\n')}\n`)).toMatch(
      /^2: from here on aliases of YAML \(\*NAME\) stand for too many values .*\. Write the values out$/,
    );
  });

  it('say which command a file of stages is for', () => {
    expect(failing(`root: r\nvars: {a: 1}\nstages: [{model: "\${stages.a.output}"}]\n`)).toMatch(
      /^3: stages: a file with stages is a pipeline[^\n]*$/,
    );
    expect(failing('model: m\ndataset: gsm8k\nstages: []\n')).toBe(
      '3: stages: a file with stages is a pipeline. Give it to lorikeet run, with a grid to lorikeet sweep',
    );
  });

  it('say how keys are written', () => {
    expect(failing('model:m\ndataset: gsm8k\n')).toMatch(
      /^1: .*\. Write a space behind the colon of each key, as in key: value$/,
    );
    expect(failing('model: m\n dataset: gsm8k\n')).toMatch(
      /^1: .*\. Begin keys of one level in one column/,
    );
    expect(failing('model: {m\ndataset: gsm8k\n')).toMatch(/\. Close what \{ or \[ opens, and/);
  });

  it('name an alias that refers to itself, and a key without a value', () => {
    expect(failing('dataset: gsm8k\nmodel: &m\n  - [*m]\n')).toBe(
      '3: *m refers to the value that it stands in. Write the value out',
    );
    expect(messageFor(sftSchema, base, 'max_steps')).toBe(
      'max_steps: no such config file. Check the path, or write max_steps=VALUE if this is a key',
    );
    expect(messageFor(sftSchema, base, 'none.yaml')).toMatch(/Check the path$/);
    expect(messageFor(sftSchema, base, 'lora..r=8')).toMatch(
      /Check the path, or write KEY=VALUE with a key such as lora\.r$/,
    );
    expect(messageFor(sftSchema, base, '-x')).toMatch(/or write --KEY VALUE if this is a key$/);
  });

  it('name the keys, or where they are listed, when none resembles what was written', () => {
    expect(messageFor(sftSchema, [...base, 'rewards=[]'])).toBe(
      'command line: unknown key "rewards". No known key resembles it; the command\'s --help lists all',
    );
    expect(messageFor(sftSchema, ['model=m', 'dataset.zzzzzz=1'])).toMatch(
      /unknown key "dataset.zzzzzz". Known keys are name, path, subset, revision, split, columns/,
    );
  });

  it('name the line of the key', () => {
    expect(failing('model: m\ndataset: gsm8k\n\nlora:\n  r: 0\n')).toBe(
      '5: lora.r is 0, expected whole number >= 1',
    );
    expect(failing('model: m\ndataset: gsm8k\neval:\n  dataset:\n    splt: test\n')).toBe(
      '5: unknown key "eval.dataset.splt". The nearest known key is "eval.dataset.split"',
    );
    expect(failing('model: m\ndataset: gsm8k\nrun_name: 12\n')).toBe(
      '3: run_name is 12, expected a name of letters, digits, ".", "_" and "-" or null',
    );
    const rewards = 'model: m\ndataset: gsm8k\nrewards:\n  - name: format\n  - weight: 1\n';
    expect(failing(rewards, grpoSchema)).toBe(
      '5: required key rewards.1.name is missing (Registered reward)',
    );
  });

  it('name the line of a foreign key', () => {
    expect(failing('base_model: m\ndataset: gsm8k\nmax_seq_length: 1\n')).toBe(
      '3: max_length is 1, expected whole number >= 2',
    );
    expect(failing('model: m\nbase_model: n\ndataset: gsm8k\n')).toBe(
      '2: base_model means model, which is set as well. Keep one of them',
    );
    expect(failing('base_model: n\nmodel: m\ndataset: gsm8k\n')).toBe(
      '2: model is set as well under another name. Keep one of them',
    );
  });

  it('name the line of a bad reference', () => {
    expect(failing(`model: m\ndataset: gsm8k\nrun_name: \${env:NAME}\n`)).toBe(
      `3: run_name: \${env:NAME} is not set. Set the environment variable NAME or give a default: \${env:NAME:-VALUE}`,
    );
    expect(failing(`model: m\ndataset: gsm8k\nrun_name: \${env:}\n`)).toBe(
      `3: run_name: \${env:} names nothing. Write \${env:NAME} or \${env:NAME:-VALUE}`,
    );
    expect(failing(`model: \${modell}\ndataset: gsm8k\n`)).toBe(
      `1: model: unknown reference \${modell}. Use \${env:NAME} or \${env:NAME:-default}, or write $\${ for a literal \${`,
    );
    expect(failing(`dataset: gsm8k\nmodel: "\${env:A"\n`)).toBe(
      `2: model: unclosed reference "\${env:A". Close it with }, or write $\${ for a literal \${`,
    );
  });

  it('name the line of broken YAML', () => {
    expect(failing('model: m\nlora: {r: 4\nseed: 1\n')).toMatch(/^[23]: not valid YAML: /);
    expect(failing('model: m\nlora: {r: 4}\nmodel: n\n')).toBe(
      '3: not valid YAML: model is there already. Keep one of them',
    );
    expect(failing('model: m\nlora:\n\tr: 4\n')).toBe(
      '3: not valid YAML: Tabs are not allowed as indentation. Use spaces',
    );
    expect(failing('model: m\n---\nseed: 1\n')).toBe(
      '2: not valid YAML: a second document begins. A config is one; take the --- away',
    );
    expect(failing('- a\n- b\n')).toBe(' expected a mapping of keys at the top level');
  });

  it('name a file that is not there or is a folder', () => {
    const home = process.cwd();
    const folder = temporaryFolder();
    const missing = join(folder, 'none.yaml');
    expect(messageFor(sftSchema, [], missing)).toBe(
      `${missing}: no such config file. Check the path`,
    );
    const bundled = resolve('configs/gsm8k/grpo.yaml');
    process.chdir(folder);
    onTestFinished(() => process.chdir(home));
    expect(messageFor(grpoSchema, [], 'configs/gsm8k/grpo.yaml')).toBe(
      `configs/gsm8k/grpo.yaml: no such config file. Check the path, or take ${bundled}, which comes with Lorikeet`,
    );
    expect(messageFor(grpoSchema, [], 'configs/gsm8k/none.yaml')).toBe(
      'configs/gsm8k/none.yaml: no such config file. Check the path',
    );
    expect(messageFor(sftSchema, [], folder)).toBe(`${folder}: is a folder, expected a YAML file`);
    expect(messageFor(completionSchema, [], 'zsh')).toBe(
      'zsh: this command has no keys, and reads no config file. Leave zsh out',
    );
  });
});

describe('several at once', () => {
  const text = [
    'model: m',
    'dataset: gsm8k',
    'learning_rate: fast',
    'lora: {r: 0}',
    'seed: -1',
    'lerning_rate: 1',
    '',
  ];

  it('references that are not set are all named', () => {
    const file = temporaryFile(
      `model: \${env:MODEL}\ndataset: {path: "\${env:DIR}/\${env:NAME}"}\nrun_name: \${env:R:-r}\n`,
    );
    expect(messageFor(sftSchema, [], file)).toBe(
      [
        ...[
          [1, 'MODEL', 'model'],
          [2, 'DIR', 'dataset.path'],
          [2, 'NAME', 'dataset.path'],
        ].map(
          ([line, name, key]) =>
            `${file}:${line}: ${key}: \${env:${name}} is not set. Set the environment variable ${name} or give a default: \${env:${name}:-VALUE}`,
        ),
      ].join('; '),
    );
  });

  it('are all named, each with its place', () => {
    const file = temporaryFile(text.filter((line) => !line.startsWith('lern')).join('\n'));
    expect(messageFor(sftSchema, ['max_steps=no'], file).split('; ').sort()).toEqual(
      [
        `${file}:3: learning_rate is "fast", expected number > 0`,
        `${file}:4: lora.r is 0, expected whole number >= 1`,
        `${file}:5: seed is -1, expected whole number >= 0`,
        'command line: max_steps is "no", expected whole number >= 1 or null',
      ].sort(),
    );
  });

  it('keys that are not known come first, and what they may have been meant for is not missing', () => {
    const file = temporaryFile(text.slice(1).join('\n'));
    const messages = messageFor(sftSchema, ['modle=m'], file).split('; ');
    expect(messages.slice(0, 2)).toEqual([
      `${file}:5: unknown key "lerning_rate". The nearest known key is "learning_rate"`,
      'command line: unknown key "modle". The nearest known key is "model"',
    ]);
    expect(messages).toHaveLength(5);
    expect(messages.join()).not.toContain('required key');
  });

  it('what does not go together is named beside wrong values and unknown keys', () => {
    const wrong = ['model=m', 'dataset=gsm8k', 'seed=x', 'lerning_rate=1'];
    const together = ['report_to=none', 'num_generations=3', 'loss_type=luspo', 'wandb_project=p'];
    expect(messageFor(grpoSchema, [...wrong, ...together]).split('; ')).toEqual([
      'command line: unknown key "lerning_rate". The nearest known key is "learning_rate"',
      'command line: seed is "x", expected whole number >= 0',
      'command line: wandb_project: report_to is none. Leave out one of the two',
      expect.stringContaining('command line: num_generations: 8 completions per optimizer step'),
      'importance_sampling_level: luspo takes one ratio of a completion. Use sequence',
    ]);
  });

  it('nothing is said of what a wrong key may have been meant for', () => {
    const both = ['model=m', 'datset=gsm8k', 'eval_steps=2', 'evl.benchmark=math'];
    expect(messageFor(sftSchema, both).split('; ')).toEqual([
      'command line: unknown key "datset". The nearest known key is "dataset"',
      'command line: unknown key "evl". The nearest known key is "eval"',
    ]);
    const wrong = ['model=m', 'dataset=gsm8k', 'num_generations=no'];
    expect(messageFor(grpoSchema, wrong)).toBe(
      'command line: num_generations is "no", expected whole number >= 2',
    );
  });

  it('a key that is missing is named beside one that resembles none', () => {
    expect(messageFor(sftSchema, ['dataset=gsm8k', 'qqq=1'])).toMatch(
      /^command line: unknown key "qqq"\. No known key .*; required key model is missing/,
    );
  });

  it('a key that is missing is named, whatever the file is called, and what keys there are', () => {
    const file = temporaryFile('dataset: gsm8k\nqqq: 1\n', 'model.yaml');
    expect(messageFor(sftSchema, [], file)).toContain('; required key model is missing');
    const short = z.strictObject({ first: z.string(), second: z.string().default('') });
    expect(messageFor(short, ['qqq=1'])).toBe(
      'command line: unknown key "qqq". Known keys are first, second; required key first is missing. Give first=… or write it in the config file',
    );
  });

  it('what a refused name or a reference that is not set stands for is not missing', () => {
    expect(messageFor(sftSchema, ['dataset=gsm8k', 'adapter=a'])).not.toContain('required key');
    const file = temporaryFile(`base_model: \${env:NONE}\ndataset: gsm8k\n`);
    expect(messageFor(sftSchema, [], file)).not.toContain('required key');
  });

  it('what follows a check that a wrong key ends is named', () => {
    const both = ['report_to=none', 'wandb_project=p'];
    const wandb = 'command line: wandb_project: report_to is none. Leave out one of the two';
    const watching = [
      'command line: unknown key "datset". The nearest known key is "dataset"',
      wandb,
    ];
    const grpo = ['model=m', 'datset=gsm8k', 'loss_type=luspo', ...both];
    const luspo = 'importance_sampling_level: luspo takes one ratio of a completion. Use sequence';
    expect(messageFor(grpoSchema, grpo).split('; ')).toEqual([...watching, luspo]);
    const implied = [...grpo, 'eval_steps=2', 'stop_at_accuracy=0.5'];
    expect(messageFor(grpoSchema, implied).split('; ')).toEqual([...watching, luspo]);
    const tinker = ['model=m', 'method=grpo', 'datset=gsm8k', ...both];
    expect(messageFor(tinkerSchema, tinker).split('; ')).toEqual([
      ...watching,
      'rewards: grpo needs one. Give rewards=[{name: …}]',
    ]);
    expect(messageFor(exportSchema, ['model=m', 'dtype=q8_0', 'use_bnb_nested_quant=1'])).toContain(
      'dtype: q8_0 stands in GGUF files only',
    );
    const evaluated = ['model=m', 'temperature=hot', 'pass_at=[4]'];
    expect(messageFor(evalSchema, evaluated)).toContain('k = 4 needs as many samples');
    expect(messageFor(evalSchema, ['model=m', 'n_runs=3'])).toContain('runs at temperature 0');
  });

  it('contradicting names stand beside wrong values', () => {
    const file = temporaryFile('model: m\nbase_model: n\ndataset: gsm8k\nseed: x\n');
    expect(messageFor(sftSchema, [], file).split('; ')).toEqual([
      `${file}:2: base_model means model, which is set as well. Keep one of them`,
      `${file}:4: seed is "x", expected whole number >= 0`,
    ]);
  });

  it('keys that are missing are all named', () => {
    expect(messageFor(pairsSchema, []).match(/required key (input|output) is missing/g)).toEqual([
      'required key input is missing',
      'required key output is missing',
    ]);
  });
});

describe('a command that is no stage', () => {
  it.each([
    [
      'serve',
      /^x.yaml:3: stages.0.command: serve answers until it is stopped.* Start it by itself$/,
    ],
    ['chat', /stages.0.command: chat is a conversation with a person. Use generate/],
    ['bench', /stages.0.command: bench measures this machine/],
    ['run', /stages.0.command: a pipeline holds no pipeline/],
    ['sweep', /stages.0.command: a pipeline holds no sweep/],
    ['evaluate', /stages.0.command is "evaluate", expected setup, doctor, /],
  ])('says why: %s', (command, message) => {
    const file = temporaryFile(`root: r\nstages:\n  - {name: s, command: ${command}}\n`);
    expect(messageFor(pipelineSchema, [], file).replace(file, 'x.yaml')).toMatch(message);
  });
});

describe('an output that is the input, or another output', () => {
  const at =
    (schema: Parameters<typeof loadConfig>[0], ...overrides: string[]) =>
    () =>
      loadConfig(schema, { overrides });

  it('is refused, however it is written, and whatever may be overwritten', () => {
    const keys = ['model=m', 'overwrite=true', 'input=rows.jsonl'];
    const problem = /^output: \.\/a\/\.\.\/rows.jsonl is what the command reads\. Give/;
    expect(at(generateSchema, ...keys, 'output=./a/../rows.jsonl')).toThrow(problem);
    expect(at(generateSchema, ...keys, 'output_csv=rows.jsonl')).toThrow(/^output_csv: /);
    expect(at(pairsSchema, 'input=rows.jsonl', 'output=rows.jsonl')).toThrow(/^output: /);
    expect(at(exportSchema, 'model=m', 'output=m/')).toThrow(/^output: m\/ is what/);
    expect(at(generateSchema, ...keys, 'output=other.jsonl')).not.toThrow();
  });

  it('is refused under two keys, which are named', () => {
    const one = (key: string, other: string) =>
      new RegExp(`^${key}: \\./e is the file of ${other}, too\\. Give the output another name`);
    const keys = ['inputs=[a,b]', 'output=e'];
    expect(at(compareSchema, ...keys, 'table=./e')).toThrow(one('table', 'output'));
    expect(at(compareSchema, ...keys, 'table=f')).not.toThrow();
    expect(at(generateSchema, 'model=m', 'input=rows.jsonl', 'output=e', 'output_csv=./e')).toThrow(
      one('output_csv', 'output'),
    );
    expect(at(evalSchema, 'model=m', 'results_file=e', 'rows_file=./e')).toThrow(
      one('rows_file', 'results_file'),
    );
    expect(at(rolloutsSchema, ...base, 'output=e', 'bandit_file=./e')).toThrow(
      one('bandit_file', 'output'),
    );
    expect(at(rolloutsSchema, ...base, 'output=e', 'bandit_from=b', 'bandit_file=b')).toThrow(
      'bandit_file: b is what the command reads',
    );
  });

  it('is refused by another name of it: a link', () => {
    const dir = temporaryFolder();
    const [rows, link] = [join(dir, 'rows.jsonl'), join(dir, 'link')];
    writeFileSync(rows, '');
    symlinkSync(rows, link);
    expect(at(pairsSchema, `input=${rows}`, `output=${link}`)).toThrow(
      `output: ${link} is what the command reads`,
    );
  });
});
