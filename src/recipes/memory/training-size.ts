/** What the memory plan asks of a trainer: each answers in the file `memory.ts` of its folder, which loads no runtime. */
import type { BatchShape } from './batch-shape.js';
import type { SamplerBeside } from './samplers.js';

export interface TrainingSize<Config> {
  /** Whether the loss compares with a reference policy. */
  readonly comparesWithReference: (config: Config) => boolean;
  /** The largest micro-batch. */
  readonly shape: (config: Config) => BatchShape;
  /** Mean tokens of sequences as they are trained, by the mean of those that are read; absent: the same. */
  readonly usualLength?: (config: Config, mean: number) => number;
  /** What samples its rollouts; absent: it has none. */
  readonly rollouts?: (config: Config) => SamplerBeside;
}
