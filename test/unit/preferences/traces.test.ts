/** Traces: which attempts are made, what is written, and going on after an interruption. */
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTraces, type TraceAttempt, traceProblem } from '../../../src/preferences/index.js';
import { traceFiles } from '../../../src/preferences/trace-files.js';
import { traceStats } from '../../../src/preferences/trace-rows.js';
import type { TracesOptions } from '../../../src/preferences/traces.js';
import { readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

const right = (n: number, how = 'worked out') =>
  `<start_working_out>${how}<end_working_out><SOLUTION>${n}</SOLUTION>`;

/** Problem i has the answer i. */
const problems = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    traceProblem({ question: `q${i}`, answer: `own ${i}\n#### ${i}` }, `row ${i}`),
  );

/** Solves problem i at attempt `solvedAt[i]`, never when that is 0. Records the calls. */
function solver(solvedAt: readonly number[]) {
  const calls: string[][] = [];
  const generate = async (attempts: readonly TraceAttempt[]) => {
    calls.push(attempts.map(({ index, attempt }) => `${index}.${attempt}`));
    return attempts.map(({ index, attempt }) =>
      attempt === solvedAt[index] ? right(index, `try ${attempt}`) : right(-1),
    );
  };
  return { calls, generate };
}

const make = (options: Pick<TracesOptions, 'output' | 'generate'> & Partial<TracesOptions>) =>
  makeTraces({ problems: problems(2), batchSize: 2, maxAttempts: 1, requestHash: 'a', ...options });

describe('makeTraces', () => {
  it('tries again only what is unsolved, keeps batches full, falls back at the end', async () => {
    const output = join(dir, 'traces.jsonl');
    const { calls, generate } = solver([2, 1, 0, 1]);
    const done: number[] = [];
    const stats = await make({
      problems: problems(4),
      generate,
      maxAttempts: 3,
      output,
      onProgress: (count) => done.push(count),
    });
    expect(calls).toEqual([['0.1', '1.1'], ['0.2', '2.1'], ['2.2', '3.1'], ['2.3']]);
    expect(readFileSync(output, 'utf8')).toBe(
      '{"question":"q0","answer":"try 2\\n\\n#### 0"}\n' +
        '{"question":"q1","answer":"try 1\\n\\n#### 1"}\n' +
        '{"question":"q2","answer":"own 2\\n\\n#### 2"}\n' +
        '{"question":"q3","answer":"try 1\\n\\n#### 3"}\n',
    );
    const expected = {
      total_samples: 4,
      grpo_successes: 3,
      fallback_count: 1,
      success_rate: 0.75,
      avg_attempts_for_successes: 4 / 3,
      avg_attempts_overall: 7 / 4,
    };
    expect(stats).toEqual(expected);
    expect(readJson(`${output}.stats.json`)).toEqual(expected);
    expect(done).toEqual([0, 1, 2, 3, 4]);
  });

  it('gives the same files after an interruption at any call', async () => {
    const solvedAt = [0, 1, 2, 3, 1, 0, 2];
    const options = { problems: problems(7), batchSize: 3, maxAttempts: 3 };
    const whole = join(dir, 'whole.jsonl');
    const stats = await make({ ...options, output: whole, generate: solver(solvedAt).generate });
    for (let stopAt = 1; stopAt <= 6; stopAt++) {
      const output = join(dir, `stopped-${stopAt}.jsonl`);
      const { calls, generate } = solver(solvedAt);
      const failing: typeof generate = async (attempts) => {
        if (calls.length + 1 === stopAt) throw new Error('killed');
        return generate(attempts);
      };
      await expect(make({ ...options, output, generate: failing })).rejects.toThrow('killed');
      appendFileSync(output, '{"question":"q9","ans');
      const kept = readFileSync(output, 'utf8').split('\n').length - 1;
      const second = solver(solvedAt);
      expect(await make({ ...options, output, generate: second.generate })).toEqual(stats);
      expect(readFileSync(output, 'utf8')).toBe(readFileSync(whole, 'utf8'));
      expect(second.calls[0]?.[0]).toBe(`${kept}.1`);
    }
  });

  it('keeps a finished file without another attempt', async () => {
    const output = join(dir, 'finished.jsonl');
    const stats = await make({ output, generate: solver([1, 0]).generate });
    const again = solver([1, 1]);
    expect(await make({ output, generate: again.generate })).toEqual(stats);
    expect(again.calls).toEqual([]);
  });

  it('refuses rows that something has broken', async () => {
    const output = join(dir, 'broken.jsonl');
    const options = { output, generate: solver([1, 1]).generate };
    await make(options);
    writeFileSync(traceFiles(output).attempts, '{"index":0,"solved":true}\n');
    await expect(make(options)).rejects.toThrow(
      /broken\.jsonl\.attempts\.jsonl: row 1: field "attempts" is missing/,
    );
  });

  it('refuses rows of which nothing says what made them', async () => {
    const output = join(dir, 'unknown.jsonl');
    await make({ output, generate: solver([1, 1]).generate });
    rmSync(traceFiles(output).attempts);
    const before = readFileSync(output, 'utf8');
    await expect(make({ output, generate: solver([1, 1]).generate })).rejects.toThrow(
      `${output}:1: nothing in ${output}.attempts.jsonl says what made the row. Give overwrite=true`,
    );
    expect(readFileSync(output, 'utf8')).toBe(before);
  });

  it('replaces other traces when it has some, and not before', async () => {
    const output = join(dir, 'replaced.jsonl');
    await make({ output, generate: solver([1, 1]).generate });
    const before = Object.values(traceFiles(output)).map((path) => readFileSync(path, 'utf8'));
    let rows = 0;
    const options = { output, overwrite: true, requestHash: 'b', onRows: () => rows++ };
    const failing = async () => {
      throw new Error('no sampler');
    };
    await expect(make({ ...options, generate: failing })).rejects.toThrow('no sampler');
    const after = Object.values(traceFiles(output)).map((path) => readFileSync(path, 'utf8'));
    expect([after, rows]).toEqual([before, 0]);
    const { calls, generate } = solver([2, 0]);
    await make({ ...options, generate, maxAttempts: 2 });
    expect([calls.length, rows]).toEqual([2, 1]);
    expect(readJsonl(output).map(({ answer }) => answer)).toEqual([
      'try 2\n\n#### 0',
      'own 1\n\n#### 1',
    ]);
  });

  it('refuses a file of other problems or another model, until it is replaced', async () => {
    const output = join(dir, 'other.jsonl');
    const options = { output, generate: solver([1, 1]).generate };
    await make(options);
    const others = [traceProblem({ question: 'else', answer: 'x #### 0' }, 'row 1')];
    await expect(make({ ...options, problems: others })).rejects.toThrow(
      /other\.jsonl:1: the row belongs to another set of problems.*overwrite=true/,
    );
    await expect(make({ ...options, requestHash: 'b' })).rejects.toThrow(
      `${output}:1: the row was made by another model or with other settings`,
    );
    const rows = readJsonl(traceFiles(output).attempts).map(({ request_hash: _, ...row }) => row);
    writeFileSync(traceFiles(output).attempts, toJsonl(rows));
    await expect(make(options)).rejects.toThrow(
      `${output}:1: the row was made by another model or with other settings`,
    );
    const replaced = await make({ ...options, problems: others, overwrite: true });
    expect(replaced.total_samples).toBe(1);
    expect(readJsonl(output)).toHaveLength(1);
  });

  it('accepts an answer only with reasoning and in its tags', async () => {
    const output = join(dir, 'strict.jsonl');
    const texts = ['<SOLUTION>0</SOLUTION>', 'worked #### 1', right(2).replace('worked out', ' ')];
    await make({ problems: problems(3), generate: async () => texts, batchSize: 3, output });
    expect(readJsonl(output).map(({ answer }) => answer)).toEqual([
      'own 0\n\n#### 0',
      'own 1\n\n#### 1',
      'own 2\n\n#### 2',
    ]);
  });

  it('refuses a generator that loses attempts', async () => {
    const output = join(dir, 'lost.jsonl');
    await expect(make({ output, generate: async () => ['x'] })).rejects.toThrow(
      /2 attempts gave 1 completion/,
    );
  });
});

