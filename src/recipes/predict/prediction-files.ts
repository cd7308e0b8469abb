/** Names of the files of predictions: subset, prompt, model, effort, run and grader, each sanitised. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { PredictConfig } from '../../config/index.js';
import { medicalFile } from '../../data/index.js';
import { InputError } from '../../util/errors.js';

/** What may not stand in a file name becomes `_`; a path is named by its last two parts. */
export const sanitised = (name: string): string =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.' && part !== '..')
    .slice(-2)
    .join('_')
    .replace(/[^A-Za-z0-9._-]/g, '_');

const stemOf = ({ subset, prompt_type, model_label, model, reasoning_effort }: PredictConfig) =>
  [subset, prompt_type, model_label ?? model, reasoning_effort ?? 'none'].map(sanitised).join('_');

/** Rows that `data medical` has written. */
export function inputOf({ input, data_dir, subset, prompt_type }: PredictConfig): string {
  return input ?? join(data_dir, medicalFile(subset, prompt_type));
}

/** @throws InputError where `data medical` is still to write them */
export function checkInput(config: PredictConfig): void {
  const path = inputOf(config);
  if (config.input !== null || existsSync(path)) return;
  throw new InputError({
    where: path,
    problem: 'no such file',
    remedy: `Make it by lorikeet data medical output_dir=${config.data_dir}, or name other rows by input, or by data_dir, subset and prompt_type`,
  });
}

/** With what the names of all files of a call begin. */
export const predictionsStem = (config: PredictConfig): string =>
  join(config.output_dir, stemOf(config));

export const predictionsFile = (config: PredictConfig, run: number): string =>
  `${predictionsStem(config)}_predictions_run${run}.json`;

/** What stands beside the predictions of a run. */
export const metaFile = (predictions: string): string => `${predictions}.meta.json`;

/** @param kind `scored` or `metrics` */
export const gradedFile = (
  config: PredictConfig,
  { grader, run, kind }: { readonly grader: string; readonly run: number; readonly kind: string },
): string => `${predictionsStem(config)}_${sanitised(grader)}_predictions_run_${run}_${kind}.json`;

/** Scores of all runs, in the form that `compare` reads. */
export const allRunsFile = (config: PredictConfig, grader: string): string =>
  `${predictionsStem(config)}_${sanitised(grader)}_predictions_all_runs.jsonl`;

/** All that a call writes under its stem in the end. */
export function predictionFiles(config: PredictConfig): string[] {
  const graders = config.graders.map(({ name }) => name);
  const runs = Array.from({ length: config.n_runs }, (_, i) => i + 1);
  const ofRun = (run: number) => {
    const path = predictionsFile(config, run);
    const graded = graders.flatMap((grader) =>
      ['scored', 'metrics'].map((kind) => gradedFile(config, { grader, run, kind })),
    );
    return [path, metaFile(path), ...graded];
  };
  return [...runs.flatMap(ofRun), ...graders.map((grader) => allRunsFile(config, grader))];
}
