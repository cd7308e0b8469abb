/** Which element type fused layers compute in. Decided by what lies on disk: a plan loads nothing. */
import type { SftConfig } from '../../config/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import type { ComputeType } from '../../tensor/index.js';
import { composesInHalf, findNativeOps } from '../../tensor/native/library.js';
import { locateRuntime } from '../../tensor/runtime.js';
import { hasBfloat16Products } from '../../util/processor.js';

type DeviceKey = Pick<SftConfig, 'device'>;

/** Whether our own operations will be used. */
export function hasCompiledOps({ device }: DeviceKey): boolean {
  const runtime = locateRuntime(device);
  return runtime !== null && findNativeOps(runtime).inUse;
}

/** Whether a GPU will be used. */
export const trainsOnGpu = ({ device }: DeviceKey): boolean =>
  locateRuntime(device)?.device === 'cuda';

/** Whether matrices and activations of fused layers are kept in the compute type, be it bfloat16. */
export function keepsHalfTensors(config: DeviceKey): boolean {
  const runtime = locateRuntime(config.device);
  return runtime !== null && (findNativeOps(runtime).inUse || composesInHalf(runtime));
}

/** Width from which `auto` takes bfloat16: below it, time is not spent in products. */
const AUTO_BFLOAT16_WIDTH = 512;

/**
 * Type of matrices and products of fused layers. `auto`: bfloat16 for a LoRA of some width on a GPU, or on a
 * processor with instructions for it.
 */
export function computeType(
  config: Pick<SftConfig, 'compute_dtype' | 'use_lora' | 'device'>,
  spec: DecoderSpec,
): ComputeType {
  const { compute_dtype, use_lora } = config;
  if (compute_dtype !== 'auto') return compute_dtype;
  const pays = use_lora && spec.hiddenSize >= AUTO_BFLOAT16_WIDTH;
  const isFast = trainsOnGpu(config) || (hasCompiledOps(config) && hasBfloat16Products());
  return pays && isFast ? 'bfloat16' : 'float32';
}
