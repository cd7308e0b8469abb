/**
 * configs/olympiad/smoke.yaml by one command with small counts: every part's files and what is in them. Skips
 * without the rows of MATH and ToRA in LORIKEET_DATA.
 */
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type JsonRow, readJsonl } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { dataPath, hasData, NEEDS_DATA } from '../support/real-data.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, type Outcome } from './command-line.js';

const { dir: root, at, json, jsonl, csv } = filesIn(temporaryFolder());
const FILE = 'configs/olympiad/smoke.yaml';
const SMALL = [
  ...['vars.train_samples=12', 'vars.eval_samples=2', 'vars.sc_samples=2'],
  ...['cot', 'tir'].map((stage) => `stages.${stage}.max_steps=1`),
];

describe('stage', () => {
  it('runs a part and what it needs, and refuses one that is not there', async () => {
    const plan = async (stage: string, ...flags: string[]) => {
      const words = ['run', FILE, '--dry-run', '--json', '--stage', stage, '--output-dir', root];
      words.push(...flags);
      const { code, out, err } = await call(words);
      const names = code === 0 ? (JSON.parse(out).plan as string[]) : [];
      return { code, names: names.map((line) => line.split(':')[0]), err: err.join('\n') };
    };
    const cot = ['math', 'contamination', 'model', 'cot'];
    expect((await plan('cot')).names).toEqual(cot);
    expect((await plan('rl')).names).toEqual([...cot, 'tir', 'rl']);
    expect((await plan('rl', '--base-model', 'some/model')).names).toEqual([
      'math',
      'contamination',
      'rl',
    ]);
    const unknown = await plan('ppo');
    expect(unknown.code).toBe(2);
    expect(unknown.err).toMatch(/stage=ppo: there is no such part or stage.*full, cot, tir, rl/s);
  });
});

describe.skipIf(!hasData())(`${FILE} ${NEEDS_DATA}`, () => {
  let outcome: Outcome;
  beforeAll(async () => {
    outcome = await call(['run', FILE, `root=${root}`, ...SMALL]);
  }, 600_000);

  it('runs to its end', () => {
    expect(outcome.code, outcome.err.join('\n')).toBe(0);
    expect(existsSync(at('report.html'))).toBe(true);
  });

  it('checks the training rows against the benchmarks, and trains on the clean ones', () => {
    const report = json('contamination', 'contamination.json');
    expect(report).toMatchObject({ ngram: 13, train_rows: 12 });
    const names = (report.benchmarks as JsonRow[]).map(({ benchmark }) => benchmark);
    expect(names).toEqual(['math-500', 'aime24', 'amc23']);
    expect(jsonl('contamination', 'clean.jsonl')).toHaveLength(report.clean as number);
  });

  it('goes from CoT to TIR to RL, each on the adapter before it', () => {
    const models = ['cot', 'tir', 'rl'].map(
      (name) => (json(name, 'run.json').config as JsonRow).model,
    );
    expect(models).toEqual([at('model'), at('cot'), at('tir')]);
    expect(json('tir', 'run.json').config).toMatchObject({ mask_tool_output: true });
    expect(json('cot', 'run.json').config).toMatchObject({ answer_format: 'boxed' });
  });

  it('evaluates while RL trains, under the names of metrics and samples', () => {
    const metrics = jsonl('rl', 'metrics.jsonl');
    for (const name of [
      ...['eval/accuracy', 'eval/boxed_rate', 'eval/avg_completion_length'],
      ...['samples/batch_accuracy', 'samples/batch_mean_reward'],
    ]) {
      expect(
        metrics.some((row) => Number.isFinite(row[name])),
        name,
      ).toBe(true);
    }
    const [group] = jsonl('rl', 'samples_by_group.jsonl');
    expect(JSON.stringify(group)).toMatch(/"problem".*"ground_truth".*"reward".*"advantage"/s);
    const rewards = jsonl('rl', 'samples.jsonl').map(({ reward }) => reward as number);
    for (const reward of rewards) expect([-0.5, -0.4, 1.1]).toContain(Number(reward.toFixed(6)));
  });

  it('makes rows that teach selection, with the right solution named', () => {
    const rows = jsonl('genselect', 'train.jsonl');
    expect(rows).toHaveLength(32);
    const graded = readJsonl(dataPath('grading', 'gsm8k_model_solutions.jsonl.gz'));
    const right = new Set(
      graded.filter(({ expected }) => expected === true).map((row) => String(row.solution).trim()),
    );
    for (const { prompt, completion } of rows.slice(0, 8)) {
      const text = (prompt as { content: string }[])[0]!.content;
      const number = /^\\boxed\{(\d)\}$/.exec(String(completion))?.[1];
      const chosen = text.split(/\n\n(?=Solution \d+:\n|Which of the )/)[Number(number)]!;
      expect(right.has(chosen.replace(/^Solution \d+:\n/, '').trim())).toBe(true);
    }
  });

  it('writes the table of benchmarks and strategies', () => {
    const rows = csv('table.csv');
    const names = rows.map(({ benchmark }) => benchmark);
    expect(names.filter((name) => name !== 'math-level-5')).toEqual(['math', 'amc23']);
    expect(Object.keys(rows[0]!)).toEqual(['benchmark', 'n', 'greedy', 'SC@2', 'tir']);
    for (const row of rows) {
      for (const name of ['greedy', 'SC@2', 'tir']) expect(row[name]).toMatch(/^(0|1|0\.\d+)$/);
    }
  });
});
