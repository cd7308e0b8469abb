/** What the checkpoints of a run will take on the disk, as a line of its dry run; rows and curves come beside them. */
import type { TrainerConfig } from '../training/trainer-config.js';
import { MOMENTS } from './estimate.js';

/** Parameters, moments and a reference that moves are all written in float32. */
const BYTES = 4;

/** @param trained Number of parameters that are trained */
export function diskLine(config: TrainerConfig, trained: number): string {
  const { max_steps: steps, save_steps: every, save_total_limit: limit } = config;
  const hasReference = 'sync_ref_model' in config && config.sync_ref_model;
  const vectors = 1 + MOMENTS[config.optim].count + Number(hasReference);
  const bytes = BYTES * trained * vectors;
  const made = steps === null ? Number.POSITIVE_INFINITY : Math.ceil(steps / every);
  // At 1 the latest and the best.
  const kept = Math.min(made, Math.max(limit ?? Number.POSITIVE_INFINITY, 2));
  const all = Number.isFinite(kept)
    ? `, at most ${mib(kept * bytes)} for ${kept}`
    : '; save_total_limit=N keeps N of them';
  return `disk: ${mib(bytes)} for each checkpoint${all}`;
}

const mib = (bytes: number) => {
  const size = bytes / 2 ** 20;
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} MiB`;
};
