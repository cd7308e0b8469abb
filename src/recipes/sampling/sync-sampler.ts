/** The sampler gets what the trainer holds: the adapter, or all weights in full training. */
import { isPlain, plainView } from '../../model/index.js';
import { parameterShapes } from '../../model/spec-modules.js';
import type { RolloutSampler } from '../../rollout/index.js';
import { sha256 } from '../../util/files.js';
import { adapterHash, fromFloat32 } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';
import type { TrainedPolicy } from '../training/trained-policy.js';

export interface Synced {
  /** Content hash that the sampler's completions must carry from now on. */
  readonly hash: string;
  readonly syncMs: number;
}

/**
 * Plain LoRA is a copy. Full weights are loaded anew, which is slow; so is the base where the adapter changes
 * it (DoRA, `modules_to_save`, `bias`).
 */
export async function syncSampler(
  { trained, source }: { readonly trained: TrainedPolicy; readonly source: ModelSource },
  sampler: RolloutSampler,
): Promise<Synced> {
  const adapter = await trained.adapter();
  if (adapter !== null) {
    const hash = adapterHash(adapter);
    if (isPlain(adapter)) return { hash, syncMs: (await sampler.setAdapter(adapter)).syncMs };
    const view = plainView(source, adapter);
    const { syncMs } = await sampler.reloadWeights(view.weights, hash);
    const put = await sampler.setAdapter(view.adapter, hash);
    return { hash, syncMs: syncMs + put.syncMs };
  }
  const { policy } = trained;
  const values = await policy.parameters.download();
  const shapes = parameterShapes(policy.spec);
  const weights = (name: string) => fromFloat32(values.get(name)!, shapes.get(name)!);
  const hash = sha256(...[...shapes.keys()].map((name) => weights(name).bytes));
  const { syncMs } = await sampler.reloadWeights(weights, hash);
  return { hash, syncMs };
}
