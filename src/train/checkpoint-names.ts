/** Names of checkpoints: `step-000100/` in the folder `checkpoints/` of a run. */
import { basename, join } from 'node:path';
import { namesIn } from '../util/names-in.js';

const STEP_NAME = /^step-(\d{6,})$/;

export const checkpointPath = (dir: string, step: number): string =>
  join(dir, `step-${String(step).padStart(6, '0')}`);

/** Whether a name is that of a checkpoint which is not whole, or is to be replaced; whoever makes it. */
export const isPartOfCheckpoint = (name: string): boolean => /^step-\d{6,}[.]part/.test(name);

export const isCheckpointName = (name: string): boolean => STEP_NAME.test(name);

/** Optimizer steps that the checkpoint of this path holds, by its name. */
export const stepOf = (path: string): number => Number(STEP_NAME.exec(basename(path))?.[1]);

/** Complete checkpoints, oldest first. */
export function listCheckpoints(dir: string): string[] {
  const names = namesIn(dir).filter(isCheckpointName);
  return names.sort((a, b) => stepOf(a) - stepOf(b)).map((name) => join(dir, name));
}
