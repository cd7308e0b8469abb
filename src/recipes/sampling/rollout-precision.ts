/**
 * The key `rollout_precision` → the operators that sampling computes with. `auto` takes bfloat16 where the
 * processor multiplies it in hardware and set-up has compiled the operators, else float32, and says so.
 */
import { existsSync } from 'node:fs';
import type { RolloutPrecision } from '../../config/index.js';
import type { KernelOptions } from '../../rollout/index.js';
import { operatorsLibrary } from '../../setup/index.js';
import { cacheRoot } from '../../util/cache.js';
import { SetupError } from '../../util/errors.js';
import { describeMachine } from '../../util/machine.js';
import { hasBfloat16Products, hasVectors } from '../../util/processor.js';

export interface ResolvedPrecision {
  readonly precision: Exclude<RolloutPrecision, 'auto'>;
  /** Absent for ONNX Runtime's own operators, which compute in float32 where ours are not faster. */
  readonly kernels?: KernelOptions;
}

/**
 * Largest |Δ log p| between trainer and sampler that rounding explains, for the probe of GRPO. A stale adapter
 * is told by its hash whatever the precision.
 */
export const PROBE_TOLERANCE: Readonly<Record<ResolvedPrecision['precision'], number>> = {
  float32: 1e-3,
  float16: 0.1,
  bfloat16: 0.5,
  int8: 2,
  int8_weight_only: 2,
  int4_weight_only: 2,
};

/** @throws SetupError when the precision needs operators that are not compiled */
export function resolvePrecision(
  wanted: Exclude<RolloutPrecision, 'float16'>,
  log: (line: string) => void,
  features: readonly string[] = describeMachine().features,
): ResolvedPrecision {
  const library = operatorsLibrary(cacheRoot());
  const isCompiled = existsSync(library);
  const inFloat32 = (): ResolvedPrecision => ({
    precision: 'float32',
    ...(isCompiled && hasVectors(features) && { kernels: { library, precision: 'float32' } }),
  });
  if (wanted === 'float32') return inFloat32();
  if (wanted === 'auto') {
    const isFast = hasBfloat16Products(features);
    const precision = isFast && isCompiled ? 'bfloat16' : 'float32';
    const reason = isFast && !isCompiled ? ' (the operators are not compiled: lorikeet setup)' : '';
    log(`rollouts compute in ${precision}${reason}`);
    return precision === 'float32' ? inFloat32() : { precision, kernels: { library, precision } };
  }
  if (!isCompiled) {
    throw new SetupError({
      where: `rollout precision ${wanted}`,
      problem: 'the operators that compute in it are not compiled',
      remedy: 'Run lorikeet setup, or use float32',
    });
  }
  if (!hasVectors(features)) {
    log(
      `rollouts in ${wanted} are slow on this processor, which has no AVX2 and FMA; float32 is faster`,
    );
  }
  return { precision: wanted, kernels: { library, precision: wanted } };
}
