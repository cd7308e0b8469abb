/** An evaluation on a page: its tables, and every completion with its grade. */
import { expect, it } from 'vitest';
import { type EvalRow, type Evaluation, evaluationSections } from '../../../src/evaluate/index.js';

function row(index: number, sample: number, parts: Partial<EvalRow> = {}): EvalRow {
  return {
    index,
    id: `q${index}`,
    sample_index: sample,
    question: `question ${index}`,
    completion: `text ${index}.${sample}`,
    gold: '4',
    answer: '4',
    correct: true,
    flexible_answer: '4',
    flexible_correct: true,
    reasoning: null,
    has_reasoning: false,
    has_answer: true,
    format_ok: true,
    reward: null,
    rewards: {},
    statuses: {},
    finish_reason: 'stop',
    truncated: false,
    tokens: 7,
    logprob_mean: -0.25,
    adapter: null,
    seconds: 0.5,
    ...parts,
  };
}

const evaluation = {
  rows: [
    row(0, 0),
    row(0, 1, { correct: false, answer: '5', flexible_answer: '6' }),
    row(1, 0, {
      correct: null,
      gold: null,
      score: null,
      status: 'error',
      reason: 'no judge',
      reward: null,
      rewards: { short: null },
      statuses: { short: 'error' },
      reasons: { short: 'no text' },
    }),
  ],
  metrics: { accuracy: 0.5, 'pass@8': 1, mean_reward: null, mean_length: 7.5, correct: 1 },
  tables: [
    {
      column: 'level',
      rows: [
        {
          value: '1',
          n: 1,
          accuracy: 0.5,
          accuracy_low: 0,
          accuracy_high: 1,
          flexible_accuracy: 0.5,
        },
      ],
    },
  ],
} as unknown as Evaluation;

const [metrics, levels, completions] = evaluationSections(evaluation, {
  jsonl: '/runs/a/debug/eval_1.jsonl',
});

it('has the metrics that have a value, and a table for each column', () => {
  expect(metrics).toMatchObject({
    title: 'Evaluation',
    rows: [
      ['accuracy', '50.0%'],
      ['pass@8', '100.0%'],
      ['mean_length', '7.5'],
      ['correct', '1'],
    ],
  });
  expect(levels).toMatchObject({
    title: 'Accuracy by level',
    header: ['level', 'n', 'accuracy', '95% interval', 'flexible'],
    rows: [['1', 1, '50.0%', '0.0% to 100.0%', '50.0%']],
  });
});

it('has the samples of an example under its question, with what decided their grade', () => {
  expect(completions).toMatchObject({
    type: 'completions',
    note: 'All 3; the rows are in debug/eval_1.jsonl.',
    prompts: [
      { label: 'q0', prompt: 'question 0', gold: '4' },
      { label: 'q1', prompt: 'question 1', gold: null },
    ],
  });
  if (completions?.type !== 'completions') throw new Error('no completions');
  const all = completions.prompts.flatMap((prompt) => prompt.completions);
  expect(all.map(({ completion, correct }) => [completion, correct])).toEqual([
    ['text 0.0', true],
    ['text 0.1', false],
    ['text 1.0', null],
  ]);
  const said = all.map(({ facts }) => facts.map(({ label, value }) => `${label} ${value}`));
  const rest = ['tokens 7', 'finish stop', 'mean log-probability -0.25', 'time 0.5 s'];
  expect(said).toEqual([
    ['answer 4', ...rest],
    ['answer 5', 'last number 6', ...rest],
    ['answer 4', 'status error', 'reason no judge', ...rest, 'why no short: no text'],
  ]);
  expect(all[2]?.parts).toEqual([{ name: 'short', score: null, status: 'error' }]);
  expect('reward' in all[0]!).toBe(false);
});
