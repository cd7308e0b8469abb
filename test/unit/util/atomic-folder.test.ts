/** Folders that take their place when they are whole, and what killed processes have left of them. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAside, replaceFolder } from '../../../src/util/atomic-folder.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

/** A folder with one file, `name`, in a folder of the test. */
function folderOf(test: string, name: string): { home: string; target: string } {
  const home = join(dir, test);
  const target = join(home, 'model');
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, name), 'former');
  return { home, target };
}

it('takes the place of a former folder when it is whole', async () => {
  const { home, target } = folderOf('whole', 'a');
  const made = await replaceFolder(`${target}/`, async (part) => {
    writeFileSync(join(part, 'b'), 'new');
    expect(readFileSync(join(target, 'a'), 'utf8')).toBe('former');
    return 7;
  });
  expect(made).toBe(7);
  expect(readdirSync(home)).toEqual(['model']);
  expect(readdirSync(target)).toEqual(['b']);
});

it('takes the place of what a link leads to, which stays a link', async () => {
  const { home, target } = folderOf('linked', 'a');
  const link = join(dir, 'link');
  symlinkSync(target, link);
  for (const name of ['b', 'c']) {
    await replaceFolder(link, async (part) => writeFileSync(join(part, name), 'new'));
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readdirSync(home)).toEqual(['model']);
    expect(readdirSync(target)).toEqual([name]);
  }
});

it('leaves the former folder alone where filling fails', async () => {
  const { home, target } = folderOf('failed', 'a');
  const failed = replaceFolder(target, async (part) => {
    writeFileSync(join(part, 'b'), 'half');
    throw new Error('no room');
  });
  await expect(failed).rejects.toThrow('no room');
  expect(readdirSync(home)).toEqual(['model']);
  expect(readdirSync(target)).toEqual(['a']);
});

it('names the folder where what was made cannot take its place', async () => {
  const { home, target } = folderOf('lost', 'a');
  const failed = replaceFolder(target, async (part) => rmdirSync(part));
  await expect(failed).rejects.toThrow(`${target}: cannot be written (ENOENT`);
  expect(readdirSync(home)).toEqual(['model']);
  expect(readdirSync(target)).toEqual(['a']);
});

it('removes what dead processes have left of it, and nothing else', async () => {
  const { home, target } = folderOf('dead', 'a');
  // Above the largest number that Linux gives to a process.
  const dead = ['model.part-99999999', 'model.part-99999999.old'];
  const others = [`model.part-${process.ppid}`, 'other.part-99999999', 'model.part-x', 'model.log'];
  for (const name of [...dead, ...others]) mkdirSync(join(home, name));
  await replaceFolder(target, async () => undefined);
  expect(dead.filter((name) => existsSync(join(home, name)))).toEqual([]);
  expect(readdirSync(home).sort()).toEqual(['model', ...others].sort());
});

it('knows that what a link leads to was moved aside', () => {
  const { home, target } = folderOf('aside', 'a');
  const link = join(dir, 'link to aside');
  symlinkSync(target, link);
  expect(isAside(link)).toBe(false);
  renameSync(target, join(home, 'model.part-99999999.old'));
  expect([isAside(target), isAside(link)]).toEqual([true, true]);
});
