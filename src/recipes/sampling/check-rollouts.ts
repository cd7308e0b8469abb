/** Whether this machine and model can be sampled as a config asks, before anything is written. */
import type { DecoderSpec } from '../../model/spec.js';
import { checkSampledModel } from '../../rollout/index.js';
import { checkRelease, type RolloutKeys, resolveRollouts } from './rollout-engine.js';

/**
 * @param section As for `resolveRollouts`
 * @throws InputError or SetupError as `resolveRollouts` and a sampler do
 */
export function checkRollouts(
  keys: RolloutKeys & { readonly rollout_release_memory?: boolean },
  spec: DecoderSpec,
  section = '',
): void {
  const resolved = resolveRollouts(keys, () => undefined, section);
  if (keys.rollout_release_memory === true) checkRelease(resolved);
  checkSampledModel(spec, resolved.device);
}
