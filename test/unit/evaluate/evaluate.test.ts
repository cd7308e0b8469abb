/** Evaluations of hand-written completions: rows, metrics, files, and paired comparison. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import {
  type Complete,
  compareEvaluations,
  evaluate,
  numericGrader,
  writeEvaluation,
} from '../../../src/evaluate/index.js';
import { evalSummary } from '../../../src/evaluate/summary.js';
import { openRun } from '../../../src/report/index.js';
import { makeRewards } from '../../../src/rewards/index.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

const ROWS = [
  { question: 'one?', answer: '1' },
  { question: 'two?', answer: 'so\n#### 2' },
  { question: 'three?', answer: '3' },
  { question: 'four, "4"?', answer: '4' },
];
const good = (n: number) => `<start_working_out>w<end_working_out><SOLUTION>${n}</SOLUTION>`;

/** Completes the i-th example with `texts[i]`, its j-th sample with `texts[i][j]`. */
function scripted(texts: readonly (readonly string[])[]): Complete {
  return async (items, { samples }) =>
    items.flatMap(({ id, index }) =>
      Array.from({ length: samples }, (_, j) => ({
        requestId: id,
        sampleIndex: j,
        promptIds: [1],
        ids: [1, 2, 3].slice(0, index + 1),
        text: texts[index]?.[j] ?? '',
        logprobs: Float32Array.of(-1, -0.5),
        finishReason: index === 3 ? 'length' : 'stop',
        adapter: 'abc',
        seconds: 0.5,
      })).reverse(),
    );
}

const TEXTS = [[good(1)], ['2'], [good(5)], ['<SOLUTION>4</SOLUTION>']];

