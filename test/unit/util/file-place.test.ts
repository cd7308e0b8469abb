/** Files that are written under the name of a link, a pipe or a folder. */
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { filePlace, placeOf } from '../../../src/util/file-place.js';
import { writeFileAtomic } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

let dir: string;

beforeEach(() => {
  dir = realpathSync(temporaryFolder());
  mkdirSync(join(dir, 'real'));
  symlinkSync('real', join(dir, 'linked'));
});

it.each([true, false])('a link stays, and its file is written (there before: %s)', (isThere) => {
  const [file, link] = [join(dir, 'real', 'a'), join(dir, 'link')];
  if (isThere) writeFileSync(file, 'earlier');
  symlinkSync('linked/a', link);
  writeFileAtomic(link, 'new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('new');
  expect(placeOf(link)).toBe(file);
});

it('links to links stay, also where the file is not there yet', () => {
  const [first, second, file] = [join(dir, 'first'), join(dir, 'real', 'second'), join(dir, 'a')];
  symlinkSync('linked/second', first);
  symlinkSync('../a', second);
  expect(placeOf(first)).toBe(file);
  expect(placeOf(join(first, 'b'))).toBe(join(file, 'b'));
  writeFileAtomic(first, 'new');
  expect([first, second].every((path) => lstatSync(path).isSymbolicLink())).toBe(true);
  expect(readFileSync(file, 'utf8')).toBe('new');
});

it.each(['b', 'a', 'missing/../a'])('links that lead back are refused (by %s)', (target) => {
  symlinkSync(target, join(dir, 'a'));
  symlinkSync('a', join(dir, 'b'));
  for (const path of [join(dir, 'a'), join(dir, 'b', 'c')]) {
    expect(() => placeOf(path)).toThrow(
      `${path}: goes by a link that leads back to itself. Delete the link, or give another path`,
    );
  }
});

it('is one for all names of a file that is not there', () => {
  const place = join(dir, 'real', 'new', 'a');
  expect(placeOf(join(dir, 'linked', 'new', 'a'))).toBe(place);
  expect(placeOf(join(dir, 'real', 'new', '..', 'new', 'a'))).toBe(place);
});

it('a pipe stays, and so does a folder', () => {
  const [pipe, link] = [join(dir, 'pipe'), join(dir, 'link')];
  execFileSync('mkfifo', [pipe]);
  symlinkSync(pipe, link);
  for (const path of [pipe, link]) {
    expect(() => writeFileAtomic(path, 'new')).toThrow(
      `${path}: is a pipe or a device, not a file. Give the path of a file`,
    );
  }
  expect(lstatSync(pipe).isFIFO()).toBe(true);
  expect(() => filePlace(join(dir, 'linked'))).toThrow(`${join(dir, 'linked')}: is a folder. Give`);
});
