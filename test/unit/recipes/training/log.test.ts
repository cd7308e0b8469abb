/** Which trackers a training run reports to, and what its rows hold. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import {
  logImpliedTracker,
  openTrainingLog,
  trackerNames,
} from '../../../../src/recipes/training/log.js';
import { openRun, type RunFolder, readRunRecord } from '../../../../src/report/index.js';
import { readJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const config = (...keys: string[]) =>
  loadConfig(sftSchema, { overrides: ['model=m', 'dataset=gsm8k', ...keys] });

function said(...keys: string[]): string[] {
  const lines: string[] = [];
  logImpliedTracker(config(...keys), { log: (line) => void lines.push(line) });
  return lines;
}

describe('trackers', () => {
  it('are those of report_to', () => {
    expect(trackerNames(config())).toEqual(['tensorboard']);
    expect(trackerNames(config('report_to=none'))).toEqual([]);
    expect(trackerNames(config('report_to=[mlflow, wandb]', 'wandb_project=p'))).toEqual([
      'mlflow',
      'wandb',
    ]);
    expect(said('report_to=wandb', 'wandb_project=p')).toEqual([]);
    expect(said()).toEqual([]);
  });

  it('have wandb among them where it has a project, which is said', () => {
    expect(trackerNames(config('wandb_project=p'))).toEqual(['tensorboard', 'wandb']);
    expect(trackerNames(config('report_to=mlflow', 'wandb_project=p'))).toEqual([
      'mlflow',
      'wandb',
    ]);
    expect(said('wandb_project=p')).toEqual(['wandb_project=p adds wandb to report_to']);
    expect(() => config('report_to=none', 'wandb_project=p')).toThrow(
      /wandb_project: report_to is none/,
    );
  });
});

describe('the time left', () => {
  it.each([
    ['stop_at_accuracy=0.4', 'eval.max_new_tokens=8', 'eval_steps=5'],
    ['early_stopping_patience=2', 'eval_dataset=gsm8k', 'eval_steps=5'],
    [],
  ])('is a bound where the run may end early: %s', async (...keys) => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const shown = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    try {
      const settings = config('report_to=none', ...keys);
      const text = { text: '{}\n', values: {} };
      const run = openRun(temporaryFolder(), { config: text, command: 'sft', resume: 'never' });
      const parts = { command: 'sft', context: SILENT, shown: [], totalSteps: 4 };
      const log = await openTrainingLog({ ...parts, run, config: settings, resumeStep: null });
      vi.advanceTimersByTime(10_000);
      log.row({ step: 1 });
      await log.close('done');
      run.close('done');
      const left = keys.length === 0 ? '30 s left' : 'at most 30 s left';
      expect(shown.mock.calls).toEqual([[`sft (stage full) 1/4 (25%)  10 s, ${left}\n`]]);
    } finally {
      shown.mockRestore();
      vi.useRealTimers();
    }
  });
});

describe('a resumed run', () => {
  it('has no results and completions of the steps that it takes again', async () => {
    const dir = temporaryFolder();
    const open = (resume: string) =>
      openRun(dir, { config: { text: '{}\n', values: {} }, command: 'sft', resume });
    const parts = { command: 'sft', context: SILENT, shown: [], totalSteps: 5 };
    const logOf = (run: RunFolder, resumeStep: number | null) =>
      openTrainingLog({ ...parts, run, config: config('report_to=none'), resumeStep });
    const results = () => readRunRecord(dir)?.results;

    const first = open('never');
    const before = await logOf(first, null);
    for (const step of [1, 2, 3]) {
      before.row({ step, loss: 1 });
      before.samples(step, []);
    }
    await before.close('done');
    first.record({ results: { steps: 3, accuracy: 0.5, ended_by: 'early_stopping_patience' } });
    first.close('done');

    const second = open('auto');
    const after = await logOf(second, 2);
    expect(readdirSync(join(dir, 'eval')).sort()).toEqual([
      'samples_step_1.csv',
      'samples_step_2.csv',
    ]);
    expect(results()).toMatchObject({ accuracy: 0.5 });
    after.row({ step: 3, loss: 1 });
    second.record({ results: { steps: 3 } });
    after.row({ step: 4, loss: 1 });
    expect(results()).toEqual({ steps: 3 });
    await after.close('done');
    second.close('done');
  });
});

describe('rows of a resumed run', () => {
  it('have the seconds of their own step, without those of the evaluation that was repeated', async () => {
    const run = openRun(temporaryFolder(), {
      config: { text: '{}\n', values: {} },
      command: 'sft',
    });
    const row = { step: 3, loss: 1 };
    writeFileSync(run.paths.metrics, `${JSON.stringify(row)}\n`);
    const parts = { run, command: 'sft', context: SILENT, shown: [], totalSteps: 5 };
    const options = { ...parts, config: config('report_to=none'), resumeStep: 3 };
    const log = await openTrainingLog(options);
    run.phases.add('evaluate', 60);
    log.repeated({ step: 3, 'eval/loss': 2 });
    run.phases.add('evaluate', 7);
    run.phases.add('update', 1);
    log.row({ step: 4, loss: 0.5 });
    await log.close('done');
    run.close('done');
    const [repeated, next] = readJsonl(run.paths.metrics);
    expect(repeated).toEqual({ ...row, 'eval/loss': 2 });
    expect(next).toMatchObject({ step: 4, 'time/evaluate': 7, 'time/update': 1 });
  });
});
