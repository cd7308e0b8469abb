import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../../src/cli/cli.js';
import { gradeSchema, loadConfig } from '../../../src/config/index.js';
import type { GradeSummary } from '../../../src/recipes/grade/results.js';
import { runGrade } from '../../../src/recipes/grade.js';
import { readJsonl, toJsonl } from '../../../src/util/files.js';
import { call } from '../../support/call.js';
import { SILENT } from '../../support/context.js';
import { chatAnswer, startServer } from '../../support/model-server.js';
import { temporaryFolder } from '../../support/temporary.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const path = (name: string) => join(folder, name);

async function grade(grader: object, rows: readonly object[], more: readonly string[] = []) {
  writeFileSync(path('g.json'), JSON.stringify(grader));
  writeFileSync(path('in.jsonl'), toJsonl(rows));
  const files = [
    `grader_file=${path('g.json')}`,
    `input=${path('in.jsonl')}`,
    `output=${path('out.jsonl')}`,
  ];
  const config = loadConfig(gradeSchema, { overrides: [...files, 'overwrite=true', ...more] });
  const summary = (await runGrade(config, SILENT)) as GradeSummary;
  return { summary, rows: readJsonl(path('out.jsonl')) };
}

const exact = {
  type: 'string_check',
  name: 'exact',
  input: '{{sample.output_text}}',
  reference: '{{item.reference_answer}}',
  operation: 'eq',
  pass_threshold: 0.5,
};

