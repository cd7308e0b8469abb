/** Which trackers a training run reports to, and what its rows hold. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import {
  logImpliedTracker,
  openTrainingLog,
  trackerNames,
} from '../../../../src/recipes/training/log.js';
import { openRun } from '../../../../src/report/index.js';
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
