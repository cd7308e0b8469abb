/** Log-probabilities under a model with an adapter, as the trainer and as the sampler compute them. */
import { loraFromAdapter, Policy, planLora } from '../../src/model/index.js';
import type { DecoderSpec } from '../../src/model/spec.js';
import { createOnnxSampler, type KernelOptions } from '../../src/rollout/index.js';
import type { Adapter, HostTensor } from '../../src/weights/index.js';
import { batchOf, logpsOf } from '../support/token-rows.js';

interface AdaptedModel {
  readonly spec: DecoderSpec;
  readonly weights: (name: string) => HostTensor;
  readonly adapter: Adapter;
}

type Rows = readonly (readonly number[])[];

/** Of each row's tokens after its first, with the adapter on and off. */
export async function trainerScores({ spec, weights, adapter }: AdaptedModel, rows: Rows) {
  const lora = planLora(spec, adapter.config);
  const initialLora = loraFromAdapter(lora, adapter);
  const policy = new Policy({ spec, weights, lora, initialLora, checkpointedLayers: 0 });
  const batch = batchOf(rows);
  const byRow = (scores: Float32Array): number[][] => {
    const logps = rows.map((): number[] => []);
    for (const [i, logp] of logpsOf(scores).entries()) logps[batch.sequences[i]!]!.push(logp);
    return logps;
  };
  const adapted = byRow(await policy.score(batch));
  const base = byRow(await policy.score(batch, { adapter: 'off' }));
  policy.dispose();
  return { adapted, base };
}

/** The same with the adapter on. */
export async function samplerScores(
  { spec, weights, adapter }: AdaptedModel,
  rows: Rows,
  kernels?: KernelOptions,
): Promise<number[][]> {
  const sampler = await createOnnxSampler({
    spec,
    weights,
    tokenizer: { eosIds: [], decode: () => '' },
    loraModules: [...adapter.tensors.keys()],
    maxContext: Math.max(...rows.map((ids) => ids.length)),
    threads: 1,
    ...(kernels && { kernels }),
  });
  sampler.setAdapter(adapter);
  const logps = await sampler.score(rows);
  sampler.dispose();
  return logps.map((row) => Array.from(row));
}
