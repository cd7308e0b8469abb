/** `eval` and `solve` judged by grader objects: verdicts, statuses, metrics, files, votes, counts of judges. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evalSchema, loadConfig, solveSchema } from '../../../../src/config/index.js';
import { runEval } from '../../../../src/recipes/eval.js';
import { judgeModels } from '../../../../src/recipes/judge/judge-model.js';
import { runSolve } from '../../../../src/recipes/solve.js';
import { type JsonRow, readJson, readJsonl, toJsonl } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { evaluationFile } from '../../../support/evaluation-file.js';
import { filesIn } from '../../../support/files-in.js';
import { chatAnswer, startServer } from '../../../support/model-server.js';
import { noPython } from '../../../support/python.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const { dir, at } = filesIn(temporaryFolder());
const logged: string[] = [];
const context = logInto(logged);
const { base: model } = tinyTraining(dir);

/** RFT rows, the last one without its reference. */
const ROWS = ['alpha', 'beta', null].map((reference_answer, id) => ({
  id: `row-${id}`,
  reference_answer,
  messages: [{ role: 'user', content: `Say ${reference_answer}.` }],
}));

writeFileSync(at('rft.jsonl'), toJsonl(ROWS));

const KEYS = ['threads=1', 'prompt_template={prompt}', 'max_new_tokens=8', 'judge.cache_dir=null'];
const JUDGE = () => [
  ...[`judge.model_path=${model}`, 'judge.prompt_template={prompt}', 'judge.max_new_tokens=24'],
];

function graderFile(name: string, grader: object): string {
  writeFileSync(at(`${name}.json`), JSON.stringify(grader));
  return at(`${name}.json`);
}

async function judged(name: string, grader: object, ...words: string[]) {
  const rows = [`dataset.path=${at('rft.jsonl')}`, 'dataset.shuffle=false'];
  const file = `grader_file=${graderFile(name, grader)}`;
  const overrides = [`model=${model}`, `output_dir=${at(name)}`, ...KEYS, ...rows, file, ...words];
  const metrics = await runEval(loadConfig(evalSchema, { overrides }), context);
  return { metrics, rows: rowsOf(name) };
}

const rowsOf = (name: string): readonly JsonRow[] => readJsonl(evaluationFile(at(name)));

const both = { input: '{{sample.output_text}}', reference: '{{item.reference_answer}}' };
const message = [{ role: 'user', content: '{{item.id}}: {{sample.output_text}}' }];
const scoreModel = { type: 'score_model', name: 'j', model: 'm', input: message };

describe('a grader file decides what is correct', () => {
  it('with a status for each row, and accuracy over those with a score', async () => {
    logged.length = 0;
    const { metrics, rows } = await judged('checks', {
      type: 'string_check',
      operation: 'ne',
      ...both,
    });
    expect(rows.map(({ correct, score, status }) => [correct, score, status])).toEqual([
      [true, 1, 'ok'],
      [true, 1, 'ok'],
      [null, null, 'skipped'],
    ]);
    expect(rows[2]!.reason).toBe('item.reference_answer is null');
    expect(rows[0]!.question).toBe('Say alpha.');
    expect(metrics).toMatchObject({
      eval_size: 2,
      ungraded: 1,
      accuracy: 1,
      flexible_accuracy: 1,
      mean_score: 1,
      status_ok: 2,
      status_skipped: 1,
      status_error: 0,
      status_timeout: 0,
    });
    expect(logged.join('\n')).toContain('has no pass_threshold: scores of 1 and more are correct');
    const text = readFileSync(evaluationFile(at('checks'), '_metrics.txt'), 'utf8');
    expect(text).toContain('Grades: 2 ok, 0 timeout, 0 error, 1 skipped');
    expect(text).not.toContain('Flexible');
    expect(text).toContain('Not graded: 1 completion without a score');
  });

  it('from pass_threshold on, with the mean of the scores beside it', async () => {
    const part = { type: 'text_similarity', evaluation_metric: 'fuzzy_match', ...both };
    const { metrics, rows } = await judged('threshold', {
      type: 'multi',
      graders: { fuzzy: part },
      calculate_output: '2 * fuzzy + 1',
      pass_threshold: 1.2,
    });
    const scores = rows.slice(0, 2).map(({ score }) => Number(score));
    expect(metrics.mean_score).toBeCloseTo((scores[0]! + scores[1]!) / 2, 12);
    expect(metrics.correct).toBe(scores.filter((score) => score >= 1.2).length);
    expect(rows[0]!.parts).toEqual({ fuzzy: (scores[0]! - 1) / 2 });
  });

  it('and rows that ask for too much are marked', async () => {
    const missing = { ...both, reference: '{{item.nothing}}' };
    const { metrics } = await judged('missing', {
      type: 'string_check',
      operation: 'eq',
      ...missing,
    });
    expect(metrics).toMatchObject({ eval_size: 0, accuracy: null, status_error: 3 });
    const warning = '3 of 3 completions not graded and in no accuracy; the first (error): item: ';
    expect(logged.join('\n')).toContain(warning);
    const broken = judged('broken', { type: 'string_check', operation: 'eq', input: '{{x}}' });
    await expect(broken).rejects.toThrow();
    expect(() => rowsOf('broken')).toThrow();
  });

  it.skipIf(noPython !== null)('Python that hangs is a time-out', async () => {
    const source =
      'def grade(sample, item):\n    while item["id"] == "row-1": pass\n    return 0.5\n';
    const words = ['sandbox=none', 'python_timeout_s=1'];
    const grader = { type: 'python', source, pass_threshold: 0.5 };
    const { metrics, rows } = await judged('hangs', grader, ...words);
    expect(rows.map(({ status, correct }) => [status, correct])).toEqual([
      ['ok', true],
      ['timeout', null],
      ['ok', true],
    ]);
    expect(metrics).toMatchObject({ eval_size: 2, status_timeout: 1, mean_score: 0.5 });
  });
});

