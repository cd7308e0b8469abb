/** Bad input: one clear line on standard error, exit code 2, and nothing written. */
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { initModelSchema, loadConfig } from '../../src/config/index.js';
import { runInitModel } from '../../src/recipes/init-model.js';
import { readJson, toJsonl, writeJson } from '../../src/util/files.js';
import { call } from '../support/call.js';
import { SILENT } from '../support/context.js';
import { filesIn } from '../support/files-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { call as callAlone, snapshot } from './command-line.js';

const { dir, at, json } = filesIn(temporaryFolder());

const PROBLEMS = [
  { question: '1 + 1?', reasoning: '1 + 1 = 2', answer: '2' },
  { question: '2 + 3?', answer: '2 + 3 = <<2+3=5>>5\n#### 5' },
];

async function makeModel(name: string, ...overrides: string[]): Promise<void> {
  const tiny = ['hidden_size=32', 'num_attention_heads=2', 'intermediate_size=48'];
  const keys = [...tiny, 'num_hidden_layers=1', 'max_position_embeddings=256'];
  const config = loadConfig(initModelSchema, {
    overrides: [
      `output=${at(name)}`,
      ...keys.map((key) => `architecture.${key}`),
      'tokenizer.vocab_size=264',
      ...overrides,
    ],
  });
  await runInitModel(config, SILENT);
}

/** A copy of the good model to break. */
function brokenModel(name: string): string {
  cpSync(at('model'), at(name), { recursive: true });
  return at(name);
}

const sft = (model: string, ...words: string[]) => [
  'sft',
  `model=${model}`,
  ...['max_steps=2', 'per_device_train_batch_size=2', 'threads=1'],
  ...(words.some((word) => /^(dataset|traces_file)/.test(word))
    ? []
    : [`dataset.path=${at('rows.jsonl')}`]),
  ...(words.some((word) => word.startsWith('output_dir=')) ? [] : [`output_dir=${at('new')}`]),
  ...words,
];

/** The one line after `error: `, of a call that is refused and leaves everything as it was. */
async function refusal(argv: readonly string[]): Promise<string> {
  const before = snapshot(dir);
  const { code, out, err } = await call(argv);
  expect({ code, out }, err).toEqual({ code: 2, out: '' });
  const lines = err.split('\n');
  const errors = lines.filter((line) => line.startsWith('error: '));
  expect(errors, err).toHaveLength(1);
  expect(lines.at(-1)).toBe(errors[0]);
  expect(lines.filter((line) => /^\s+at /.test(line))).toEqual([]);
  expect(snapshot(dir)).toEqual(before);
  return errors[0]!.slice('error: '.length);
}

/** What it says. */
async function accepted(argv: readonly string[]): Promise<readonly string[]> {
  const { code, err } = await call(argv);
  expect(code, err).toBe(0);
  return err.split('\n');
}

beforeAll(async () => {
  await makeModel('model');
  await makeModel('other-seed', 'seed=7');
  await makeModel('wide', 'architecture.hidden_size=64');
  writeFileSync(at('rows.jsonl'), toJsonl(PROBLEMS));
  await accepted(sft(at('model'), `output_dir=${at('run')}`));
}, 120_000);

describe('a config', () => {
  it('with an unknown key: file, line and the nearest key', async () => {
    writeFileSync(at('config.yaml'), 'model: m\ndataset: d\nlearning_rates: 3\n');
    expect(await refusal(['sft', at('config.yaml')])).toBe(
      `${at('config.yaml')}:3: unknown key "learning_rates". The nearest known key is "learning_rate"`,
    );
  });

  it('with a wrong value: the key, the value and what it may be', async () => {
    expect(await refusal(sft(at('model'), 'learning_rate=fast'))).toBe(
      'command line: learning_rate is "fast", expected number > 0',
    );
    expect(await refusal(sft(at('model'), 'eval.benchmark=spelling'))).toMatch(
      /^eval\.benchmark: "spelling" is not known\. Known are gsm8k,/,
    );
    const grpo = sft(
      at('model'),
      'rewards=[{"name":"luck"}]',
      'num_generations=2',
      'max_completion_length=32',
    );
    expect(await refusal(['grpo', ...grpo.slice(1)])).toMatch(/no reward is called "luck"\. Known/);
  });
});

