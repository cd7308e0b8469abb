/**
 * What exported weights compute beside the adapter on its base: log-probabilities of some targets at every
 * position of a few fixed random sequences, all products in float32.
 */
import {
  loraFromAdapter,
  type Merged,
  NO_LORA,
  Policy,
  planLora,
  type TokenBatch,
} from '../../model/index.js';
import { Rng } from '../../util/rng.js';
import type { ModelSource } from '../inputs/model-source.js';

export interface Precision {
  readonly max_logprob_difference: number;
  readonly adapter_effect: number;
}

const SEQUENCES = 4;
const LENGTH = 32;
/** Tokens whose log-probability is compared at each position. */
const TARGETS = 16;

export async function precisionOf(source: ModelSource, merged: Merged): Promise<Precision> {
  const { spec, weights, adapter } = source;
  const batch = probeBatch(spec);
  const plan = adapter === null ? NO_LORA : planLora(spec, adapter.config);
  const initialLora = adapter === null ? [] : loraFromAdapter(plan, adapter);
  const [adapted, base] = await scoresOf(
    new Policy({ spec, weights, lora: plan, initialLora, checkpointedLayers: 0 }),
    batch,
  );
  const [exported] = await scoresOf(
    new Policy({
      spec: merged.spec,
      weights: (name) => merged.tensors.get(name)!,
      lora: NO_LORA,
      initialLora: [],
      checkpointedLayers: 0,
    }),
    batch,
  );
  return {
    max_logprob_difference: largestGap(adapted!, exported!),
    adapter_effect: largestGap(adapted!, base!),
  };
}

/** Log-probabilities with the adapter and without it; the policy is disposed. */
async function scoresOf(policy: Policy, batch: TokenBatch): Promise<Float32Array[]> {
  try {
    return [await policy.score(batch), await policy.score(batch, { adapter: 'off' })];
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

/** Of the first of three columns; infinite where a number is none. */
function largestGap(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i += 3) {
    const gap = Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(gap)) return Number.POSITIVE_INFINITY;
    largest = Math.max(largest, gap);
  }
  return largest;
}
