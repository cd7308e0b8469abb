import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { evalSchema, loadConfig } from '../../../../src/config/index.js';
import { runOf } from '../../../../src/recipes/outputs/run-of.js';
import { openRun, readRunRecord } from '../../../../src/report/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('a run counts from the beginning of its command, before what it reads is loaded', async () => {
  const overrides = ['model=m', 'dataset=gsm8k', `output_dir=${temporaryFolder()}`];
  const before = Date.now();
  const { dir, options } = runOf('eval', loadConfig(evalSchema, { overrides }));
  const begun = Date.now();
  await sleep(20);
  openRun(dir, options).close('done');
  const { started_at: at, run_id: id } = readRunRecord(dir)!;
  expect(Date.parse(at)).toBeGreaterThanOrEqual(before);
  expect(Date.parse(at)).toBeLessThanOrEqual(begun);
  expect(id).toMatch(new RegExp(`^${at.slice(0, 19).replace(/[-:]/g, '')}Z-`));
});
