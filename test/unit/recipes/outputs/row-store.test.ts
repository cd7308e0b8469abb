/** Rows on disk as they are made: what is kept, what is refused, what a killed process leaves. */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { partOf, RowStore, type StoredRow } from '../../../../src/recipes/outputs/row-store.js';
import { InputError, InterruptError } from '../../../../src/util/errors.js';
import { readJsonl } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';

let dir: string;
let output: string;
beforeEach(() => {
  dir = temporaryFolder();
  output = join(dir, 'rows.jsonl');
});

const KEYS = { output_csv: null, overwrite: false, resume: 'never' } as const;
const row = (prompt: number, sample: number, changes: Partial<StoredRow> = {}): StoredRow => ({
  prompt_id: String(prompt),
  sample_index: sample,
  request_hash: `hash ${prompt}`,
  adapter: 'a',
  completion: `${prompt}.${sample}`,
  ...changes,
});
const byKey = (a: StoredRow, b: StoredRow) =>
  Number(a.prompt_id) - Number(b.prompt_id) || a.sample_index - b.sample_index;
const open = (changes: object = {}) => new RowStore({ ...KEYS, output, ...changes });

function unfinished(): void {
  const store = open();
  store.add(row(1, 0));
  store.add(row(0, 1));
  store.close();
}

