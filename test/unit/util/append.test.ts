/** A disk that is full, as Linux plays it in /dev/full. */
import { openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { appendBytes, appendText } from '../../../src/util/append.js';

const FULL = /^\/dev\/full: cannot be written \(ENOSPC.*\)\. Make room on the disk$/;

it.runIf(process.platform === 'linux')('a full disk is an error that names the file', () => {
  expect(() => appendText('/dev/full', 'row')).toThrow(FULL);
  const file = openSync('/dev/full', 'a');
  expect(() => appendBytes(file, Buffer.from('row'), '/dev/full')).toThrow(FULL);
});
