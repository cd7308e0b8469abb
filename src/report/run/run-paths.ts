/** Where everything that a run writes stands in its folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

export const RUN_NAMES = {
  config: 'config.yaml',
  run: 'run.json',
  model: 'model',
  checkpoints: 'checkpoints',
  metrics: 'metrics.jsonl',
  samples: 'samples.jsonl',
  /** Completion rows, where groups of them stand in `samples`. */
  completions: 'completions.jsonl',
  debug: 'debug',
  /** Completions of evaluations during training. */
  evaluations: 'eval',
  tensorboard: 'tensorboard',
  report: 'report.html',
} as const;

export type RunPaths = Readonly<Record<keyof typeof RUN_NAMES, string>>;

export function runPaths(dir: string): RunPaths {
  const entries = Object.entries(RUN_NAMES).map(([key, name]) => [key, join(dir, name)]);
  return Object.fromEntries(entries) as RunPaths;
}

/** Whether a run has written into the folder. */
export const isRunFolder = (dir: string): boolean => existsSync(runPaths(dir).run);
