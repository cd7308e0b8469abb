/** `eval` and `solve` on a tiny checkpoint: strategies, samples and runs, kept predictions, bad input. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import { evalSchema, loadConfig, solveSchema } from '../../../src/config/index.js';
import type { StrategyFacts } from '../../../src/evaluate/index.js';
import { writeStrategyTable } from '../../../src/recipes/compare/strategy-table.js';
import { runEval } from '../../../src/recipes/eval.js';
import { openSolver, runSolve } from '../../../src/recipes/solve.js';
import { type JsonRow, readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import { logInto } from '../../support/context.js';
import { evaluationFile } from '../../support/evaluation-file.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tinyTraining, withOtherEnds } from '../../support/tiny-training.js';
import { writeRunRecord } from './run-record.js';

const dir = temporaryFolder();
const logged: string[] = [];
const context = logInto(logged);
const { base: model } = tinyTraining(dir);

const KEYS = ['threads=1', 'prompt_template={prompt}', 'max_new_tokens=8', 'sandbox=none'];

async function evaluated(name: string, ...words: string[]) {
  const rows = ['benchmark=arithmetic', 'dataset.num_samples=3', 'temperature=1'];
  const overrides = [`model=${model}`, `output_dir=${join(dir, name)}`, ...KEYS, ...rows, ...words];
  return runEval(loadConfig(evalSchema, { overrides }), context);
}

/** Rows of the run without what a clock says. */
const rowsOf = (name: string): readonly JsonRow[] =>
  readJsonl(evaluationFile(join(dir, name))).map(({ seconds: _, ...row }) => row);

describe('strategies', () => {
  it.each(['majority_vote', 'weighted_vote', 'genselect'])('%s tries several', async (name) => {
    const metrics = await evaluated(name, `strategy=${name}`, 'strategy_samples=3');
    expect(metrics).toMatchObject({ eval_size: 3, samples_per_example: 1, strategy: name });
    expect(metrics).toMatchObject({ 'strategy/candidates': 3 });
    for (const { strategy } of rowsOf(name)) {
      expect(strategy).toMatchObject({ candidates: 3, stopped: 'done' });
    }
  });

  it('tir needs code to run any', async () => {
    await evaluated('tir', 'strategy=tir');
    for (const { strategy } of rowsOf('tir')) {
      expect(strategy).toMatchObject({ candidates: 1, executions: 0 });
    }
  });

  it('a token budget holds, and says so', async () => {
    logged.length = 0;
    const words = ['strategy=majority_vote', 'strategy_samples=2', 'token_budget=6'];
    const metrics = await evaluated('budget', ...words);
    const facts = rowsOf('budget').map(({ strategy }) => strategy as StrategyFacts);
    for (const { tokens } of facts) expect(tokens).toBeLessThanOrEqual(6);
    const ended = facts.filter(({ stopped }) => stopped === 'tokens').length;
    expect(ended).toBeGreaterThan(0);
    expect(metrics).toMatchObject({
      'strategy/candidates': 2,
      'strategy/tokens': facts.reduce((sum, { tokens }) => sum + tokens, 0) / facts.length,
      'strategy/ended_by_tokens': ended,
    });
    expect(metrics).not.toHaveProperty('strategy/ended_by_time');
    expect(logged.join('\n')).toContain(
      `warning: token_budget ended ${ended} of 3 problems, which are graded by what there was of them`,
    );
  });

  it('says how many problems the time budget has ended', async () => {
    logged.length = 0;
    const words = ['strategy=majority_vote', 'max_new_tokens=64', 'time_budget=0.000001'];
    const metrics = await evaluated('late', ...words);
    expect(metrics).toMatchObject({ 'strategy/candidates': 0, 'strategy/ended_by_time': 3 });
    expect(metrics).not.toHaveProperty('strategy/executions');
    expect(logged.join('\n')).toContain('warning: time_budget ended 3 of 3 problems');
  });

  it('greedy refuses several solutions, which it would not sample', async () => {
    await expect(evaluated('one', 'strategy_samples=4')).rejects.toThrow(
      'strategy_samples: greedy gives one solution, not 4. Give strategy=majority_vote',
    );
  });

  it('several solutions at temperature 0 are refused', async () => {
    const call = evaluated('cold', 'strategy=majority_vote', 'temperature=0');
    await expect(call).rejects.toThrow('temperature=0.7');
  });
});