describe('evaluate', () => {
  it('takes more completions in a batch than a call takes arguments', async () => {
    const { rows, metrics } = await evaluate({
      rows: ROWS,
      samples: 40_000,
      complete: scripted(TEXTS),
      grade: numericGrader(),
    });
    expect(rows).toHaveLength(160_000);
    // The first sample alone has a text.
    expect(metrics).toMatchObject({ graded: 160_000, correct: 2 });
  });

  it('counts strictly and flexibly, form, truncation and length', async () => {
    const { rows, metrics } = await evaluate({
      rows: ROWS,
      complete: scripted(TEXTS),
      grade: numericGrader(),
      rewards: makeRewards([
        { name: 'format', weight: 0.5 },
        { name: 'correctness', weight: 1 },
      ]),
    });
    expect(metrics).toMatchObject({
      eval_size: 4,
      samples_per_example: 1,
      ungraded: 0,
      correct: 2,
      accuracy: 0.5,
      flexible_accuracy: 0.75,
      thinking_proportion: 0.5,
      answer_proportion: 0.75,
      format_rate: 0.5,
      truncation_rate: 0.25,
      mean_length: (1 + 2 + 3 + 3) / 4,
      max_length: 3,
      mean_reward: (1.5 + 0 + 0.5 + 1) / 4,
    });
    // Wilson of 2 in 4: (0.5 + 3.8415 / 8) / 1.9604 ± 1.96 sqrt(1/16 + 3.8415 / 64) / 1.9604
    expect(metrics.accuracy_low).toBeCloseTo(0.15004, 4);
    expect(metrics.accuracy_high).toBeCloseTo(0.84996, 4);
    expect(rows[1]).toMatchObject({
      id: '1',
      gold: '2',
      answer: null,
      correct: false,
      flexible_answer: '2',
      flexible_correct: true,
      reasoning: null,
      format_ok: false,
      logprob_mean: -0.75,
      reward: 0,
      rewards: { format: 0, correctness: 0 },
    });
  });

  it('leaves rows without a gold answer out of the accuracies, and counts them', async () => {
    const { metrics } = await evaluate({
      rows: [...ROWS.slice(0, 1), { question: 'open?' }],
      complete: scripted(TEXTS),
      grade: numericGrader(),
    });
    expect(metrics).toMatchObject({ eval_size: 1, ungraded: 1, accuracy: 1, mean_reward: null });
  });

  it('counts what was graded, sample by sample', async () => {
    const failed = { correct: null, flexible_correct: null, score: null, status: 'error' } as const;
    const passed = { correct: true, flexible_correct: true, score: 1, status: 'ok' } as const;
    const { metrics } = await evaluate({
      rows: ROWS.slice(0, 2),
      complete: scripted([
        [good(1), 'fails', good(1)],
        ['fails', good(2), 'fails'],
      ]),
      grade: numericGrader(),
      judge: async (text) => (text === 'fails' ? failed : passed),
      samples: 3,
    });
    expect(metrics).toMatchObject({
      eval_size: 2,
      graded: 3,
      ungraded: 3,
      correct: 3,
      accuracy: 1,
    });
    expect(evalSummary('x', metrics)).toContain('Correct: 3 of 3\n');
  });

  it('gives each example one weight in the tables too, in both accuracies', async () => {
    const failed = { correct: null, flexible_correct: null, score: null, status: 'error' } as const;
    const right = { correct: true, flexible_correct: true, score: 1, status: 'ok' } as const;
    const wrong = { ...right, correct: false, flexible_correct: false, score: 0 };
    const { tables } = await evaluate({
      rows: ROWS.slice(0, 3).map((row, i) => ({ ...row, level: i < 2 ? 'low' : 'high' })),
      complete: scripted([['r', 'f', 'f'], ['w', 'w', 'r'], []]),
      grade: numericGrader(),
      judge: async (text) => (text === 'f' ? failed : text === 'r' ? right : wrong),
      samples: 3,
      groups: ['level'],
    });
    // Of two examples 1 in 1 and 1 in 3 are right.
    const low = { value: 'low', n: 2, accuracy: 2 / 3, flexible_accuracy: 2 / 3 };
    expect(tables[0]?.rows[1]).toMatchObject(low);
  });

  it('has no accuracy where nothing could be graded', async () => {
    const { metrics } = await evaluate({
      rows: [{ question: 'open?' }],
      complete: scripted(TEXTS),
      grade: numericGrader(),
      passAt: [1],
    });
    expect(metrics).toMatchObject({
      eval_size: 0,
      graded: 0,
      ungraded: 1,
      correct: 0,
      'pass@1': null,
      accuracy: null,
      accuracy_low: null,
      accuracy_high: null,
      flexible_accuracy: null,
    });
    const text = evalSummary('x', metrics);
    expect(text).toContain('Accuracy: nothing could be graded\nCorrect: 0 of 0\n');
  });

  it('says why a reward gave no score, and gives it no mean', async () => {
    const failed = { score: null, status: 'error', reason: 'boom' } as const;
    const { rows, metrics } = await evaluate({
      rows: ROWS.slice(0, 1),
      complete: scripted(TEXTS),
      grade: numericGrader(),
      rewards: async () => ({ total: null, parts: { mine: failed } }),
    });
    expect(metrics).not.toHaveProperty('rewards/mine/mean');
    expect(rows[0]).toMatchObject({
      reward: null,
      rewards: { mine: null },
      statuses: { mine: 'error' },
      reasons: { mine: 'boom' },
    });
  });

  it('averages several samples and gives pass@k', async () => {
    const texts = [
      [good(1), good(9)],
      [good(2), good(2)],
      [good(9), good(9)],
      ['', good(4)],
    ];
    const { rows, metrics } = await evaluate({
      rows: ROWS,
      complete: scripted(texts),
      grade: numericGrader(),
      samples: 2,
      passAt: [1, 2],
    });
    expect(rows.map(({ id, sample_index }) => `${id}/${sample_index}`).slice(0, 3)).toEqual([
      '0/0',
      '0/1',
      '1/0',
    ]);
    expect(metrics.accuracy).toBe(0.5);
    expect(metrics['pass@1']).toBeCloseTo(0.5, 12);
    expect(metrics['pass@2']).toBeCloseTo(0.75, 12);
    // Example means 0.5, 1, 0, 0.5: variance 0.5 / 3, half 1.96 sqrt(0.16667 / 4)
    expect(metrics.accuracy_high).toBeCloseTo(0.5 + 0.400075, 5);
  });

  it('refuses completions that do not belong to the examples', async () => {
    const base = { rows: ROWS, grade: numericGrader() };
    const none: Complete = async () => [];
    await expect(evaluate({ ...base, complete: none })).rejects.toThrow(
      /example 0 got 0 completions, not 1/,
    );
    const stray: Complete = async (items, options) => {
      const all = await scripted(TEXTS)(items, options);
      return [...all, { ...all[0]!, requestId: 'x' }];
    };
    await expect(evaluate({ ...base, complete: stray })).rejects.toThrow(/unknown request id/);
  });

  it.each([
    [
      ['test/7', 5],
      ['test/7', '5'],
    ],
    [
      ['a', 'a'],
      ['0', '1'],
    ],
    [
      ['1', undefined],
      ['0', '1'],
    ],
    [
      [1, '1'],
      ['0', '1'],
    ],
  ])('names rows by ids where each has its own: %j', async (ids, expected) => {
    const seen: unknown[] = [];
    const { rows } = await evaluate({
      rows: ids.map((id) => ({ ...ROWS[0], id })),
      complete: scripted(TEXTS),
      grade: numericGrader(),
      rewards: (_text, { id }) => {
        seen.push(id);
        return makeRewards([{ name: 'format', weight: 1 }])('', {});
      },
    });
    expect(rows.map(({ id }) => id)).toEqual(expected);
    expect(seen).toEqual(ids);
  });

  it('stops without grading when aborted', async () => {
    const controller = new AbortController();
    const complete: Complete = async (items, options) => {
      controller.abort(new Error('SIGINT'));
      return scripted(TEXTS)(items, options);
    };
    const grade = numericGrader();
    const { signal } = controller;
    await expect(evaluate({ rows: ROWS, complete, grade, signal })).rejects.toThrow('SIGINT');
  });
});

