/**
 * What exported weights compute beside the adapter on its base: log-probabilities of some targets at every
 * position of a few fixed random sequences, all products in float32.
 */
import type { ExportConfig } from '../../config/index.js';
import { loraFromAdapter, NO_LORA, Policy, planLora, type TokenBatch } from '../../model/index.js';
import type { Weighted } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';
import { Rng } from '../../util/rng.js';
import type { ModelSource } from '../inputs/model-source.js';

export interface Precision {
  /** Largest |Δ log p| between the exported weights and the adapter on its base, nats. */
  readonly max_logprob_difference: number;
  /** The same between the adapter and the base alone; 0 without an adapter. */
  readonly adapter_effect: number;
}

export interface ExportResult extends Precision {
  readonly output: string;
  readonly dtype: string;
  readonly parameters: number;
}

const SEQUENCES = 4;
const LENGTH = 32;
/** Tokens whose log-probability is compared at each position. */
const TARGETS = 16;

/** @param exported The weights as they are written. */
export async function precisionOf(source: ModelSource, exported: Weighted): Promise<Precision> {
  const { spec, weights, adapter } = source;
  const batch = probeBatch(spec);
  const plan = adapter === null ? NO_LORA : planLora(spec, adapter.config);
  const initialLora = adapter === null ? [] : loraFromAdapter(plan, adapter);
  const [adapted, base] = await scoresOf(
    new Policy({ spec, weights, lora: plan, initialLora, checkpointedLayers: 0 }),
    batch,
  );
  const [rounded] = await scoresOf(
    new Policy({ ...exported, lora: NO_LORA, initialLora: [], checkpointedLayers: 0 }),
    batch,
  );
  return {
    max_logprob_difference: largestGap(adapted!, rounded!),
    adapter_effect: largestGap(adapted!, base!),
  };
}

/** Log-probabilities with the adapter and without it; the policy is disposed. */
async function scoresOf(policy: Policy, batch: TokenBatch): Promise<Float32Array[]> {
  try {
    return [await policy.logps(batch), await policy.logps(batch, { adapter: 'off' })];
  } finally {
    policy.dispose();
  }
}

function probeBatch({ vocabSize, maxPositions }: ModelSource['spec']): TokenBatch {
  const rng = Rng.of('export-check');
  const length = Math.min(LENGTH, maxPositions);
  const draw = () => rng.int(0, vocabSize - 1);
  const ids = Int32Array.from({ length: SEQUENCES * length }, draw);
  const size = SEQUENCES * length * TARGETS;
  return {
    ids,
    runs: Array.from({ length: SEQUENCES }, (_, i) => ({ start: i * length, length, prefix: -1 })),
    predictors: Int32Array.from({ length: size }, (_, i) => Math.floor(i / TARGETS)),
    targets: Int32Array.from({ length: size }, draw),
  };
}

/** Infinite where a number is none. */
function largestGap(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) {
    const gap = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(gap)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, gap);
  }
  return largest;
}

/** Where the config names no limit, nats. */
const LIMIT = 0.01;

/** @throws InputError when rounding changes more than the config allows. */
export function checkPrecision(
  config: ExportConfig,
  { max_logprob_difference: difference, adapter_effect: effect }: Precision,
  { dtype, log }: { readonly dtype: string; readonly log: (line: string) => void },
): void {
  const ofEffect =
    effect > 0 ? ` where the adapter itself changes them by ${effect.toPrecision(3)}` : '';
  const found = `rounding to ${dtype} changes log-probabilities by up to ${difference.toPrecision(3)}${ofEffect}`;
  const isQuantized = dtype === 'q8_0';
  const limit = config.max_logprob_difference ?? (isQuantized ? Number.MAX_VALUE : LIMIT);
  if (isQuantized) log(found);
  if (difference <= limit) return;
  if (config.allow_precision_loss) {
    log(`${found} (allowed by allow_precision_loss)`);
    return;
  }
  throw new InputError({
    where: 'dtype',
    problem: `${found}; max_logprob_difference is ${limit}`,
    remedy: 'Set dtype=float32, or allow_precision_loss=true to write it all the same',
  });
}
