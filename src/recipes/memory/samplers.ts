/** What samples beside a training in the same process, and the memory that it takes. */
import type { DecoderSpec } from '../../model/spec.js';
import { memoryOfSamplers } from '../../rollout/sampler-memory.js';
import type { HostDtype } from '../../weights/index.js';
import { type EngineKeys, rolloutIdentity } from '../sampling/rollout-engine.js';
import { type ResolvedPrecision, resolvePrecision } from '../sampling/rollout-precision.js';
import type { TrainerConfig } from '../training/trainer-config.js';
import { PROMPT_LENGTH } from './batch-shape.js';

/** One that stays open while the model trains. */
export interface SamplerBeside {
  readonly keys: EngineKeys;
  /** Most completions at work at once. */
  readonly rows: number;
  /** Longest prompt and completion, tokens. */
  readonly context: number;
}

/** That of the trainer's own rollouts, and that of evaluations while training. */
export function samplersBeside(
  config: TrainerConfig,
  rollouts: SamplerBeside | undefined,
): readonly SamplerBeside[] {
  const own = rollouts === undefined ? [] : [rollouts];
  if (config.eval === null || config.eval_steps === null) return own;
  const { batch_size: rows, max_new_tokens, rollout_precision, rollout_device } = config.eval;
  const device = rollout_device ?? config.rollout_device ?? 'auto';
  const keys = { rollout_precision, rollout_device: device };
  return [...own, { keys, rows, context: PROMPT_LENGTH + max_new_tokens }];
}

export interface SampledBase {
  readonly spec: DecoderSpec;
  /** Type of the base's tensors. */
  readonly stored: HostDtype;
  /** Linear modules come out of 4 bits, in float32. */
  readonly isQuantized: boolean;
  /** Trained weights take its place, in float32: all that is trained but plain LoRA. */
  readonly isReloaded: boolean;
  /** Parameters of the adapter; 0 in full training. */
  readonly adapter: number;
}

/** Bytes of the samplers that are in this process and compute on the CPU. */
export function samplersBytes(
  samplers: readonly SamplerBeside[],
  { spec, stored, isQuantized, isReloaded, adapter }: SampledBase,
): number {
  const types = {
    linear: isQuantized || isReloaded ? 'float32' : stored,
    rest: isReloaded ? 'float32' : stored,
  } as const;
  const isMapped = !isQuantized && !isReloaded;
  const common = { spec, stored: types, isReloaded, isMapped, adapter };
  return memoryOfSamplers(
    samplers.flatMap(({ keys, ...size }) => {
      const { device, precision } = rolloutIdentity(keys);
      if (device !== 'cpu') return [];
      return [{ ...common, ...size, precision: operatorsOf(precision) }];
    }),
  );
}

/** Null: ONNX Runtime's own operators. What is asked for by name is taken to be there. */
function operatorsOf(precision: ResolvedPrecision['precision']) {
  if (precision !== 'float32' && precision !== 'float16') return precision;
  return resolvePrecision('float32', () => undefined).kernels?.precision ?? null;
}