describe('files of an evaluation', () => {
  it('writes rows and metrics under the names of the run', async () => {
    const config = { text: 'a: 1\n', values: { a: 1 } };
    const run = openRun(join(dir, 'base_eval'), { config, command: 'eval' });
    const evaluation = await evaluate({
      rows: ROWS,
      complete: scripted(TEXTS),
      grade: numericGrader(),
    });
    const outputFile = 'base_model_eval.csv';
    const files = writeEvaluation(run, { stage: 'base', evaluation, outputFile });
    run.close('done');
    const name = join(dir, 'base_eval', 'debug', `base_${run.runId}`);
    expect(files).toEqual({
      csv: `${name}.csv`,
      jsonl: `${name}.jsonl`,
      metrics: `${name}_metrics.txt`,
      json: `${name}_metrics.json`,
      output: join(dir, 'base_eval', 'debug', outputFile),
    });
    const rows = parse(readFileSync(files.csv), { columns: true }) as Record<string, string>[];
    expect(rows.map(({ question }) => question)).toEqual(ROWS.map(({ question }) => question));
    expect(rows.map(({ correct }) => correct)).toEqual(['true', 'false', 'false', 'true']);
    expect(readFileSync(files.output!, 'utf8')).toBe(readFileSync(files.csv, 'utf8'));
    expect(readFileSync(files.metrics, 'utf8')).toContain(
      'Accuracy: 50.0% (95% interval 15.0% to 85.0%)\nCorrect: 2 of 4\n',
    );
    const json = JSON.parse(readFileSync(files.json, 'utf8'));
    expect(json).toMatchObject({ stage: 'base', run_id: run.runId, accuracy: 0.5, eval_size: 4 });
  });

  it('is summed up as text', async () => {
    const options = { rows: ROWS, complete: scripted(TEXTS), grade: numericGrader() };
    const { metrics } = await evaluate(options);
    expect(evalSummary('x', metrics)).toContain('Thinking proportion: 50.0%');
  });
});