describe('level 5 of MATH', () => {
  const mathRows = (levels: readonly string[]) => {
    const path = join(dir, 'levels.jsonl');
    const row = (level: string, i: number) => ({
      question: `What is ${i} + 1?`,
      reasoning: `It is $\\boxed{${i + 1}}$.`,
      answer: String(i + 1),
      level,
    });
    writeFileSync(path, toJsonl(levels.map(row)));
    return `dataset.path=${path}`;
  };
  const levels = ['Level 1', 'Level 5', '5', 'Level 2', 'Level 5'];

  it('is a benchmark: those rows, before num_samples are taken', async () => {
    const words = ['benchmark=math-level-5', 'dataset.num_samples=2', mathRows(levels)];
    expect(await evaluated('level-5', ...words)).toMatchObject({ eval_size: 2 });
    expect(logged.at(-2)).toMatch(/data: 2 of 5 rows of .*, those of level Level 5 or 5$/);
    const all = await evaluated('level-5-all', ...words, 'dataset.num_samples=9');
    expect(all).toMatchObject({ eval_size: 3 });
  });

  it('is a row of its own in the table of strategies', async () => {
    const words = ['benchmark=math', 'dataset.num_samples=9', mathRows(levels.with(2, 'Level 3'))];
    await evaluated('math-greedy', ...words, 'temperature=0');
    await evaluated('math-sc', ...words, 'strategy=majority_vote', 'strategy_samples=2');
    const table = join(dir, 'table.csv');
    const folders = ['math-greedy', 'math-sc'].map((name) => join(dir, name));
    // A random model is right nowhere; the table reads what the evaluation says of its levels.
    const { run_id: id } = readJson(join(folders[0]!, 'run.json')) as { run_id: string };
    const file = join(folders[0]!, 'debug', `eval_${id}_metrics.json`);
    const metrics = readJson(file) as { tables: { column: string; rows: JsonRow[] }[] };
    const byLevel = metrics.tables.find(({ column }) => column === 'level')!;
    const hardest = byLevel.rows.find(({ value }) => value === 'Level 5')!;
    expect(hardest).toMatchObject({ n: 2, accuracy: 0 });
    Object.assign(hardest, { accuracy: 0.5 });
    writeFileSync(file, JSON.stringify(metrics));
    const { header, rows: cells } = writeStrategyTable(table, folders);
    const rows = parse(readFileSync(table), { columns: true }) as JsonRow[];
    expect(rows).toEqual([
      { benchmark: 'math', n: '5', greedy: '0', 'SC@2': '0' },
      { benchmark: 'math-level-5', n: '2', greedy: '0.5', 'SC@2': '0' },
    ]);
    expect(header).toEqual(['benchmark', 'n', 'greedy', 'SC@2']);
    expect(cells).toEqual([
      ['math', 5, 0, 0],
      ['math-level-5', 2, 0.5, 0],
    ]);
    const twice = () => writeStrategyTable(table, [...folders, folders[0]!]);
    expect(twice).toThrow(
      /table: .*math-greedy and .*math-greedy are both math with greedy, one cell/,
    );
  });

  it('refuses evaluations of one benchmark over numbers of examples that differ', () => {
    const folders = [7, 3].map((size) => {
      const run = join(temporaryFolder(), `of-${size}`);
      mkdirSync(run);
      const config = { benchmark: 'math', strategy: size === 7 ? 'greedy' : 'tir' };
      writeRunRecord(run, { command: 'eval', config, results: { eval_size: size, accuracy: 0 } });
      return run;
    });
    const table = () => writeStrategyTable(join(temporaryFolder(), 'table.csv'), folders);
    expect(table).toThrow(/table: .*of-7 has 7 examples of math, and .*of-3 has 3/);
  });

  it.each([
    ['majority_vote', null, 'SC@8'],
    ['weighted_vote', null, 'weighted_vote@8'],
    ['genselect', 4, 'genselect@4'],
    ['tir', null, 'tir'],
    ['greedy', null, 'greedy'],
    ['greedy', null, 'T=0.7', 0.7],
  ])(
    '%s with strategy_samples=%s is %s in that table',
    (strategy, samples, name, temperature = 0) => {
      const run = join(temporaryFolder(), 'run');
      mkdirSync(run);
      const config = { benchmark: 'math', strategy, strategy_samples: samples, temperature };
      writeRunRecord(run, { command: 'eval', config, results: { eval_size: 1, accuracy: 0 } });
      expect(writeStrategyTable(join(run, 'table.csv'), [run]).header).toContain(name);
      expect(readFileSync(join(run, 'table.csv'), 'utf8')).toBe(`benchmark,n,${name}\nmath,1,0\n`);
    },
  );
});

