/**
 * The medical system by one command on real rows, with small counts: its files under their names and what is in
 * them, predictions that are taken from disk, and the comparisons. Skips without rows in LORIKEET_DATA.
 */
import { existsSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { MEDICAL_PROMPTS } from '../../src/data/index.js';
import { FUZZ_SCORERS } from '../../src/rewards/index.js';
import { type JsonRow, readJson } from '../../src/util/files.js';
import { filesIn } from '../support/files-in.js';
import { hasData, NEEDS_DATA } from '../support/real-data.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, type Outcome } from './command-line.js';

const { dir: root, at, json, jsonl, csv } = filesIn(temporaryFolder());

const SIZES = ['train_samples=16', 'test_samples=6', 'sft_steps=4', 'n_epochs=1', 'n_runs=2'];
const WORDS = [
  ...['run', 'configs/medical/smoke.yaml', ...SIZES.map((size) => `vars.${size}`)],
  'stages.rft.eval_steps=1',
];
const STAGES = 12;
const rowsOf = (name: string) => jsonl('data', `medical_01_verifiable_problem_${name}.jsonl`);
const predictions = (name: string) =>
  readJson(at('data/rft/predictions', `${name}.json`)) as JsonRow[];

describe.skipIf(!hasData())(`configs/medical/smoke.yaml ${NEEDS_DATA}`, () => {
  let first: Outcome;

  beforeAll(async () => {
    first = await call(WORDS, { OUTPUT_DIR: root });
  }, 300_000);

  it('runs every stage', () => {
    expect(first.code, first.err.join('\n')).toBe(0);
    expect(JSON.parse(first.out)).toMatchObject({ root, stages: { done: STAGES } });
    expect(existsSync(at('report.html'))).toBe(true);
  });

  it('writes disjoint RFT files, answers in lower case, with and without the prompt', () => {
    const [train, val] = [rowsOf('train'), rowsOf('val')];
    expect([train.length, val.length]).toEqual([16, 6]);
    for (const row of [...train, ...val]) {
      expect(Object.keys(row)).toEqual(['messages', 'reference_answer']);
      expect(['yes', 'no', 'maybe']).toContain(row.reference_answer);
    }
    const asked = (rows: JsonRow[]) =>
      rows.map(({ messages }) => (messages as JsonRow[])[0]?.content);
    expect(new Set([...asked(train), ...asked(val)]).size).toBe(22);
    expect(asked(rowsOf('val_simple_prompt'))).toEqual(
      asked(val).map((question) => `${MEDICAL_PROMPTS.simple}\n\n${question}`),
    );
    const shown = rowsOf('train_simple_prompt_sft')[0] as { messages: JsonRow[] };
    expect(shown.messages[1]).toEqual({ role: 'assistant', content: train[0]?.reference_answer });
  });

  it.each(['small', 'wide', 'small-tuned'])('keeps the predictions of %s by run', (model) => {
    const runs = [1, 2].map((run) => predictions(`val_simple_${model}_none_predictions_run${run}`));
    for (const rows of runs) {
      expect(rows.map(({ input }) => input)).toEqual(rowsOf('val_simple_prompt'));
      expect(Object.keys(rows[0] as JsonRow)).toEqual([
        ...['model_prediction', 'input', 'reasoning_tokens_used', 'reference_answer', 'summaries'],
      ]);
    }
    const said = runs.map((rows) => rows.map(({ model_prediction: text }) => text));
    expect(said[0]).not.toEqual(said[1]);
  });

  it('scores them by each grader, and takes the mean as accuracy', () => {
    const stem = 'val_simple_small_none';
    const scored = (grader: string) =>
      predictions(`${stem}_medical_${grader}_predictions_run_1_scored`) as {
        model_prediction: string;
        reference_answer: string;
        score: number;
      }[];
    const [exact, fuzzy, combined] = [scored('exact'), scored('fuzzy'), scored('combined')];
    expect(exact).toHaveLength(6);
    const plain = (text: string) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N}_]/gu, ' ')
        .trim();
    for (const [i, { model_prediction: text, reference_answer: gold, score }] of exact.entries()) {
      expect(score).toBe(text === gold ? 1 : 0);
      const likeness = FUZZ_SCORERS.token_set_ratio(plain(text), plain(gold)) / 100;
      expect(fuzzy[i]?.score).toBeCloseTo(likeness, 10);
      expect(combined[i]?.score).toBeCloseTo(0.85 * likeness + 0.15 * score, 10);
    }
    const metrics = readJson(
      at('data/rft/predictions', `${stem}_medical_combined_predictions_run_1_metrics.json`),
    ) as JsonRow;
    const mean = combined.reduce((sum, { score }) => sum + score, 0) / 6;
    expect(metrics).toEqual({ total_samples: 6, accuracy: expect.closeTo(mean, 12), failed: {} });
  });

  it('compares two models, and base against tuned', () => {
    for (const name of ['models', 'base_against_tuned']) {
      const rows = csv(`${name}.csv`);
      const numbers = rows.find(({ kind }) => kind === 'paired') as JsonRow;
      expect(numbers.n).toBe('12');
      const [a, b] = [Number(numbers.score_a), Number(numbers.score_b)];
      expect(Number(numbers.score_difference)).toBeCloseTo(b - a, 10);
      expect(Number(numbers.score_difference_low)).toBeLessThanOrEqual(b - a + 1e-12);
    }
  });

  it('says how the job went', () => {
    const job = json('job_status.json') as { events: JsonRow[] };
    expect(job).toMatchObject({
      status: 'succeeded',
      suffix: 'medical-rft-demo',
      purpose: 'fine-tune',
      training_file: at('data', 'medical_01_verifiable_problem_train_simple_prompt.jsonl'),
      validation_file: at('data', 'medical_01_verifiable_problem_val_simple_prompt.jsonl'),
      hyperparameters: { n_epochs: 1 },
    });
    expect(job.events.length).toBeGreaterThan(1);
    expect(job.events.length).toBeLessThanOrEqual(10);
  });

  it('does nothing the second time', async () => {
    const again = await call(WORDS, { OUTPUT_DIR: root });
    expect(JSON.parse(again.out)).toMatchObject({ stages: { skipped: STAGES } });
  });
});