describe('RowStore', () => {
  it('writes the rows in order, as JSONL and CSV, and leaves no other file', () => {
    const csv = join(dir, 'rows.csv');
    const store = open({ output_csv: csv });
    for (const each of [row(1, 0), row(0, 1), row(0, 0)]) store.add(each);
    expect(readJsonl(partOf(output)).length).toBe(3);
    expect(existsSync(output)).toBe(false);
    store.finish(byKey);
    store.close();
    expect(readJsonl(output)).toEqual([row(0, 0), row(0, 1), row(1, 0)]);
    expect(readFileSync(csv, 'utf8').split('\n').slice(0, 2)).toEqual([
      'prompt_id,sample_index,request_hash,adapter,completion',
      '0,0,hash 0,a,0.0',
    ]);
    expect(existsSync(partOf(output))).toBe(false);
    expect(existsSync(`${output}.lock`)).toBe(false);
  });

  it('goes on with the whole rows that a killed process left', () => {
    unfinished();
    appendFileSync(partOf(output), '{"prompt_id":"2","sam');
    const store = open({ resume: 'auto' });
    expect([store.size, store.has('1', 0), store.has('0', 0), store.has('2', 0)]).toEqual([
      ...[2, true, false, false],
    ]);
    store.add(row(2, 0));
    store.finish(byKey);
    store.close();
    expect(readJsonl(output)).toEqual([row(0, 1), row(1, 0), row(2, 0)]);
  });

  it('deletes what a process killed in the midst of writing has left, of its own output alone', () => {
    const own = ['rows.jsonl', 'rows.jsonl.stats.json', 'rows.jsonl.bandit.json', 'table.csv'];
    const others = ['rows.jsonl.csv', 'other.jsonl'];
    const left = [...own, ...others].map((name) => join(dir, `${name}.99999999.0a1b2c3d.part`));
    const seen = () => left.map((path) => existsSync(path));
    for (const path of left) writeFileSync(path, '{');
    const csv = join(dir, 'table.csv');
    open({ output: null, output_csv: csv }).close();
    expect(seen()).toEqual([true, true, true, false, true, true]);
    writeFileSync(left[3]!, '{');
    open({ output_csv: csv }).close();
    expect(seen()).toEqual([false, false, false, false, true, true]);
  });

  it('refuses a table that another process writes, also where it writes other rows', () => {
    const csv = { output: null, output_csv: join(dir, 'table.csv') };
    const first = open({ ...csv, output: join(dir, 'other.jsonl') });
    for (const own of [output, null])
      expect(() => open({ ...csv, output: own })).toThrow(
        /^output_csv: process \d+ on .* is writing .*table\.csv/,
      );
    first.close();
    open(csv).close();
  });

  it('says what is kept of rows that were not all made, but for an interrupt', async () => {
    const lines: string[] = [];
    const fill = (changes: object, error: Error) => {
      const store = open(changes);
      const failing = async () => {
        store.add(row(0, 0));
        throw error;
      };
      const filled = store.filledBy(failing, (line) => lines.push(line));
      return filled.catch(() => undefined).finally(() => store.close());
    };
    await fill({ output: null }, new Error('no server'));
    await fill({}, new InterruptError('SIGINT', 'stopped'));
    expect(lines).toEqual([]);
    await fill({ resume: 'auto' }, new Error('no server'));
    expect(lines).toEqual([
      '1 row kept. Go on with resume=auto, or start anew with overwrite=true',
    ]);
  });

  it('holds a row once when it stands in the output and in the part', () => {
    unfinished();
    writeFileSync(output, readFileSync(partOf(output)));
    const store = open({ resume: 'auto' });
    expect(store.finish(byKey)).toEqual([row(0, 1), row(1, 0)]);
    store.close();
  });

  it('refuses what is there unless told what to do, and replaces it when told to', () => {
    unfinished();
    expect(() => open()).toThrow(
      /part holds the rows of a call that did not finish\. Give overwrite=true to replace it, resume=auto/,
    );
    writeFileSync(output, '');
    expect(() => open()).toThrow(
      /rows\.jsonl exists\. Give overwrite=true to replace it, resume=auto to go on, or/,
    );
    const store = open({ overwrite: true });
    expect(store.size).toBe(0);
    store.add(row(7, 0));
    expect(existsSync(output)).toBe(false);
    expect(readJsonl(partOf(output))).toEqual([row(7, 0)]);
    store.close();
  });

  it.each(['never', 'auto'] as const)('refuses a folder as output (resume %s)', (resume) => {
    mkdirSync(output);
    expect(() => open({ resume, overwrite: resume === 'never' })).toThrow(
      `${output}: is a folder. Give the path of a file`,
    );
  });

  it('refuses a pipe, which stays, and writes what a link leads to', () => {
    execFileSync('mkfifo', [output]);
    expect(() => open({ overwrite: true })).toThrow(`${output}: is a pipe or a device`);
    expect(lstatSync(output).isFIFO()).toBe(true);
    rmSync(output);
    const target = `${output}.target`;
    writeFileSync(target, 'earlier');
    symlinkSync(target, output);
    const store = open({ overwrite: true });
    store.add(row(0, 0));
    store.finish(() => 0);
    store.close();
    expect(readJsonl(target)).toEqual([row(0, 0)]);
    expect(lstatSync(output).isSymbolicLink()).toBe(true);
  });

  it('keeps what it is to replace until there is a row', () => {
    unfinished();
    writeFileSync(output, 'earlier');
    open({ overwrite: true }).close();
    expect(readFileSync(output, 'utf8')).toBe('earlier');
    expect(readJsonl(partOf(output)).length).toBe(2);
  });

  it('says how to go on: anew while the earlier rows stand, else from its own', () => {
    unfinished();
    const store = open({ overwrite: true });
    expect(store.left).toEqual({
      problem: 'the earlier rows are kept',
      remedy: 'Give the same command again',
    });
    store.add(row(7, 0));
    expect(store.left).toEqual({
      problem: '1 row kept',
      remedy: 'Go on with resume=auto, or start anew with overwrite=true',
    });
    store.close();
  });

  it('takes the place of other files too, at the first row', () => {
    const other = join(dir, 'other.json');
    writeFileSync(other, '{}');
    const store = new RowStore({ ...KEYS, output, overwrite: true }, [other]);
    expect(existsSync(other)).toBe(true);
    store.add(row(7, 0));
    expect(existsSync(other)).toBe(false);
    store.close();
  });

  it('lets a row that comes after the end touch nothing', () => {
    unfinished();
    const store = open({ overwrite: true });
    store.add(row(7, 0));
    store.close();
    store.add(row(8, 0));
    expect(readJsonl(partOf(output))).toEqual([row(7, 0)]);
  });

  it('refuses keys that contradict each other, and an output that another holds', () => {
    expect(() => open({ overwrite: true, resume: 'auto' })).toThrow(/contradict each other/);
    expect(() => open({ output: null, resume: 'auto' })).toThrow(/^resume: there is no output/);
    const csv = join(dir, 'there.csv');
    writeFileSync(csv, '');
    expect(() => open({ output_csv: csv })).toThrow(/there\.csv exists/);
    const store = open();
    expect(() => open({ resume: 'auto' })).toThrow(
      /^output: process \d+ on .* is writing .*rows\.jsonl/,
    );
    store.close();
    open().close();
  });

  it.each([
    ['another adapter', { adapter: 'b' }, 'sampled with adapter b, the model has a now'],
    ['no adapter', { adapter: null }, 'sampled with adapter none, the model has a now'],
    ['other settings', { request_hash: 'x' }, 'from another prompt, or with other settings'],
    ['another sample', { sample_index: 7 }, 'this call does not ask for it'],
  ])('names a row of %s', (_, changes, message) => {
    const first = open();
    first.add(row(0, 0, changes));
    first.close();
    const store = open({ resume: 'auto' });
    const verify = () =>
      store.verify(({ sample_index: sample }) =>
        sample < 2 ? { request_hash: 'hash 0', adapter: 'a' } : undefined,
      );
    expect(verify).toThrow(InputError);
    expect(verify).toThrow(message);
    store.close();
  });

  it('names a row that is none of its own', () => {
    writeFileSync(output, '{"question":"?"}\n');
    expect(() => open({ resume: 'auto' })).toThrow(/rows\.jsonl:1: it has no prompt_id/);
    expect(existsSync(`${output}.lock`)).toBe(false);
  });
});
