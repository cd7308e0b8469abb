/** The keys `rollout_device` and `rollout_precision` → what samples, and what it computes in. */
import type { RolloutDevice, RolloutPrecision } from '../config/index.js';
import { InputError } from '../util/errors.js';
import { type ResolvedPrecision, resolvePrecision } from './rollout-precision.js';

export interface RolloutKeys {
  readonly rollout_device: RolloutDevice;
  readonly rollout_precision: RolloutPrecision;
}

export interface ResolvedRollouts extends ResolvedPrecision {
  readonly device: RolloutDevice;
}

/**
 * @throws InputError when the device does not compute in the precision
 * @throws SetupError when the precision needs operators that are not compiled
 */
export function resolveRollouts(
  { rollout_device: device, rollout_precision: wanted }: RolloutKeys,
  log: (line: string) => void,
): ResolvedRollouts {
  if (device === 'cpu') return { ...resolvePrecision(wanted, log), device };
  if (wanted !== 'auto' && wanted !== 'float32') {
    throw new InputError({
      where: `rollout_precision=${wanted}`,
      problem: `rollouts on ${device} compute in float32`,
      remedy: 'Leave it out, or use rollout_device=cpu',
    });
  }
  log(`rollouts compute on ${device} in float32`);
  return { device, precision: 'float32' };
}
