/** The sampler gets what the trainer holds: the adapter, or all weights in full training. */
import { parameterShapes } from '../model/spec.js';
import type { OnnxSampler } from '../rollout/index.js';
import { sha256 } from '../util/files.js';
import { adapterHash, fromFloat32 } from '../weights/index.js';
import type { TrainedPolicy } from './policy-source.js';

export interface Synced {
  /** Content hash that the sampler's completions must carry from now on. */
  readonly hash: string;
  readonly syncMs: number;
}

/** Full weights are loaded anew, which is slow; an adapter is a copy. */
export async function syncSampler(trained: TrainedPolicy, sampler: OnnxSampler): Promise<Synced> {
  const adapter = await trained.adapter();
  if (adapter !== null) {
    const { syncMs } = sampler.setAdapter(adapter);
    return { hash: adapterHash(adapter), syncMs };
  }
  const { policy } = trained;
  const values = await policy.parameters.download();
  const shapes = parameterShapes(policy.spec);
  const weights = (name: string) => fromFloat32(values.get(name)!, shapes.get(name)!);
  const hash = sha256(...[...values.values()].map((part) => new Uint8Array(part.buffer)));
  const { syncMs } = await sampler.reloadWeights(weights, hash);
  return { hash, syncMs };
}
