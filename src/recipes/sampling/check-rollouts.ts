/** Whether this machine and model can be sampled as a config asks, before anything is written. */
import type { DecoderSpec } from '../../model/spec.js';
import { checkSampledModel } from '../../rollout/index.js';
import { type DeviceChoice, kindOf } from '../../tensor/gpu.js';
import { InputError } from '../../util/errors.js';
import {
  checkRelease,
  checkRolloutDevice,
  type RolloutKeys,
  resolveRollouts,
} from './rollout-engine.js';

interface SampledOnly extends Pick<RolloutKeys, 'rollout_device'> {
  readonly device: DeviceChoice;
  readonly resume?: 'never' | 'auto';
  readonly overwrite?: boolean;
}

/**
 * Where a command that does not train computes, before it opens a model.
 * @param options.samplesMissing Rows that are kept need no device: what is missing looks for it when it is sampled
 * @throws InputError for `device=cuda`, where TensorFlow computes; SetupError as `checkRolloutDevice`
 */
export function checkSampling(
  { device, rollout_device, resume, overwrite }: SampledOnly,
  { samplesMissing = false }: { readonly samplesMissing?: boolean } = {},
): void {
  if (kindOf(device) === 'cuda') {
    throw new InputError({
      where: `device=${device}`,
      problem: 'it is what TensorFlow computes on, which is not used here',
      remedy:
        'Use device=cpu or device=auto (for scores also engine=tensorflow); rollout_device says what samples',
    });
  }
  const mayKeep = samplesMissing && resume === 'auto' && overwrite !== true;
  if (!mayKeep) checkRolloutDevice(rollout_device);
}

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
  checkSampledModel(spec, resolved);
}