describe('judges', () => {
  it('a server: what it does not answer is no 0, unless asked for; requests are counted', async () => {
    const server = await startServer(({ body }) =>
      JSON.stringify(body).includes('row-1')
        ? { status: 400, body: { error: { code: 'invalid_request_error' } } }
        : { body: chatAnswer('{"result": 4}') },
    );
    const where = [`judge.base_url=${server.baseUrl}`, 'judge.price_output=1e6'];
    const grader = { ...scoreModel, range: [1, 5], pass_threshold: 4 };
    const { metrics, rows } = await judged('server', grader, ...where);
    expect(rows.map(({ score, status }) => [score, status])).toEqual([
      [4, 'ok'],
      [null, 'error'],
      [4, 'ok'],
    ]);
    expect(metrics).toMatchObject({
      eval_size: 2,
      accuracy: 1,
      mean_score: 4,
      mean_score_high: 4,
      status_error: 1,
      judge_requests: 3,
      judge_failed: 1,
      judge_completion_tokens: 4,
      judge_cost: 4,
    });
    const zero = await judged('zero', grader, ...where, 'on_error=zero');
    expect(zero.metrics).toMatchObject({ eval_size: 3, correct: 2, status_error: 1 });
  });

  it('a model here, for the verdict, for rewards and for votes', async () => {
    logged.length = 0;
    const file = graderFile('vote', { ...scoreModel, input: 'Score {{sample.output_text}}:' });
    const { metrics, rows } = await judged(
      ...(['local', scoreModel, ...JUDGE()] as const),
      ...['strategy=weighted_vote', 'strategy_samples=2', 'temperature=1', 'vote_weight=reward'],
      `vote_rewards=[{name: judged, grader: ${file}}]`,
      `rewards=[{name: judged, grader: ${file}}, {name: soft_overlong, weight: 0}]`,
    );
    expect(metrics).toMatchObject({ status_ok: 3, eval_size: 3 });
    // a verdict and a reward for each of 3 rows, a weight for each of 6 candidates
    expect(metrics.judge_requests).toBe(12);
    expect(logged.filter((line) => line.startsWith('judge: '))).toEqual([
      `judge: ${model} is opened`,
    ]);
    expect(judgeModels.size).toBe(0);
    for (const row of rows) {
      expect(row.statuses).toEqual({ judged: 'ok', soft_overlong: 'ok' });
      expect(row.strategy).toMatchObject({ candidates: 2 });
    }
  });

  it('weigh the votes of solve', async () => {
    const input = 'Score {{item.question}} {{sample.output_text}}:';
    const grader = { ...scoreModel, input, range: [0.25, 3] };
    const overrides = [
      ...[`model=${model}`, ...KEYS, ...JUDGE(), 'problem=1 + 2?', 'strategy=weighted_vote'],
      ...['strategy_samples=6', 'vote_weight=reward', 'temperature=1'],
      `vote_rewards=[{name: judged, grader: ${graderFile('solve', grader)}}]`,
    ];
    const { candidates } = await runSolve(loadConfig(solveSchema, { overrides }), context);
    const weights = candidates.map(({ weight }) => weight);
    expect(weights).toHaveLength(6);
    for (const weight of weights) expect(weight >= 0.25 && weight <= 3).toBe(true);
    expect(new Set(weights).size).toBeGreaterThan(1);
  });
});

it('the benchmark factorization has a table by tier', async () => {
  const row = (number: number, tier: number) => ({
    messages: [{ role: 'user', content: `Factor ${number}` }],
    number,
    factors: [2, number / 2],
    metadata: { tier },
  });
  writeFileSync(at('numbers.jsonl'), toJsonl([row(6, 0), row(22, 0), row(202, 1)]));
  const rows = ['benchmark=factorization', `dataset.path=${at('numbers.jsonl')}`];
  const overrides = [`model=${model}`, `output_dir=${at('tiers')}`, ...KEYS, ...rows];
  const metrics = await runEval(loadConfig(evalSchema, { overrides }), context);
  expect(metrics).toMatchObject({ eval_size: 3, accuracy: 0, mean_score: 0 });
  const { tables } = readJson(evaluationFile(at('tiers'), '_metrics.json')) as {
    tables: JsonRow[];
  };
  expect(tables[0]).toMatchObject({
    column: 'metadata.tier',
    rows: [
      { value: '0', n: 2 },
      { value: '1', n: 1 },
    ],
  });
});
