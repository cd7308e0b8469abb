/** Logs of rows, CSV, text tables and progress. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import { describe, expect, it } from 'vitest';
import {
  duration,
  formatCell,
  type MetricRow,
  openRowLog,
  percent,
  type SampleRow,
  sampleRow,
  startProgress,
  textTable,
  withProgress,
  writeTable,
} from '../../../src/report/index.js';
import { readJsonl } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

describe('metric log', () => {
  it('has each row on disk when append returns', () => {
    const path = join(dir, 'a', 'metrics.jsonl');
    const log = openRowLog<MetricRow>(path);
    log.append({ step: 1, loss: 2.5 });
    log.append({ step: 2, loss: 2.25 });
    log.append({ step: 2, 'eval/accuracy': 0.5 });
    expect(readFileSync(path, 'utf8')).toBe(
      '{"step":1,"loss":2.5}\n{"step":2,"loss":2.25}\n{"step":2,"eval/accuracy":0.5}\n',
    );
    log.close();
    log.close();
  });

  it('cuts rows after the checkpoint, and half a line, when a run goes on', () => {
    const path = join(dir, 'cut.jsonl');
    writeFileSync(path, '{"step":1}\n{"step":2}\n{"step":2,"x":1}\n{"step":3}\n{"step":4,"lo');
    const log = openRowLog<MetricRow>(path, { resumeStep: 2 });
    log.append({ step: 3, loss: 1 });
    log.close();
    expect(readJsonl(path)).toEqual([
      { step: 1 },
      { step: 2 },
      { step: 2, x: 1 },
      { step: 3, loss: 1 },
    ]);
  });

  it('begins empty without a checkpoint, and where there was no file', () => {
    const path = join(dir, 'empty.jsonl');
    writeFileSync(path, '{"step":1}\n');
    openRowLog<MetricRow>(path).close();
    expect(readFileSync(path, 'utf8')).toBe('');
    openRowLog<MetricRow>(join(dir, 'none.jsonl'), { resumeStep: 5 }).close();
    expect(readFileSync(join(dir, 'none.jsonl'), 'utf8')).toBe('');
  });

  it('refuses a broken row in the middle', () => {
    const path = join(dir, 'broken.jsonl');
    writeFileSync(path, '{"step":1}\n{"st\n{"step":3}\n');
    expect(() => openRowLog<MetricRow>(path, { resumeStep: 3 })).toThrow(/broken\.jsonl:2/);
    writeFileSync(path, '{"step":1}\n{"loss":1}\n');
    expect(() => openRowLog<MetricRow>(path, { resumeStep: 3 })).toThrow(
      /row 2: field "step" is missing/,
    );
  });

  it('gives a row what it lacks, and changes nothing that it has', () => {
    const path = join(dir, 'complete.jsonl');
    writeFileSync(path, '{"step":1,"loss":3}\n{"step":2,"loss":"NaN"}\n');
    const log = openRowLog<MetricRow>(path, { resumeStep: 2 });
    expect(log.complete({ step: 2, loss: 1, 'eval/loss': 0.5 })).toBe(true);
    expect(log.complete({ step: 2, 'eval/loss': 0.75 })).toBe(false);
    log.append({ step: 3, loss: 2 });
    log.close();
    expect(readFileSync(path, 'utf8')).toBe(
      '{"step":1,"loss":3}\n{"step":2,"loss":"NaN","eval/loss":0.5}\n{"step":3,"loss":2}\n',
    );
  });

  it('begins with the metrics of a step that another folder has the row of', () => {
    const path = join(dir, 'elsewhere.jsonl');
    const log = openRowLog<MetricRow>(path, { resumeStep: 2 });
    expect(log.complete({ step: 2, 'eval/loss': 0.5 })).toBe(true);
    log.close();
    expect(readJsonl(path)).toEqual([{ step: 2, 'eval/loss': 0.5 }]);
  });

  it('shows numbers that JSON lacks', () => {
    const path = join(dir, 'nan.jsonl');
    const log = openRowLog<MetricRow>(path);
    log.append({ step: 1, loss: Number.NaN, grad_norm: Number.POSITIVE_INFINITY });
    log.close();
    expect(readJsonl(path)).toEqual([{ step: 1, loss: 'NaN', grad_norm: 'Infinity' }]);
  });
});

describe('sample rows', () => {
  const completion = {
    requestId: 'p3',
    sampleIndex: 1,
    promptIds: [5, 6],
    ids: [7, 8, 9],
    text: 'four',
    logprobs: Float32Array.of(-0.5, -1, -1.5),
    finishReason: 'stop',
    adapter: 'cafe',
    seconds: 0.25,
  };
  const parts = {
    format: { score: 1, status: 'ok' },
    correctness: { score: null, status: 'error', reason: 'no gold' },
  };

  it('hold everything that was decided', () => {
    const grade = { total: null, parts };
    const row = sampleRow(completion, { step: 4, prompt: 'Q', grade, advantage: -0.5, gold: '4' });
    expect(row).toEqual({
      step: 4,
      prompt_id: 'p3',
      sample_index: 1,
      advantage: -0.5,
      gold: '4',
      prompt: 'Q',
      completion: 'four',
      tokens: 3,
      finish_reason: 'stop',
      reward: null,
      rewards: { format: 1, correctness: null },
      statuses: { format: 'ok', correctness: 'error' },
      reasons: { correctness: 'no gold' },
      correct: null,
      logprob_mean: -1,
      adapter: 'cafe',
      seconds: 0.25,
    });
  });

  it('take correctness from the reward of that name', () => {
    const right = { total: 1, parts: { correctness: { score: 1, status: 'ok' } } };
    const row = sampleRow(completion, { step: 1, prompt: 'Q', grade: right });
    expect(row.correct).toBe(true);
    const given = sampleRow(completion, { step: 1, prompt: 'Q', grade: right, correct: false });
    expect(given.correct).toBe(false);
    const log = openRowLog<SampleRow>(join(dir, 'samples.jsonl'));
    log.append(row);
    log.close();
    expect(readJsonl(join(dir, 'samples.jsonl'))).toEqual([row]);
  });
});

describe('writeTable', () => {
  const csvOf = (...args: [rows: Parameters<typeof writeTable>[1], first?: string[]]) => {
    const path = join(dir, 'table.csv');
    writeTable(path, ...args);
    return readFileSync(path, 'utf8');
  };

  it('quotes commas, quotes and line breaks, and nothing else', () => {
    const rows = [{ a: 'x,y', b: 'say "hi"', c: 'one\ntwo', d: 'plain', e: 1.5, f: true, g: null }];
    expect(csvOf(rows)).toBe('a,b,c,d,e,f,g\n"x,y","say ""hi""","one\ntwo",plain,1.5,true,\n');
  });

  it('is read back as it was by another library', () => {
    const texts = ['', ' a ', '"', ',,\r\n""', '<SOLUTION>\u2028ü</SOLUTION>', "'", '\t'];
    const rows = texts.map((text, i) => ({ i, text, last: 'x' }));
    const back = parse(csvOf(rows), { columns: true }) as Record<string, string>[];
    expect(back.map(({ text }) => text)).toEqual(texts);
  });

  it('has the columns of all rows, and opens nested ones', () => {
    const rows = [
      { a: 1, rewards: { format: 0.5 } },
      { b: [1, 2], rewards: { format: null, x: 2 } },
    ];
    expect(csvOf(rows)).toBe('a,rewards/format,b,rewards/x\n1,0.5,,\n,,"[1,2]",2\n');
    expect(csvOf([])).toBe('');
    expect(csvOf([], ['a', 'b'])).toBe('a,b\n');
    expect(csvOf([{ c: 1, b: 2 }], ['a', 'b'])).toBe('a,b,c\n,2,1\n');
  });

  it('has one header over rows of any number, and the columns of the last', () => {
    const rows = Array.from({ length: 2001 }, (_, i) => ({ i, ...(i === 2000 && { last: 'x' }) }));
    const lines = csvOf(rows).split('\n');
    expect(lines.slice(0, 2)).toEqual(['i,last', '0,']);
    expect(lines.slice(64, 67)).toEqual(['63,', '64,', '65,']);
    expect(lines.slice(-2)).toEqual(['2000,x', '']);
    expect(lines).toHaveLength(2003);
  });

  it('may be longer than one text', () => {
    const text = 'a'.repeat(1 << 20);
    const path = join(dir, 'long.csv');
    writeTable(
      path,
      Array.from({ length: 513 }, () => ({ text })),
    );
    expect(statSync(path).size).toBe(5 + 513 * (text.length + 1));
    rmSync(path);
  });
});

describe('text tables', () => {
  it('align numbers right and texts left', () => {
    const rows = [
      ['base', 0.5, null],
      ['grpo, long', 12, 'x'],
    ];
    expect(textTable(['model', 'accuracy', 'note'], rows)).toBe(
      [
        'model       accuracy  note',
        '----------  --------  ----',
        'base             0.5',
        'grpo, long        12  x',
      ].join('\n'),
    );
  });

  it.each([
    [0.123456, '0.1235'],
    [1e-5, '1e-5'],
    [2.2149e-7, '2.21e-7'],
    [123456.7, '123500'],
    [1e9, '1000000000'],
    [0, '0'],
    [null, ''],
    [true, 'true'],
    ['a\n b', 'a b'],
  ])('show %j as %s', (cell, text) => {
    expect(formatCell(cell)).toBe(text);
  });

  it('show shares and times', () => {
    expect([percent(0.4567), percent(null)]).toEqual(['45.7%', 'n/a']);
    expect([0.25, 9.96, 75, 3725].map(duration)).toEqual([
      '0.3 s',
      '10 s',
      '1 min 15 s',
      '1 h 2 min',
    ]);
  });

  it('go on in further lines where a cell is long, broken between words where there are such', () => {
    const word = 'x'.repeat(130);
    const prose = `${'word '.repeat(12)}end`;
    const rows = [
      [word, 1, 'a'],
      ['b', 2, prose],
    ];
    expect(textTable(['name', 'n', 'note'], rows)).toBe(
      [
        `name${' '.repeat(56)}  n  note`,
        `${'-'.repeat(60)}  -  ${'-'.repeat(59)}`,
        `${'x'.repeat(60)}  1  a`,
        'x'.repeat(60),
        'x'.repeat(10),
        `b${' '.repeat(59)}  2  ${'word '.repeat(12).trim()}`,
        `${' '.repeat(65)}end`,
      ].join('\n'),
    );
    expect(
      textTable(['note'], [[`${'x'.repeat(59)}😀`]])
        .split('\n')
        .slice(2),
    ).toEqual([`${'x'.repeat(59)}😀`]);
  });
});

describe('progress', () => {
  function sink() {
    let text = '';
    const stream = new Writable({
      write(chunk, _, done) {
        text += chunk;
        done();
      },
    });
    return { stream, text: () => text };
  }

  it('writes a line every ten seconds and at the end, with the time left', () => {
    const { stream, text } = sink();
    let now = 0;
    const progress = startProgress({ label: 'sft', total: 40, stream, now: () => now });
    for (let step = 1; step <= 40; step++) {
      now += 1000;
      progress.update(step, { loss: 1 / step });
    }
    progress.stop();
    expect(text()).toBe(
      [
        'sft 10/40 (25%)  10 s, 30 s left  loss 0.1',
        'sft 20/40 (50%)  20 s, 20 s left  loss 0.05',
        'sft 30/40 (75%)  30 s, 10 s left  loss 0.03333',
        'sft 40/40 (100%)  40 s  loss 0.025',
        '',
      ].join('\n'),
    );
  });

  it('does not count the steps of an earlier process into the pace', () => {
    const { stream, text } = sink();
    let now = 0;
    const options = { label: 'sft', total: 100, from: 80, stream, now: () => now };
    const progress = startProgress(options);
    now = 10_000;
    progress.update(90);
    expect(text()).toBe('sft 90/100 (90%)  10 s, 10 s left\n');
  });

  it('bounds the time left of work that may end before its total', () => {
    const { stream, text } = sink();
    let now = 0;
    const options = { label: 'sft', total: 40, mayEndEarly: true, stream, now: () => now };
    const progress = startProgress(options);
    now = 10_000;
    progress.update(10);
    now = 40_000;
    progress.update(40);
    expect(text()).toBe('sft 10/40 (25%)  10 s, at most 30 s left\nsft 40/40 (100%)  40 s\n');
  });

  it('draws a bar on a terminal, and ends it also when the work fails', async () => {
    const { stream, text } = sink();
    const terminal = Object.assign(stream, { isTTY: true });
    const work = withProgress(
      { label: 'rollout', total: 4, stream: terminal },
      async (progress) => {
        progress.update(2, { reward: 0.5 });
        throw new Error('failed');
      },
    );
    await expect(work).rejects.toThrow('failed');
    expect(text()).toContain('rollout ████████████░░░░░░░░░░░░ 2/4');
    expect(text()).toContain('reward 0.5');
    expect(text().endsWith('\n')).toBe(true);
  });

  it('leaves room for the counts on a narrow terminal, and its settings as they are', () => {
    const { stream, text } = sink();
    const terminal = Object.assign(stream, { isTTY: true, columns: 40 });
    const progress = startProgress({ label: 'sft training', total: 200, stream: terminal });
    progress.update(10);
    progress.stop();
    progress.stop();
    const drawn = text().split('\x1b[1G').at(-1) as string;
    expect(drawn).toMatch(/^sft training █?░+ 10\/200 /);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal is told
    expect(drawn.replace(/\x1b\[0?K/, '').trimEnd().length).toBeLessThanOrEqual(40);
    for (const setting of ['[?7l', '7', '8']) expect(text()).not.toContain(`\x1b${setting}`);
    expect(text().match(/\n/g)).toHaveLength(1);
  });

  it.each([
    [81, '  loss 5.919  accuracy 0.25'],
    [80, '  loss 5.919'],
    [66, '  loss 5.919'],
    [65, ''],
  ])('shows whole numbers alone on a terminal of %i columns', (columns, facts) => {
    const { stream, text } = sink();
    const terminal = Object.assign(stream, { isTTY: true, columns });
    let now = 0;
    const label = 'x'.repeat(42 - Math.min(24, Math.floor(columns / 3)));
    const options = { label, total: 1, mode: 'bar', stream: terminal, now: () => now } as const;
    const progress = startProgress(options);
    // Before the facts: 42 characters of label and bar, two spaces, 1/1, two spaces, 1.0 s.
    now = 1000;
    progress.update(1, { loss: 5.919, accuracy: 0.25 });
    progress.stop();
    const drawn = text().split('\x1b[1G').at(-1)!.split('\x1b')[0]!;
    expect(drawn.trimEnd().replace(/^.*1\/1 {2}1\.0 s/, '')).toBe(facts);
  });

  it('can be silent', () => {
    const { stream, text } = sink();
    const progress = startProgress({ label: 'x', total: 1, mode: 'silent', stream });
    progress.update(1);
    progress.stop();
    expect(text()).toBe('');
  });
});
