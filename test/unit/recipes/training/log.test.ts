/** Which trackers a training run reports to. */
import { describe, expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import { logImpliedTracker, trackerNames } from '../../../../src/recipes/training/log.js';

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
