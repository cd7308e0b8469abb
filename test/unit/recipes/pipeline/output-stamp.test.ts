/** The stamp of an output changes with what a command writes there, and with nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { outputStamp } from '../../../../src/recipes/pipeline/output-stamp.js';
import { temporaryFolder } from '../../../support/temporary.js';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

/** Whether `write` changes the stamp of the entry `name`. */
function changes(name: string, write: (path: string) => void): boolean {
  const path = join(folder, name);
  const before = outputStamp(path);
  write(path);
  return outputStamp(path) !== before;
}

it('of a run folder changes with its entries; an empty folder and a lock are nothing', () => {
  expect(changes('run', (path) => mkdirSync(path))).toBe(false);
  expect(changes('run', (path) => writeFileSync(join(path, 'run.lock'), 'x'))).toBe(false);
  expect(changes('run', (path) => writeFileSync(join(path, 'run.json'), '{}'))).toBe(true);
  expect(changes('run', (path) => writeFileSync(join(path, 'run.json'), '{"a":1}'))).toBe(true);
  expect(changes('run', (path) => mkdirSync(join(path, 'model')))).toBe(true);
});

it('of a file changes with it and its part, not with its neighbours', () => {
  expect(changes('rows.jsonl', () => writeFileSync(join(folder, 'other.jsonl'), 'x'))).toBe(false);
  expect(changes('rows.jsonl', (path) => writeFileSync(`${path}.part`, 'x'))).toBe(true);
  expect(changes('rows.jsonl', (path) => writeFileSync(path, 'x'))).toBe(true);
});

it('is there for what does not exist', () => {
  expect(outputStamp(null)).toBe('');
  expect(outputStamp(join(folder, 'none', 'run'))).toBe('');
});
