import { expect, it } from 'vitest';
import { watchRows } from '../../../../src/recipes/training/alarms.js';
import { openRun, readRunRecord } from '../../../../src/report/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('keeps the alarms of the steps that a resumed run does not take again', () => {
  const dir = temporaryFolder();
  const open = (resume: string) =>
    openRun(dir, { config: { text: '{}\n', values: {} }, command: 'sft', resume });
  const stepsOf = () => readRunRecord(dir)?.alarms?.map(({ step }) => step);
  const lines: string[] = [];
  const context = { log: (line: string) => void lines.push(line) };
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  const first = open('never');
  const watch = watchRows('sft', { alarms: {} }, { run: first, context, startStep: 0 });
  for (const step of range(1, 12)) watch({ step, grad_norm: step === 6 ? 1 : 1000 });
  first.close('failed');
  expect(stepsOf()).toEqual([5, 11]);

  const second = open('auto');
  expect(stepsOf()).toEqual([5, 11]);
  const again = watchRows('sft', { alarms: {} }, { run: second, context, startStep: 8 });
  for (const step of range(9, 14)) again({ step, grad_norm: 1000 });
  second.close('done');
  expect(stepsOf()).toEqual([5, 13]);
  expect(lines).toHaveLength(3);
});
