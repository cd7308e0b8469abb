/**
 * GRPO with rounds of code, end to end: a tiny model that has learnt to write blocks runs them in the sandbox,
 * and goes on from their outputs; trainer and sampler agree on every sampled token; a run that is interrupted
 * and resumed gives the numbers of one that is not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { grpoSchema, loadConfig, sftSchema } from '../../src/config/index.js';
import { openTools, toolSampler } from '../../src/recipes/grpo/tool-sampler.js';
import { runGrpo } from '../../src/recipes/grpo.js';
import { openModel } from '../../src/recipes/inputs/model-source.js';
import { openSampler } from '../../src/recipes/sampling/open-sampler.js';
import { samplingParams } from '../../src/recipes/sampling/sampling-params.js';
import { runSft } from '../../src/recipes/sft.js';
import type { Completion } from '../../src/rollout/index.js';
import { type JsonRow, readJsonl, toJsonl, writeFileAtomic } from '../../src/util/files.js';
import { SILENT } from '../support/context.js';
import { noSandbox, skippedFor } from '../support/python.js';
import { temporaryFolder } from '../support/temporary.js';
import { FORMAT_KEYS, tinyTraining } from '../support/tiny-training.js';

const BLOCK = '```python\nprint(6*7)\n```\n';
const OUTPUT = '```output\n42\n```\n';
const folder = temporaryFolder();
const tiny = tinyTraining(folder);
const rows = join(folder, 'tool-rows.jsonl');

/** Rows of any question whose answer is a block, its output and the number in solution tags. */
function writeRows(): void {
  const made = Array.from({ length: 24 }, (_, i) => ({
    prompt: `${i}?`,
    completion: `${BLOCK}${OUTPUT}{42}`,
    answer: '42',
  }));
  writeFileAtomic(rows, toJsonl(made));
}

const keysOf = (dir: string): string[] => [
  ...tiny.keys.filter((key) => !key.startsWith('dataset.')),
  `dataset.path=${rows}`,
  `output_dir=${join(folder, dir)}`,
];

beforeAll(async () => {
  writeRows();
  const run = [`model=${tiny.base}`, 'max_steps=60', 'mask_tool_output=true', 'max_length=128'];
  const overrides = [...keysOf('sft'), ...FORMAT_KEYS, ...run];
  await runSft(loadConfig(sftSchema, { overrides }), SILENT);
}, 120_000);

function grpoConfig(dir: string, further: readonly string[] = []) {
  const keys = [
    ...[`model=${join(folder, 'sft')}`, 'tools=[python]', 'max_tool_calling_iterations=2'],
    ...['rollout_precision=float32', 'num_generations=4', 'per_device_train_batch_size=4'],
    ...['gradient_accumulation_steps=2', 'steps_per_generation=4', 'max_completion_length=72'],
    ...['learning_rate=1e-3', 'max_steps=4', 'temperature=1.2', 'beta=0.01', 'num_iterations=1'],
    ...[
      'lr_scheduler_type=constant',
      'loss_type=grpo',
      'rewards=[{name: correctness}]',
      'save_steps=2',
    ],
  ];
  return loadConfig(grpoSchema, { overrides: [...keysOf(dir), ...keys, ...further] });
}

const grpo = (dir: string, further: readonly string[] = []) =>
  runGrpo(grpoConfig(dir, further), SILENT);

const read = (dir: string, file: string): JsonRow[] => readJsonl(join(folder, dir, file));
const numbers = (dir: string) =>
  read(dir, 'metrics.jsonl').map((row) =>
    Object.fromEntries(
      Object.entries(row).filter(([name]) => !/time|_ms|tokens_per_s|step_time/.test(name)),
    ),
  );
const texts = (dir: string) =>
  read(dir, 'samples.jsonl').map(({ completion, advantage, logprob_mean: logprob }) => ({
    completion,
    advantage,
    logprob,
  }));