describe('grade', () => {
  it('says how many rows the grader failed on, and why; no row at all is an error', async () => {
    const lines: string[] = [];
    const rows = [{ item: {}, sample: { output_text: 'a' } }];
    await grade(exact, rows);
    const keys = [`grader_file=${path('g.json')}`, `input=${path('in.jsonl')}`];
    const config = loadConfig(gradeSchema, { overrides: keys });
    const context = { ...SILENT, log: (line: string) => void lines.push(line) };
    await runGrade(config, context);
    expect(lines).toContainEqual(
      expect.stringMatching(
        /^warning: 1 of 1 row without a score; the first \(error\): .*reference_answer/,
      ),
    );
    writeFileSync(path('in.jsonl'), '');
    await expect(runGrade(config, context)).rejects.toThrow(/in\.jsonl: there is no row in it/);
  });

  it('takes rows of a table, and says that it was stopped', async () => {
    writeFileSync(path('g.json'), JSON.stringify(exact));
    writeFileSync(path('in.csv'), 'reference_answer,completion\n7,7\n8,"7,5"\n');
    const words = ['grade', `grader_file=${path('g.json')}`, `input=${path('in.csv')}`];
    const { out } = await call(words);
    expect(out.split('\n').map((line) => JSON.parse(line).score)).toEqual([1, 0]);
    const lines: string[] = [];
    const say = (line: string) => void lines.push(line);
    const signal = AbortSignal.abort('SIGTERM');
    const world = { env: {}, signal, out: say, err: say, colours: false, columns: 100 };
    expect(await runCli(words, world)).toBe(143);
    expect(lines).toEqual(['error: stopped by SIGTERM']);
  });

  it('keeps nothing of an earlier grading', async () => {
    const earlier = { score: null, status: 'timeout', reason: 'slow', passed: false, parts: {} };
    const row = { id: 1, reference_answer: 'a', completion: 'a' };
    const { pass_threshold: _, ...plain } = exact;
    const { rows } = await grade(plain, [{ ...row, ...earlier }]);
    expect(rows).toEqual([{ ...row, score: 1, status: 'ok' }]);
  });

  it('adds score and status to rows of either form', async () => {
    const { summary, rows } = await grade(exact, [
      { item: { reference_answer: 'a' }, sample: { output_text: 'a' }, id: 1 },
      { messages: [], reference_answer: 'a', completion: 'b' },
      { item: { reference_answer: null }, sample: { output_text: 'a' } },
      { item: {}, sample: { output_text: '\ud800' } },
    ]);
    expect(rows.map(({ score, status, passed }) => [score, status, passed])).toEqual([
      [1, 'ok', true],
      [0, 'ok', false],
      [null, 'skipped', undefined],
      [null, 'error', undefined],
    ]);
    expect(rows[0]).toMatchObject({ id: 1, item: { reference_answer: 'a' } });
    expect(summary).toMatchObject({
      rows: 4,
      mean_score: 0.5,
      pass_rate: 0.5,
      statuses: { ok: 2, timeout: 0, error: 1, skipped: 1 },
      endpoint: null,
    });
  });

  it('asks a judge, keeps its answers, and counts', async () => {
    const server = await startServer(() => ({ body: chatAnswer('{"result": 0.5}') }));
    const judge = {
      type: 'score_model',
      name: 'judge',
      model: 'some-model',
      input: [{ role: 'user', content: 'Score {{sample.output_text}}' }],
    };
    const rows = ['x', 'y', 'x'].map((output_text) => ({ item: {}, sample: { output_text } }));
    const endpoint = [
      `judge.base_url=${server.baseUrl}`,
      'judge.model=local',
      `judge.cache_dir=${path('cache')}`,
      'judge.price_input=1',
    ];
    const first = await grade(judge, rows, endpoint);
    expect(first.rows.map(({ score }) => score)).toEqual([0.5, 0.5, 0.5]);
    // two requests of 10 tokens at 1 per million
    expect(first.summary.endpoint).toMatchObject({ requests: 3, cached: 1, cost: 2e-5 });
    expect(server.asked[0]?.body?.model).toBe('local');
    const again = await grade(judge, rows, endpoint);
    expect(again.summary.endpoint).toMatchObject({ requests: 3, cached: 3, cost: 0 });
    expect(server.asked).toHaveLength(2);
  });

  it('marks what an endpoint does not answer', async () => {
    const server = await startServer((_, index) =>
      index === 0 ? { status: 400, body: { error: { code: 'invalid_request_error' } } } : {},
    );
    const judge = {
      type: 'label_model',
      name: 'l',
      model: 'm',
      input: 'Good? {{sample.output_text}}',
      labels: ['yes', 'no'],
      passing_labels: ['yes'],
    };
    const rows = ['x', 'y'].map((output_text) => ({ item: {}, sample: { output_text } }));
    const more = [
      `judge.base_url=${server.baseUrl}`,
      'judge.timeout_s=0.8',
      'judge.max_attempts=1',
    ];
    const options = [...more, 'judge.cache_dir=null', 'concurrency=1'];
    const graded = await grade(judge, rows, options);
    expect(graded.rows.map(({ score, status }) => [score, status])).toEqual([
      [null, 'error'],
      [null, 'timeout'],
    ]);
    const zero = await grade(judge, rows, [...options, 'on_error=zero']);
    expect(zero.rows.map(({ score, status }) => [score, status])).toEqual([
      [0, 'timeout'],
      [0, 'timeout'],
    ]);
  });

  it('checks name the row without a reference answer, and refuse a file without rows', async () => {
    const rows = [{ reference_answer: 'a' }, { reference_answer: null }];
    await expect(grade(exact, rows, ['validate=true'])).rejects.toThrow(
      'in.jsonl:2: it has no reference answer by gold={{ item.reference_answer }}: item.reference_answer is null',
    );
    for (const check of ['validate=true', 'stress=true']) {
      await expect(grade(exact, [], [check])).rejects.toThrow('in.jsonl: there is no row in it');
    }
  });

  it('refuses rows without a sample, and output that is there', async () => {
    await expect(grade(exact, [{ item: {} }])).rejects.toThrow('in.jsonl:1: the row has no sample');
    writeFileSync(path('out.jsonl'), 'kept');
    await expect(grade(exact, [], ['overwrite=false'])).rejects.toThrow('exists');
    expect(readFileSync(path('out.jsonl'), 'utf8')).toBe('kept');
  });
});
