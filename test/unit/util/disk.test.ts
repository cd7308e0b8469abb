/** Folders and files that cannot be made say why, and leave nothing. */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writePieces } from '../../../src/util/atomic-file.js';
import { makeFolder, notWritten } from '../../../src/util/disk.js';
import { InputError, RunError } from '../../../src/util/errors.js';
import { readJson, readJsonl } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = temporaryFolder();

describe('makeFolder', () => {
  it('makes a folder with those above it, also where it is there', () => {
    const deep = join(folder, 'a b', 'ü', '模');
    makeFolder(deep);
    makeFolder(deep);
    expect(existsSync(deep)).toBe(true);
  });

  it('says why it cannot, below a file', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(() => makeFolder(join(file, 'x', 'y'))).toThrow(InputError);
    expect(() => makeFolder(file)).toThrow(
      /the folder cannot be made \(EEXIST.*Choose another place/,
    );
  });

  it.runIf(process.platform === 'linux')('ends where the system refuses with ENOENT', () => {
    expect(() => makeFolder('/proc/lorikeet/run')).toThrow(
      /^\/proc\/lorikeet: the folder cannot be made \(ENOENT/,
    );
  });
});

describe('an error of writing', () => {
  it('names the file and what to do', () => {
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' });
    expect(notWritten('f', full).message).toBe(
      'f: cannot be written (ENOSPC: no space left). Make room on the disk',
    );
    const closed = Object.assign(new Error('EROFS: read-only'), { code: 'EROFS' });
    expect(notWritten('f', full)).toBeInstanceOf(RunError);
    expect(notWritten('f', closed)).toBeInstanceOf(InputError);
    expect(notWritten('f', closed).message).toMatch(/EROFS.*Choose another place, or make this/);
    const known = new InputError('known');
    expect(notWritten('f', known)).toBe(known);
  });

  it('of a file written whole leaves no part of it', () => {
    const target = join(folder, 'taken');
    const write = () =>
      writePieces(target, (append) => {
        append(Buffer.from('text'));
        makeFolder(join(target, 'child'));
      });
    expect(write).toThrow(RunError);
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('is told also where what was written cannot be taken back', () => {
    const own = join(folder, 'own');
    const write = () =>
      writePieces(join(own, 'file'), (append) => {
        append(Buffer.from('text'));
        const [part] = readdirSync(own) as [string];
        rmSync(join(own, part));
        makeFolder(join(own, part, 'child'));
        throw new Error('the disk is gone');
      });
    expect(write).toThrow(/file: cannot be written \(the disk is gone\)/);
  });
});

it('a byte-order mark and line ends of Windows do not matter', () => {
  const rows = join(folder, 'rows.jsonl');
  writeFileSync(rows, '\uFEFF{"a":1}\r\n\r\n{"a":2}\r\n');
  expect(readJsonl(rows)).toEqual([{ a: 1 }, { a: 2 }]);
  const json = join(folder, 'file.json');
  writeFileSync(json, '\uFEFF{"a":1}');
  expect(readJson(json)).toEqual({ a: 1 });
});