describe('a model', () => {
  it('without weights', async () => {
    const model = brokenModel('no-weights');
    rmSync(join(model, 'model.safetensors'));
    expect(await refusal(sft(model))).toMatch(
      /no-weights: neither model\.safetensors nor model\.safetensors\.index\.json\. Give a Hugging Face/,
    );
    expect(await refusal(sft(at('nowhere')))).toMatch(
      /^model: no folder ".*nowhere"\. Give a folder/,
    );
  });

  it('with truncated weights: both sizes', async () => {
    const model = brokenModel('truncated');
    truncateSync(join(model, 'model.safetensors'), 5000);
    expect(await refusal(sft(model))).toMatch(
      /model\.safetensors: truncated: the header describes \d+ bytes, the file has 5000\. Download/,
    );
  });

  it('with weights of another shape: the tensor and both shapes', async () => {
    const model = brokenModel('wrong-shape');
    cpSync(at('wide', 'model.safetensors'), join(model, 'model.safetensors'));
    expect(await refusal(sft(model))).toMatch(
      /tensor "model\.\S+" has shape \[264, 64\], expected \[264, 32\]\. The weights must belong/,
    );
  });

  it('of an unsupported model_type: the supported ones', async () => {
    const model = brokenModel('mamba');
    const path = join(model, 'config.json');
    writeJson(path, { ...(readJson(path) as object), model_type: 'mamba' });
    expect(await refusal(sft(model))).toMatch(
      /config\.json: model_type "mamba" is not supported\. Supported: llama, .*qwen2/,
    );
  });

  it('without a chat template, for chat rows, unless there is a prompt_template', async () => {
    const model = brokenModel('no-template');
    const path = join(model, 'tokenizer_config.json');
    const { chat_template: _, ...rest } = readJson(path) as Record<string, unknown>;
    writeJson(path, rest);
    const reason = /chat rows with neither chat template nor prompt_template\. Set prompt_template/;
    expect(await refusal(sft(model))).toMatch(reason);
    const words = [`dataset.path=${at('rows.jsonl')}`, `output_dir=${at('new')}`];
    expect(await refusal(['eval', `model=${model}`, ...words, 'max_new_tokens=4'])).toMatch(reason);
    await accepted(sft(model, 'prompt_template="{prompt}"', `output_dir=${at('templated')}`));
  });
});

describe('a row', () => {
  it('that is not JSON: file and line', async () => {
    writeFileSync(at('broken.jsonl'), `${toJsonl(PROBLEMS)}\n{"question":\n`);
    const reason = /broken\.jsonl:4: not valid JSON \(.*\)\. Every line must be one JSON object$/;
    expect(await refusal(sft(at('model'), `dataset.path=${at('broken.jsonl')}`))).toMatch(reason);
    const traces = sft(at('model'), `traces_file=${at('broken.jsonl')}`);
    expect(await refusal(traces)).toMatch(reason);
  });

  it('that is of no known form: file, line and its columns', async () => {
    writeFileSync(at('odd.jsonl'), toJsonl([PROBLEMS[0], { question: '2 + 2?', result: '4' }]));
    expect(await refusal(sft(at('model'), `dataset.path=${at('odd.jsonl')}`))).toMatch(
      /odd\.jsonl:2: a question without its working and answer \(it has question, result\)\. Give/,
    );
  });
});

