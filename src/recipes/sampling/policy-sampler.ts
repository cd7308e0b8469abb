/** The trainer's own forward pass as a sampler: slow, and by definition the policy that is trained. */
import { collate, loraFromAdapter, NO_LORA, Policy, planLora } from '../../model/index.js';
import type { Weighted } from '../../model/spec.js';
import { createReferenceSampler, type ReferenceModel, type Sampler } from '../../rollout/index.js';
import type { ComputeType } from '../../tensor/index.js';
import { type Adapter, adapterHash } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';

export interface PolicySamplerOptions {
  readonly maxContext: number;
  readonly maxBatch: number;
}

type Source = Pick<ModelSource, 'spec' | 'weights' | 'adapter'> & {
  readonly tokenizer: Pick<ModelSource['tokenizer'], 'eosIds' | 'decode'>;
};

/** TensorFlow must be configured. */
export function openPolicySampler(source: Source, options: PolicySamplerOptions): Sampler {
  return createReferenceSampler({
    model: new PolicyModel(source),
    tokenizer: source.tokenizer,
    ...options,
  });
}

/** Scores and logits of a frozen policy. */
class PolicyModel implements ReferenceModel {
  readonly vocabSize: number;
  adapterHash: string | null;
  private readonly source: Source;
  private policy: Policy;

  constructor(source: Source) {
    this.source = source;
    this.vocabSize = source.spec.vocabSize;
    this.policy = frozenPolicy(source, source.adapter);
    this.adapterHash = adapterHash(source.adapter);
  }

  async logits(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const batch = collate(
      sequences.map((ids) => ({ ids: [...ids, 0], trained: [...ids.map(() => false), true] })),
    );
    const all = await this.policy.logits(batch);
    const { vocabSize } = this;
    return sequences.map((_, i) => all.slice(i * vocabSize, (i + 1) * vocabSize));
  }

  score(sequences: readonly (readonly number[])[]): Promise<Float32Array[]> {
    return scoreSequences(this.policy, sequences);
  }

  setAdapter(adapter: Adapter | null, version?: string): string | null {
    this.policy.dispose();
    this.policy = frozenPolicy(this.source, adapter);
    this.adapterHash = adapter === null ? null : (version ?? adapterHash(adapter));
    return this.adapterHash;
  }

  dispose(): void {
    this.policy.dispose();
  }
}

/** A policy that is only asked, with the adapter or on base weights alone. */
export function frozenPolicy(
  { spec, weights }: Weighted,
  adapter: Adapter | null,
  compute: ComputeType = 'float32',
): Policy {
  const lora = adapter === null ? NO_LORA : planLora(spec, adapter.config);
  return new Policy({
    spec,
    weights,
    lora,
    initialLora: adapter === null ? [] : loraFromAdapter(lora, adapter),
    checkpointedLayers: 0,
    compute,
  });
}

/** log p of each id but the first, by sequence. */
export async function scoreSequences(
  policy: Policy,
  sequences: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const batch = collate(sequences.map((ids) => ({ ids, trained: ids.map(() => true) })));
  const all = await policy.logps(batch);
  const out = sequences.map((): number[] => []);
  for (const [i, row] of batch.sequences.entries()) out[row]!.push(all[i]!);
  return out.map((logprobs) => Float32Array.from(logprobs));
}
