/** Locks of outputs: who holds one is named, and those of machines and containers that are gone end. */
import { existsSync, readdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { lockOutput } from '../../../../src/recipes/outputs/output-lock.js';
import { thisProcess } from '../../../../src/util/process-identity.js';
import { temporaryFolder } from '../../../support/temporary.js';

let output: string;
let lock: string;

beforeEach(() => {
  output = join(temporaryFolder(), 'rows.jsonl');
  lock = `${output}.lock`;
});

const age = (seconds: number) =>
  utimesSync(lock, new Date(), new Date(Date.now() - 1000 * seconds));

const held = (host: string, key: string) =>
  `${key}: process ${process.pid} on ${host} is writing ${output}. ` +
  `Wait for it, choose another ${key}, or delete ${lock} if that process is gone`;

it('names the process, its machine and the lock', () => {
  const unlock = lockOutput(output);
  expect(() => lockOutput(output, { key: 'output_csv' })).toThrow(held(hostname(), 'output_csv'));
  unlock();
  expect(existsSync(lock)).toBe(false);
});

it('is one for a file and a link to it', () => {
  const link = `${output}.link`;
  symlinkSync(output, link);
  const unlock = lockOutput(output);
  expect(() => lockOutput(link)).toThrow(`is writing ${link}`);
  unlock();
});

it('clears what a killed process has left of a file, of a companion, and of what they link to', () => {
  const [target, link] = [join(dirname(output), 'real'), `${output}.stats.json`];
  symlinkSync(target, link);
  symlinkSync(`${target}.rows`, output);
  // Above the largest number that Linux gives to a process.
  for (const name of [target, `${target}.rows`, `${output}.attempts.jsonl`])
    writeFileSync(`${name}.99999999.0123abcd.part`, '');
  lockOutput(output)();
  expect(readdirSync(dirname(output))).toEqual(['rows.jsonl', 'rows.jsonl.stats.json']);
});

it('names a folder that is none, not the lock', () => {
  writeFileSync(output, '');
  expect(() => lockOutput(join(output, 'rows.jsonl'))).toThrow(
    `${output}: is a file, not a folder. Choose another place`,
  );
});

it('takes back the folders that it made, unless they are used', () => {
  const inner = join(dirname(output), 'a', 'b');
  lockOutput(join(inner, 'rows.jsonl'))();
  expect(existsSync(dirname(inner))).toBe(false);
  const unlock = lockOutput(join(inner, 'rows.jsonl'));
  writeFileSync(join(dirname(inner), 'other'), '');
  unlock();
  expect(readdirSync(dirname(inner))).toEqual(['other']);
});

it('takes over what another machine has stopped renewing', () => {
  writeFileSync(lock, JSON.stringify({ ...thisProcess(), host: 'gone', token: 'other' }));
  age(50);
  expect(() => lockOutput(output)).toThrow(held('gone', 'output'));
  age(61);
  lockOutput(output)();
  expect(existsSync(lock)).toBe(false);
});
