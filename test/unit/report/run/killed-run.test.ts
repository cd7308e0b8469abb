/** Run folders where the disk or a kill came between: what is whole is read, and the folder is freed. */
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jobSchema, loadConfig } from '../../../../src/config/index.js';
import { runJob } from '../../../../src/recipes/job.js';
import { type MetricRow, openRowLog, openRun, readRun } from '../../../../src/report/index.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const open = () =>
  openRun(join(temporaryFolder(), 'run'), {
    config: { text: 'a: 1\n', values: {} },
    command: 'sft',
  });

it('a row that was being written is left out', () => {
  const run = open();
  const metrics = openRowLog<MetricRow>(run.paths.metrics);
  metrics.append({ step: 1, loss: 2 });
  metrics.close();
  // Killed within the letter é.
  appendFileSync(run.paths.metrics, Buffer.from('{"step":2,"é').subarray(0, -1));
  expect(readRun(run.dir).metrics).toEqual([{ step: 1, loss: 2 }]);
});

it('rows longer together than one text can be are read', () => {
  const run = open();
  const row = { step: 1, prompt: '', completion: '', tokens: 0, rewards: {}, statuses: {} };
  const file = openSync(run.paths.samples, 'w');
  const blank = Buffer.alloc(2 ** 26, ' ');
  blank[blank.length - 1] = 0x0a;
  for (let i = 0; i < 8; i++) writeSync(file, blank);
  writeSync(file, `${JSON.stringify(row)}\n{"step":2`);
  closeSync(file);
  const { outlines, rowsAt } = readRun(run.dir).samples;
  expect(outlines).toMatchObject([{ step: 1, tokens: 0 }]);
  expect(rowsAt([0])).toEqual(new Map([[0, row]]));
});

it('a job is told without the completions of its run', async () => {
  const run = open();
  writeFileSync(run.paths.samples, 'no rows\n');
  const config = loadConfig(jobSchema, { overrides: [`run=${run.dir}`] });
  expect(await runJob(config, SILENT)).toMatchObject({ id: run.runId });
});

it.each([
  ['failed', new Error('step 7')],
  ['done', undefined],
] as const)('a last state (%s) that cannot be written hides no other error', (status, error) => {
  const run = open();
  rmSync(run.paths.run);
  mkdirSync(join(run.paths.run, 'in the way'), { recursive: true });
  const close = () => run.close(status, error);
  if (error === undefined) expect(close).toThrow(/run\.json: is a folder/);
  else expect(close).not.toThrow();
  expect(existsSync(join(run.dir, 'run.lock'))).toBe(false);
});
