/** A disk that is full, as Linux plays it in /dev/full. */
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openRowLog } from '../../../src/report/index.js';
import { openTensorboard } from '../../../src/report/trackers/tensorboard.js';
import { appendBytes, appendText } from '../../../src/util/append.js';
import { temporaryFolder } from '../../support/temporary.js';

const FULL = /^\/dev\/full: cannot be written \(ENOSPC.*\)\. Make room on the disk$/;

it.runIf(process.platform === 'linux')('a full disk is an error that names the file', () => {
  expect(() => appendText('/dev/full', 'row')).toThrow(FULL);
  const file = openSync('/dev/full', 'a');
  expect(() => appendBytes(file, Buffer.from('row'), '/dev/full')).toThrow(FULL);
});

it.runIf(process.platform === 'linux')(
  'so is a file of TensorBoard or rows that cannot be opened or synced',
  () => {
    // A path holds 4,095 bytes: the folder fits, a file in it does not.
    const deep = join(temporaryFolder(), `${'d'.repeat(99)}/`.repeat(50)).slice(0, 4080);
    expect(() => openTensorboard({ dir: deep, run: { startStep: null } })).toThrow(
      /cannot be written \(ENAMETOOLONG.*Choose another place/,
    );
    const path = join(temporaryFolder(), 'rows.jsonl');
    const log = openRowLog(path);
    log.close();
    expect(() => log.flush()).toThrow(`${path}: cannot be written (EBADF`);
  },
);
