/**
 * The comparison on real GSM8K rows by one command, with small counts: the files that it names, their
 * contents, and that a second call does nothing. Skips without the folder of rows in LORIKEET_DATA.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadRows } from '../../src/data/index.js';
import { filesIn } from '../support/files-in.js';
import { hasData, NEEDS_DATA } from '../support/real-data.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, type Outcome, snapshot } from './command-line.js';

const { dir: root, at, json, jsonl, csv } = filesIn(join(temporaryFolder(), 'out'));
const ENV = {
  OUTPUT_DIR: root,
  TRAIN_SAMPLES: '5',
  PREP_TRAIN_SAMPLES: '3',
  EVAL_SAMPLES: '4',
  NUM_GENERATIONS: '2',
};
const run = (...words: string[]) => call(['run', 'configs/gsm8k/compare.yaml', ...words], ENV);

const NAMES = [
  'model',
  'base_eval',
  'prep_sft',
  'full_sft',
  'grpo',
  'prep_sft_eval',
  'full_sft_eval',
  'grpo_eval',
  'traces',
  'traces_sft',
  'traces_sft_eval',
  'comparison',
  'against_full_sft',
];

describe.skipIf(!hasData())(`configs/gsm8k/compare.yaml ${NEEDS_DATA}`, () => {
  let first: Outcome;

  beforeAll(async () => {
    first = await run();
  }, 600_000);

  it('runs every stage and says so', () => {
    expect(first.code, first.err.join('\n')).toBe(0);
    expect(JSON.parse(first.out)).toEqual({
      root,
      pipeline: at('pipeline.json'),
      report: at('report.html'),
      stages: { done: NAMES.length },
    });
    const table = first.err.slice(-NAMES.length - 2);
    expect(table[0]).toMatch(/^stage .* success_rate +accuracy +thinking_proportion +answer_prop/);
    expect(table.slice(2).map((line) => line.split(/ +/)[0])).toEqual(NAMES);
  });

  it.each([
    ['prep_sft', 'prep', 'model'],
    ['full_sft', 'full', 'prep_sft'],
    ['grpo', 'grpo', 'prep_sft'],
    ['traces/5', 'full', 'prep_sft'],
  ])('%s holds an adapter and its own evaluation', (name, stage, from) => {
    const { run_id: runId, config, status } = json(name, 'run.json');
    expect({ status, config }).toMatchObject({ status: 'done', config: { model: at(from) } });
    const { base_model_name_or_path: base } = json(name, 'model', 'adapter_config.json');
    expect(base).toBe(at('model'));
    expect(readdirSync(at(name, 'model'))).toEqual(
      expect.arrayContaining(['adapter_model.safetensors', 'tokenizer.json', 'README.md']),
    );
    expect(csv(name, 'debug', `${stage}_${runId}.csv`)).toHaveLength(4);
    const metrics = readFileSync(at(name, 'debug', `${stage}_${runId}_metrics.txt`), 'utf8');
    for (const line of ['Accuracy: ', 'Thinking proportion: ', 'Answer proportion: ']) {
      expect(metrics).toContain(`\n${line}`);
    }
  });

  it('writes the standalone evaluations under their names', async () => {
    const { rows } = await loadRows('gsm8k', { split: 'test' });
    const golds = new Map(rows.map(({ question, answer }) => [question, answer]));
    const names = [
      ['base_eval', 'base_model_eval.csv'],
      ['prep_sft_eval', 'prep_sft_eval.csv'],
      ['full_sft_eval', 'full_sft_eval.csv'],
      ['grpo_eval', 'grpo_eval.csv'],
      ['traces/5_eval', 'traces_sft_eval.csv'],
    ] as const;
    const questions = names.map(([folder, file]) => {
      const examples = csv(folder, 'debug', file);
      expect(examples).toHaveLength(4);
      for (const { question, gold } of examples) expect(gold).toBe(golds.get(question));
      return examples.map(({ question }) => question);
    });
    for (const others of questions) expect(others).toEqual(questions[0]);
    const header = readFileSync(at('comparison.csv'), 'utf8').split('\n')[0];
    expect(header).toMatch(new RegExp(`^kind,name,${names.map(([folder]) => folder).join(',')},`));
    const paired = csv('against_full_sft.csv').filter(({ kind }) => kind === 'paired');
    expect(paired.map(({ name, n, unmatched }) => [name, n, unmatched])).toEqual([
      ['grpo_eval − full_sft_eval', '4', '0'],
      ['traces/5_eval − full_sft_eval', '4', '0'],
    ]);
  });

  it('trains GRPO on the same problems, with finite numbers also where all rewards are equal', () => {
    const trained = jsonl('grpo', 'samples.jsonl').map(({ question }) => question);
    const traced = jsonl('traces', 'grpo_traces_train.jsonl');
    const problems = new Set(traced.map(({ question }) => question));
    expect(problems.size).toBe(5);
    expect(new Set(trained)).toEqual(problems);
    const rows = jsonl('grpo', 'metrics.jsonl');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) {
      for (const value of Object.values(row))
        expect(value === null || Number.isFinite(value)).toBe(true);
      // Sampling may compute in bfloat16, with 8 bits of mantissa.
      expect(row['probe/max_logprob_difference']).toBeLessThan(0.1);
      expect(row['sampling/sampling_logp_difference/max']).toBeLessThan(0.1);
    }
  });

  it('falls back to the data set for traces, and counts it', async () => {
    const { rows } = await loadRows('gsm8k', { split: 'train' });
    const known = new Map(rows.map((row) => [row.question, row]));
    const stats = json('traces', 'grpo_traces_train.jsonl.stats.json');
    expect(Object.keys(stats)).toEqual([
      'total_samples',
      'grpo_successes',
      'fallback_count',
      'success_rate',
      'avg_attempts_for_successes',
      'avg_attempts_overall',
    ]);
    const traces = jsonl('traces', 'grpo_traces_train.jsonl');
    const own = traces.filter(({ question, answer }) => {
      const { reasoning, answer: gold } = known.get(question) ?? {};
      expect(String(answer).endsWith(`\n\n#### ${gold}`)).toBe(true);
      return answer === `${reasoning}\n\n#### ${gold}`;
    });
    expect(traces.map((row) => Object.keys(row).join())).toEqual(Array(5).fill('question,answer'));
    expect(stats).toMatchObject({ total_samples: 5, fallback_count: own.length });
  });

  it('does nothing the second time', async () => {
    const before = snapshot(root);
    const { code, err } = await run();
    expect(code, err.join('\n')).toBe(0);
    expect(err.slice(0, NAMES.length)).toEqual(
      NAMES.map((name) => `stage ${name}: done already, skipped`),
    );
    // The pipeline's own state and report say when it ran.
    const own = [at('pipeline.json'), at('report.html')];
    const others = (files: Record<string, string>) =>
      Object.entries(files).filter(([path]) => !own.includes(path));
    expect(others(snapshot(root))).toEqual(others(before));
  });

  it('does over what a changed variable touches, and no more', async () => {
    const { code, out } = await call(['run', 'configs/gsm8k/compare.yaml', '--dry-run', '--json'], {
      ...ENV,
      NUM_GENERATIONS: '4',
    });
    expect(code).toBe(0);
    const { plan } = JSON.parse(out) as { plan: string[] };
    const redone = plan
      .filter((line) => line.includes(': redo '))
      .map((line) => line.split(':')[0]);
    expect(redone).toEqual([
      'grpo',
      'grpo_eval',
      'traces',
      'traces_sft',
      'traces_sft_eval',
      'comparison',
      'against_full_sft',
    ]);
    expect(existsSync(at('grpo', 'run.json'))).toBe(true);
  });
});
