/** The sampler that the keys of a command ask for. */
import type { RolloutSampler } from '../../rollout/index.js';
import type { RecipeContext } from '../context.js';
import type { ModelSource } from '../inputs/model-source.js';
import { openSampler, type SamplerOptions } from './open-sampler.js';
import { type RolloutKeys, resolveRollouts } from './rollout-engine.js';

interface SamplerKeys extends RolloutKeys {
  readonly threads: number | null;
  readonly batch_size: number;
}

type Sizes = Omit<
  SamplerOptions,
  keyof ReturnType<typeof resolveRollouts> | 'threads' | 'maxBatch'
>;

/** @throws as `resolveRollouts` and `openSampler` */
export const openKeyedSampler = (
  source: ModelSource,
  keys: SamplerKeys,
  { log, ...sizes }: Sizes & Pick<RecipeContext, 'log'>,
): Promise<RolloutSampler> =>
  openSampler(source, {
    ...resolveRollouts(keys, log),
    threads: keys.threads,
    maxBatch: keys.batch_size,
    ...sizes,
  });