describe('compareEvaluations', () => {
  const rows = (marks: string) =>
    [...marks].map((mark, index) => ({ index, question: `q${index}`, correct: mark === '+' }));
  const sampled = (marks: readonly string[], column = 'correct') =>
    marks.flatMap((own, index) =>
      [...own].map((mark, sample_index) => ({
        ...{ index, sample_index, question: `q${index}` },
        [column]: mark === '?' ? null : mark === '+',
      })),
    );

  it('counts who is right where', () => {
    expect(compareEvaluations(rows('++--+-'), rows('+-+++-'))).toMatchObject({
      n: 6,
      unmatched: 0,
      share_a: 0.5,
      share_b: 4 / 6,
      difference: 1 / 6,
      only_a: 1,
      only_b: 2,
      p_value: 1,
    });
  });

  it('takes samples of an example together, by another column when asked', () => {
    // Differences of the examples: 1/2, 0, 1, 0; mean 3/8, deviation √(0.6875/3) = 0.4787.
    const compared = compareEvaluations(
      sampled(['+-', '+-', '--', '++'], 'coherent'),
      sampled(['++', '-+', '++', '++'], 'coherent'),
      'coherent',
    );
    expect(compared).toMatchObject({ n: 8, examples: 4, only_a: 0, only_b: 2, p_value: 0.5 });
    expect(compared.difference).toBeCloseTo(3 / 8, 12);
    expect(compared.difference_low).toBeCloseTo(3 / 8 - (1.95996 * 0.478714) / 2, 4);
  });

  it('has shares and difference over the same examples where some samples have no grade', () => {
    const compared = compareEvaluations(sampled(['----', '+???']), sampled(['++++', '+???']));
    expect(compared).toMatchObject({
      n: 5,
      examples: 2,
      share_a: 0.5,
      share_b: 1,
      difference: 0.5,
    });
  });

  it('reads rows of CSV files, in any order, and leaves out what has no partner or grade', () => {
    const csv = [
      { id: '2', question: 'q2', correct: 'false' },
      { id: '0', question: 'q0', correct: 'true' },
      { id: '9', question: 'q9', correct: 'true' },
      { id: '1', question: 'q1', correct: '' },
    ];
    const compared = compareEvaluations(rows('-++'), csv);
    expect(compared).toMatchObject({ n: 2, unmatched: 2, only_a: 1, only_b: 1, p_value: 1 });
  });

  it('refuses other questions, and evaluations with nothing in common', () => {
    const other = rows('++').map((row) => ({ ...row, question: 'x' }));
    expect(() => compareEvaluations(rows('++'), other)).toThrow(/example 0\/0 is another question/);
    const asked = (name: string, value: unknown) => [{ index: 0, correct: true, [name]: value }];
    for (const [name, one, two] of [
      ['prompt', 'a', 'b'],
      ['messages', [{ role: 'user', content: 'a' }], [{ role: 'user', content: 'b' }]],
    ] as const) {
      expect(compareEvaluations(asked(name, one), asked(name, one)).n).toBe(1);
      const compare = () => compareEvaluations(asked(name, one), asked(name, two));
      expect(compare).toThrow(/example 0\/0 is another question/);
    }
    expect(() => compareEvaluations(rows('+'), [])).toThrow(/share no graded example/);
  });

  it('takes prompt_id for the example, and refuses rows without a name or with that of another', () => {
    const named = rows('+-').map(({ index, ...row }) => ({ ...row, prompt_id: String(index) }));
    expect(compareEvaluations(rows('++'), named)).toMatchObject({ n: 2, only_a: 1, only_b: 0 });
    const nameless = rows('++').map(({ correct }) => ({ correct, text: 'x' }));
    const compare = () => compareEvaluations(nameless, nameless);
    expect(compare).toThrow(
      /no id, index or prompt_id to be paired by \(it has correct=\w+, text\)/,
    );
    const twice = [...rows('++'), ...rows('+')];
    expect(() => compareEvaluations(rows('+'), twice)).toThrow(/two rows .* are example 0\/0/);
  });
});