describe('an adapter of another base model', () => {
  const evaluate = (model: string, ...words: string[]) => [
    ...['eval', `model=${at(model)}`, `dataset.path=${at('rows.jsonl')}`],
    ...['max_new_tokens=4', 'threads=1', `output_dir=${at('new')}`, ...words],
  ];

  it('is told by its shapes, or by the weights of the base that it names', async () => {
    const adapter = `adapter=${at('run')}`;
    expect(await refusal(evaluate('wide', adapter))).toMatch(
      /run\/model: adapter of another base model: ".*" maps 48 to 32 features, expected 48 to 64\./,
    );
    expect(await refusal(evaluate('other-seed', adapter))).toMatch(
      /adapter of another base model: it was made for .*model, whose weights are not those of .*other-seed/,
    );
  });

  /** The adapter, made for another folder. */
  function adapterOf(base: string): string {
    const folder = at(`on-${base}`);
    cpSync(at('run', 'model'), folder, { recursive: true });
    const file = join(folder, 'adapter_config.json');
    const written = readJson(file) as object;
    writeFileSync(file, JSON.stringify({ ...written, base_model_name_or_path: at(base) }));
    return `adapter=${folder}`;
  }

  it('is told where an adapter was merged into the base that it names', async () => {
    // Merging sets TensorFlow up in another way than training does.
    const { code, err } = await callAlone([
      'export',
      `model=${at('run')}`,
      `output=${at('merged')}`,
    ]);
    expect(code, err.join('\n')).toBe(0);
    expect(await refusal(evaluate('model', adapterOf('merged')))).toMatch(
      /it was made for .*merged, whose weights are not those of .*model\. Use it with model=.*merged/,
    );
  });

  it('is compared without what its base keeps in bits of its own', async () => {
    const file = join(brokenModel('bits'), 'model.safetensors');
    const bytes = readFileSync(file);
    const end = 8 + Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, end).toString());
    const name = Object.keys(header).find((key) => key.endsWith('q_proj.weight'))!;
    const [from, to] = header[name].data_offsets;
    header[name] = { ...header[name], dtype: 'U8', shape: [to - from, 1] };
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    writeFileSync(file, Buffer.concat([length, text, bytes.subarray(end)]));
    await accepted(evaluate('model', adapterOf('bits'), `output_dir=${at('bits-eval')}`));
  });

  it('is not a copy of its base elsewhere', async () => {
    cpSync(at('model'), at('copy'), { recursive: true });
    await accepted(evaluate('copy', `adapter=${at('run')}`, `output_dir=${at('copy-eval')}`));
  });
});

describe('resume', () => {
  const broken = (name: string): string => {
    cpSync(at('run', 'checkpoints', 'step-000002'), at(name), { recursive: true });
    return at(name);
  };

  it('from a half-written or damaged checkpoint', async () => {
    const half = broken('step-000001');
    rmSync(join(half, 'trainer_state.json'));
    expect(await refusal(sft(at('model'), `resume=${half}`))).toMatch(
      /step-000001: half-written checkpoint: no trainer_state\.json\. Resume from an earlier/,
    );
    const part = broken('step-000003.part-99999999');
    expect(await refusal(sft(at('model'), `resume=${part}`))).toMatch(/half-written checkpoint/);
    const damaged = broken('step-000004');
    truncateSync(join(damaged, 'optimizer.safetensors'), 100);
    expect(await refusal(sft(at('model'), `resume=${damaged}`))).toMatch(
      /damaged checkpoint: optimizer\.safetensors has 100 bytes, expected \d+/,
    );
  });

  it('from the folder of a run that has no checkpoint yet', async () => {
    const dir = at('unsaved');
    mkdirSync(join(dir, 'checkpoints'), { recursive: true });
    expect(await refusal(sft(at('model'), `resume=${dir}`))).toMatch(
      /unsaved: is no checkpoint and holds none: no trainer_state\.json\. Name a folder/,
    );
  });

  it('from a checkpoint of another base, or none', async () => {
    const whole = broken('step-000005');
    expect(await refusal(sft(at('other-seed'), `resume=${whole}`))).toMatch(
      /the checkpoint belongs to another base, by its architecture or the values or type of its weights/,
    );
    expect(await refusal(sft(at('model'), `resume=${at('step-9')}`))).toMatch(
      /^resume: no checkpoint folder at .*step-9\. Give resume=auto/,
    );
    expect(await refusal(sft(at('model'), `resume=${at('run')}`))).toMatch(
      /run: holds checkpoints and is none itself\. Give resume=\S+run\/checkpoints\/step-000002$/,
    );
    expect(await refusal(sft(at('model'), `resume=${whole}`, 'optim=lion_8bit'))).toMatch(
      /^optim: lion_8bit, but this run began with adamw_torch or adamw_8bit\. Give that/,
    );
    expect(await refusal(sft(at('model'), `resume=${whole}`, 'lora.lora_alpha=64'))).toMatch(
      /belongs to another model, .* or other trained parameters \(names, shapes, scales, start of PiSSA\)/,
    );
  });
});

