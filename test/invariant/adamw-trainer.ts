/** A trainer by AdamW. */
import type { Policy } from '../../src/model/index.js';
import { adamW } from '../../src/tensor/index.js';
import type { AdamWOptions } from '../../src/tensor/optimizers/adamw.js';
import { Trainer } from '../../src/train/index.js';

interface TrainerOptions extends Partial<AdamWOptions> {
  readonly maxGradNorm?: number;
  readonly seed?: number;
  readonly routerAuxLossCoef?: number;
}

/** Who asks for it disposes its optimizer. */
export function adamwTrainer(
  policy: Policy,
  { maxGradNorm = 1, seed = 1, routerAuxLossCoef = 0, ...adamw }: TrainerOptions = {},
): Trainer {
  const settings = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0, decayMask: null };
  const optimizer = adamW(policy.parameters.size, { ...settings, ...adamw });
  return new Trainer({ policy, optimizer, maxGradNorm, seed, routerAuxLossCoef });
}
