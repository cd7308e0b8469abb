/**
 * What the checkpoints and the model of a run will take on the disk, as a line of its dry run. How long texts get, and so
 * what rows take, is known only when they are there.
 */
import type { TrainerConfig } from '../training/trainer-config.js';
import { MOMENTS } from './estimate.js';

/** Parameters, moments and a reference that moves are all written in float32. */
const BYTES = 4;

interface Written {
  /** Number of parameters that are trained. */
  readonly trained: number;
  /** Of `model/`. */
  readonly modelBytes: number;
}

export function diskLine(config: TrainerConfig, { trained, modelBytes }: Written): string {
  const hasReference = 'sync_ref_model' in config && config.sync_ref_model;
  const vectors = 1 + MOMENTS[config.optim].count + Number(hasReference);
  const bytes = BYTES * trained * vectors;
  const count = Math.min(mostMade(config), mostKept(config));
  const all = Number.isFinite(count)
    ? `, at most ${mib(count * bytes)} for ${count}`
    : '; save_total_limit=N keeps N of them';
  const model = `${mib(modelBytes)} for the model`;
  return `disk: ${mib(bytes)} for each checkpoint${all}; ${model}; not counted: rows, curves, tokenizer`;
}

/** Where nothing stops the run and each evaluation is the best so far: a checkpoint then, and `save_steps` count anew. */
function mostMade(config: TrainerConfig): number {
  const { max_steps: steps, save_steps: every, eval_steps, load_best_model_at_end: best } = config;
  if (steps === null) return Number.POSITIVE_INFINITY;
  const period = (best === true ? eval_steps : null) ?? steps;
  const periods = Math.floor(steps / period);
  return periods * Math.ceil(period / every) + Math.ceil((steps % period) / every);
}

/** The limit, or at 1 the latest and the best, and the new one: it is whole before an older one goes. */
function mostKept({
  save_total_limit: limit,
  load_best_model_at_end: best,
}: TrainerConfig): number {
  return limit === null ? Number.POSITIVE_INFINITY : Math.max(limit, best === true ? 2 : 1) + 1;
}

const mib = (bytes: number) => {
  const size = bytes / 2 ** 20;
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} MiB`;
};