describe.skipIf(noSandbox !== null)(`rounds of code within GRPO${skippedFor(noSandbox)}`, () => {
  beforeAll(() => grpo('run'), 120_000);

  test('run blocks, go on from their outputs, and are counted', () => {
    const samples = read('run', 'samples.jsonl');
    const used = samples.filter(({ tool_calls: calls }) => Number(calls) > 0);
    expect(used.length).toBeGreaterThan(samples.length / 4);
    const [first] = used.filter(({ completion }) => String(completion).startsWith(BLOCK));
    expect(String(first?.completion)).toContain(`${BLOCK}${OUTPUT}`);
    expect(first).toMatchObject({ tool_failures: 0 });
    expect(Number(first?.tool_tokens)).toBeGreaterThan(0);
    expect(samples.some(({ reward }) => reward === 1)).toBe(true);
    for (const { tokens, tool_tokens: outputs } of samples) {
      expect(Number(tokens) + Number(outputs)).toBeLessThanOrEqual(72);
    }
    const [row] = read('run', 'metrics.jsonl');
    const generation = samples.slice(0, 16);
    const calls = generation.reduce((sum, { tool_calls: n }) => sum + Number(n), 0);
    const failures = generation.reduce((sum, { tool_failures: n }) => sum + Number(n), 0);
    const tokens = generation.reduce((sum, { tokens: n }) => sum + Number(n), 0);
    expect(row?.['tools/call_frequency']).toBeCloseTo(calls / 16, 12);
    expect(row?.['tools/failure_frequency']).toBeCloseTo(failures / calls, 12);
    expect(row?.['completions/mean_length']).toBeCloseTo(tokens / 16, 12);
  });

  test('give sampled tokens the log-probabilities that the trainer computes', () => {
    const [row] = read('run', 'metrics.jsonl');
    expect(row?.['sampling/sampling_logp_difference/max']).toBeLessThan(1e-3);
    expect(row?.['sampling/importance_sampling_ratio/min']).toBeGreaterThan(0.99);
  });

  test('give the same numbers when interrupted and resumed', async () => {
    await grpo('parts', ['max_steps=2']);
    await grpo('parts', ['resume=auto']);
    expect(texts('parts')).toEqual(texts('run'));
    expect(numbers('parts')).toEqual(numbers('run'));
  }, 120_000);

  test('are taken in evaluations, while training and after it', async () => {
    const said = await grpo('evaluated', ['eval_samples=6', 'eval_steps=2', 'max_steps=2']);
    expect(said.accuracy).toBeGreaterThan(0);
    const row = read('evaluated', 'metrics.jsonl').at(-1);
    expect(row?.['eval/tools/call_frequency']).toBeGreaterThan(0);
    expect(row?.['eval/tools/failure_frequency']).toBe(0);
    expect(row?.['eval/accuracy']).toBeCloseTo(Number(said.accuracy), 12);
    const table = readFileSync(join(folder, 'evaluated', 'eval', 'samples_step_2.csv'), 'utf8');
    expect(table).toContain(`${BLOCK}${OUTPUT}`);
    const rows = read('evaluated', join('debug', `grpo_${said.run_id}.jsonl`));
    expect(rows).toHaveLength(6);
    for (const { tokens, tool_tokens: outputs } of rows) {
      expect(Number(tokens) + Number(outputs)).toBeLessThanOrEqual(72);
    }
    const calls = rows.reduce((sum, { tool_calls: n }) => sum + Number(n), 0);
    expect(row?.['eval/tools/call_frequency']).toBeCloseTo(calls / 6, 12);
  }, 120_000);

  test('are repeatable one step ahead, with further prompts, a few at a time', async () => {
    const keys = ['max_staleness=1', 'dynamic_sampling=true', 'max_tool_sessions=4'];
    await grpo('ahead', keys);
    await grpo('again', keys);
    const rows = read('ahead', 'metrics.jsonl');
    expect(rows.map(({ staleness }) => staleness)).toEqual([0, 0, 1, 1]);
    expect(rows[0]?.['sampling/sampling_logp_difference/max']).toBeLessThan(1e-3);
    expect(rows[0]?.['sampling/rounds']).toBeGreaterThanOrEqual(1);
    for (const row of rows) expect(row['tools/call_frequency']).toBeGreaterThan(0);
    expect(texts('again')).toEqual(texts('ahead'));
    expect(numbers('again')).toEqual(numbers('ahead'));
  }, 120_000);

  test('give the same by a sampler in a process of its own', async () => {
    const config = grpoConfig('child');
    const source = await openModel(config, SILENT);
    const sandbox = await openTools(config, SILENT.log);
    const size = { threads: 2, maxBatch: 8, maxPromptLength: 8, maxNewTokens: 72 };
    const { tokenizer } = source;
    const requests = ['1?', '23?'].map((text) => ({
      id: text,
      promptIds: tokenizer.encode(text),
      n: 4,
    }));
    const made: Completion[][] = [];
    for (const place of [{}, { childEnv: process.env }]) {
      const sampler = await openSampler(source, { ...size, ...place });
      const tools = { config, sandbox: sandbox!, tokenizer, context: 80 };
      const written = toolSampler(sampler, tools).generate(requests, samplingParams(config, 72));
      made.push((await written).map((completion) => ({ ...completion, seconds: 0 })));
      sampler.dispose();
    }
    sandbox!.dispose();
    source.close();
    expect(made[1]).toEqual(made[0]);
    expect(made[0]!.some(({ tools }) => tools!.calls > 0)).toBe(true);
  }, 120_000);

  test('change nothing where no tool is offered', async () => {
    await grpo('without', ['tools=[]', 'max_steps=2']);
    for (const row of read('without', 'samples.jsonl')) {
      expect(row).not.toHaveProperty('tool_calls');
      expect(row.finish_reason).not.toBe('rounds');
    }
    expect(read('without', 'metrics.jsonl')[0]).not.toHaveProperty('tools/call_frequency');
  }, 120_000);
});
