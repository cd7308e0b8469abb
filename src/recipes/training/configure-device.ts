/** The keys of the device → TensorFlow's settings, which are fixed when the first operation runs. */
import { configureTensorflow } from '../../tensor/index.js';
import { reservedOfCard } from '../memory/gpu-memory.js';
import type { TrainerConfig } from './trainer-config.js';

export function configureDevice(
  config: Pick<TrainerConfig, 'device' | 'threads'> &
    Partial<Pick<TrainerConfig, 'compute_dtype' | 'memory_limit'>>,
): void {
  const { device, memory_limit = null } = config;
  const reservedGpuMib = reservedOfCard({ device, memory_limit });
  configureTensorflow({
    device: config.device,
    computeDtype: config.compute_dtype === 'bfloat16' ? 'bfloat16' : 'float32',
    ...(config.threads !== null && { threads: config.threads }),
    ...(config.compute_dtype === 'float32' && { tf32: false }),
    ...(reservedGpuMib !== null && { reservedGpuMib }),
  });
}
