/** The key `device` where a command only samples. */
import { type DeviceChoice, kindOf } from '../../tensor/gpu.js';
import { InputError } from '../../util/errors.js';

/** @throws InputError for `device=cuda`: what TensorFlow does not compute runs where `rollout_device` says. */
export function checkSamplerDevice({ device }: { readonly device: DeviceChoice }): void {
  if (kindOf(device) !== 'cuda') return;
  throw new InputError({
    where: `device=${device}`,
    problem: 'it is what TensorFlow computes on, which is not used here',
    remedy:
      'Use device=cpu or device=auto (for scores also engine=tensorflow); rollout_device says what samples',
  });
}