describe('traceProblem', () => {
  it('takes both forms of solved problems', () => {
    const expected = { question: 'q', gold: '1,000', reasoning: 'r' };
    expect(traceProblem({ question: 'q', answer: 'r\n#### 1,000' }, 'x')).toEqual(expected);
    expect(traceProblem({ question: 'q', reasoning: 'r', answer: '1,000' }, 'x')).toEqual(expected);
  });

  it.each([[{ answer: 'r #### 1' }], [{ question: 'q', answer: '1' }], [{ question: 'q' }]])(
    'refuses %j',
    (row) => {
      expect(() => traceProblem(row, 'rows.jsonl:3')).toThrow(/rows\.jsonl:3: a problem needs/);
    },
  );
});

describe('traceStats', () => {
  it('has no mean over no successes', () => {
    const unsolved = { index: 0, solved: false, attempts: 5, request_hash: 'a' };
    expect(traceStats([unsolved])).toEqual({
      total_samples: 1,
      grpo_successes: 0,
      fallback_count: 1,
      success_rate: 0,
      avg_attempts_for_successes: null,
      avg_attempts_overall: 5,
    });
    expect(() => traceStats([])).toThrow(/no problems/);
  });
});

it('reads only whole lines', async () => {
  writeFileSync(join(dir, 'half.jsonl'), '{"question":"q0","answer":"a"}');
  const output = join(dir, 'half.jsonl');
  await expect(
    make({ problems: problems(1), generate: solver([1]).generate, output }),
  ).resolves.toMatchObject({ grpo_successes: 1 });
});