describe('samples and runs', () => {
  it('name rows by their own ids, which rewards see too', async () => {
    const [path, seen] = ['rows.jsonl', 'ids.mjs'].map((name) => join(temporaryFolder(), name));
    const row = { question: 'What is 1 + 1?', answer: '2' };
    writeFileSync(path!, toJsonl(['test/7', 'test/9'].map((id) => ({ ...row, id }))));
    writeFileSync(seen!, "export const nine = (_text, { id }) => Number(id === 'test/9');\n");
    await evaluated('ids', `dataset.path=${path}`, `rewards=[{name: nine, file: ${seen}}]`);
    const rows = rowsOf('ids').map(({ id, reward }) => ({ id, reward }));
    expect(rows).toEqual([
      { id: 'test/7', reward: 0 },
      { id: 'test/9', reward: 1 },
    ]);
  });

  it('give pass@k and maj@k over all', async () => {
    const words = ['num_generations=2', 'n_runs=2', 'pass_at=[1,4]', 'majority_at=[2]'];
    const metrics = await evaluated('runs', ...words);
    expect(metrics).toMatchObject({ samples_per_example: 4, eval_size: 3 });
    expect(metrics['pass@1']).toBe(metrics.accuracy);
    expect(metrics['maj@2']).toBe(0);
    const rows = rowsOf('runs');
    expect(rows.map(({ sample_index: i }) => i)).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]);
    expect(rows.map(({ run }) => run).slice(0, 4)).toEqual([1, 1, 2, 2]);
    expect(rows[0]?.completion).not.toBe(rows[2]?.completion);
  });

  it('go on from the predictions that are there, to the same rows', async () => {
    await evaluated('whole', 'num_generations=2');
    const file = join(dir, 'whole', 'predictions', 'run_1.jsonl');
    const rows = rowsOf('whole');
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines).toHaveLength(1 + 6 + 1);
    writeFileSync(file, `${lines.slice(0, 4).join('\n')}\n`);
    logged.length = 0;
    await evaluated('whole', 'num_generations=2', 'resume=auto');
    expect(rowsOf('whole')).toEqual(rows);
    expect(logged.join('\n')).toContain('predictions: 3 completions');
    const other = evaluated('whole', 'num_generations=2', 'resume=auto', 'seed=7');
    await expect(other).rejects.toThrow('another model, prompts, sampling or seed');
    const ends = `model=${withOtherEnds(model, join(dir, 'ends'))}`;
    await expect(evaluated('whole', 'num_generations=2', 'resume=auto', ends)).rejects.toThrow(
      'another model, prompts, sampling or seed',
    );
  });

  it('what of a row is not read is said', async () => {
    const path = join(temporaryFolder(), 'rows.jsonl');
    const prompt = [{ role: 'user', content: 'What is 1 + 1?', thinking: 'easy' }];
    writeFileSync(path, toJsonl([{ question: 'What?', prompt, answer: '2' }]));
    logged.length = 0;
    await evaluated('unread', `dataset.path=${path}`);
    expect(logged).toContain(
      'data: 1 row with prompt and question: prompt is what the model reads',
    );
    expect(logged).toContain(
      'warning: fields of 1 message that prompt_template does not read are left out: thinking',
    );
  });

  it('worked examples change the prompts', async () => {
    const [plain, shots] = [
      await evaluated('zero'),
      await evaluated('few', 'num_fewshot=1', 'max_new_tokens=4'),
    ];
    expect(shots.prompt_hash).not.toBe(plain.prompt_hash);
  });

  it('worked examples need a question, and come before it also where a row has messages', async () => {
    const examples = join(dir, 'examples.jsonl');
    const example = { question: 'What is 2 + 2?', reasoning: 'It is 4.', answer: '4' };
    writeFileSync(examples, toJsonl([example]));
    const asked = async (rows: readonly JsonRow[], ...words: string[]) => {
      const path = join(temporaryFolder(), 'rows.jsonl');
      writeFileSync(path, toJsonl(rows));
      const files = [`dataset.path=${path}`, `fewshot_path=${examples}`, 'num_fewshot=1'];
      const { prompt_hash: hash } = await evaluated(`asked_${path}`, ...files, ...words);
      return hash;
    };
    const row = { question: 'What is 1 + 1?', answer: '2' };
    const messages = [{ role: 'user', content: 'Something else' }];
    expect(await asked([{ ...row, messages, ids: [1] }])).toBe(await asked([row]));
    await expect(asked([row, { prompt: 'What?', answer: '2' }])).rejects.toThrow(
      /rows\.jsonl:2: num_fewshot needs a text "question" \(the row has prompt, answer\)\. Map/,
    );
  });
});

describe('solve', () => {
  const overrides = (...words: string[]) => [`model=${model}`, ...KEYS, ...words];

  it('gives the candidates and the one chosen', async () => {
    const words = overrides('problem=1 + 2?', 'strategy=majority_vote', 'strategy_samples=3');
    const result = await runSolve(loadConfig(solveSchema, { overrides: words }), context);
    expect(result).toMatchObject({ problem: '1 + 2?', strategy: 'majority_vote' });
    expect(result.candidates).toHaveLength(3);
    const chosen = result.candidates.filter((candidate) => candidate.chosen);
    expect(chosen.map(({ text }) => text)).toEqual([result.solution]);
  });

  it('is a call of the library, for one problem or many', async () => {
    const words = overrides('problem=unused', 'temperature=0');
    const { problem: _, ...config } = loadConfig(solveSchema, { overrides: words });
    const solver = await openSolver(config, context);
    const [one, many] = [await solver.solve('1 + 2?'), await solver.solveAll(['1 + 2?', '3?'])];
    await solver.close();
    expect(many).toHaveLength(2);
    expect(many[0]?.candidates[0]?.text).toBe(one.candidates[0]?.text);
    const long = 'x '.repeat(5000);
    const again = await openSolver(config, context);
    await expect(again.solve(long)).rejects.toThrow('Shorten it');
    await again.close();
  });
});