describe('an output folder in use', () => {
  const into = (...words: string[]) => sft(at('model'), `output_dir=${at('run')}`, ...words);
  const record = () => json('run', 'run.json') as { run_id: string; status: string };

  const evaluate = (model: string, ...words: string[]) => [
    ...['eval', `model=${at(model)}`, `dataset.path=${at('rows.jsonl')}`, 'max_new_tokens=4'],
    ...[`output_dir=${at('evaluated')}`, 'overwrite=true', 'rollout_device=cpu', ...words],
  ];

  it('is refused with both remedies', async () => {
    expect(await refusal(into())).toMatch(
      /run: the folder is in use by run \S+ \(sft, done\)\. Give overwrite=true to replace it, resume=auto to go on/,
    );
    expect(await refusal(['init-model', `output=${at('model')}`])).toMatch(
      /^output: .*model is in use\. Give overwrite=true/,
    );
    const own = ['eval', `model=${at('run')}`, `dataset.path=${at('rows.jsonl')}`];
    own.push(`output_dir=${at('run')}`);
    expect(await refusal(own)).toMatch(
      /Give overwrite=true to replace it, resume=auto to go on, or another output_dir$/,
    );
    expect(await refusal([...own, 'overwrite=true'])).toMatch(/would delete .*run, which this run/);
  });

  it.each([
    ['sft', ['model=m', 'dataset=rows.jsonl']],
    ['eval', ['model=m', 'benchmark=gsm8k']],
    ['tinker', ['method=sft', 'model=m', 'dataset=rows.jsonl']],
    ['openai', ['method=sft', 'model=m', 'training_file=rows.jsonl']],
  ])('has to be named to %s with resume=auto, which else would begin anew', async (...own) => {
    const [command, keys] = own;
    const unnamed = [command, ...keys, 'resume=auto'];
    const said =
      /^resume: auto goes on with the run in output_dir, and neither .* Give output_dir=/;
    expect(await refusal(unnamed)).toMatch(said);
    if (command !== 'eval') expect(await refusal([...unnamed, '--dry-run'])).toMatch(said);
  });

  it('is gone on with by resume=auto, and replaced by overwrite=true', async () => {
    const first = record();
    await accepted(into('resume=auto', 'max_steps=3'));
    expect(record()).toMatchObject({ run_id: first.run_id, status: 'done' });
    const steps = readFileSync(at('run', 'metrics.jsonl'), 'utf8').trimEnd().split('\n').length;
    expect(steps).toBe(3);
    expect(await accepted(into('resume=auto', 'max_steps=1'))).toContain(
      'warning: the run has 3 steps already, more than 1: none follows',
    );
    expect(await refusal(into('resume=auto', 'overwrite=true'))).toMatch(/contradict each other/);
    await accepted(into('overwrite=true', 'seed=1'));
    expect(record().run_id).not.toBe(first.run_id);
  });

  it('keeps its run where the one that would replace it cannot sample here', async () => {
    await makeModel('narrow', 'architecture.num_attention_heads=4');
    const grpo = (model: string, ...words: string[]) => [
      ...['grpo', `model=${at(model)}`, `dataset.path=${at('rows.jsonl')}`, 'max_steps=1'],
      ...['num_generations=2', 'per_device_train_batch_size=2', 'max_completion_length=8'],
      ...['threads=1', `output_dir=${at('run')}`, 'overwrite=true', 'rollout_device=cpu', ...words],
    ];
    expect(await refusal(grpo('model', 'rollout_precision=float16'))).toMatch(
      /^rollout_precision=float16: rollouts on cpu compute in any other type/,
    );
    expect(await refusal(grpo('model', 'rollout_release_memory=true'))).toMatch(
      /^rollout_release_memory: rollouts on cpu do not run in a process of their own/,
    );
    expect(await refusal(grpo('narrow'))).toMatch(/head size is 8, not a multiple of 16/);
    await accepted(evaluate('model'));
    expect(await refusal(evaluate('model', 'rollout_precision=float16'))).toMatch(
      /^rollout_precision=float16: /,
    );
    expect(await refusal(evaluate('narrow'))).toMatch(/head size is 8, not a multiple of 16/);
  });

  it('is not taken for one where it holds files of no run', async () => {
    renameSync(at('run', 'run.json'), at('run.json'));
    appendFileSync(at('run', 'metrics.jsonl'), '\n');
    expect(await refusal(into('overwrite=true'))).toMatch(/so it is not the folder of a run/);
    renameSync(at('run.json'), at('run', 'run.json'));
  });
});
