import { describe, expect, it } from 'vitest';
import { checkAlarms, watchRows } from '../../../../src/recipes/training/alarms.js';
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
  for (const step of range(1, 16)) watch({ step, grad_norm: step > 5 && step < 11 ? 1 : 1000 });
  first.close('failed');
  expect(stepsOf()).toEqual([5, 15]);

  const second = open('auto');
  expect(stepsOf()).toEqual([5, 15]);
  const again = watchRows('sft', { alarms: {} }, { run: second, context, startStep: 12 });
  expect(stepsOf()).toEqual([5]);
  for (const step of range(13, 18)) again({ step, grad_norm: 1000 });
  second.close('done');
  expect(stepsOf()).toEqual([5, 17]);
  expect(lines).toHaveLength(3);
});

describe('ranges', () => {
  it('of metrics and sides that alarms watch are taken', () => {
    const alarms = { kl: [null, 1], entropy: [0.1, 2], reward: null, grad_norm: [null, null] };
    expect(() => checkAlarms({ alarms })).not.toThrow();
  });

  it.each([
    [
      { grad_nrom: [0, 1] },
      /^alarms\.grad_nrom: no alarm watches this metric\. The nearest is grad_norm\./,
    ],
    [
      { step_time: null },
      /^alarms\.step_time: no alarm watches this metric\. .*Known are reward, /,
    ],
    [
      { kl: [0, 1] },
      /^alarms\.kl: no alarm watches whether this metric is too low\. Give \[null,1\]$/,
    ],
    [{ reward: [0.2, 1] }, /^alarms\.reward: .* is too high\. Give \[0\.2,null\]$/],
  ])('%j are refused', (alarms, said) => {
    expect(() => checkAlarms({ alarms })).toThrow(said);
  });
});
