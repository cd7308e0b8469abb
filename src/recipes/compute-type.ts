/** Which element type fused layers compute in. Decided by what lies on disk: a plan loads nothing. */
import type { SftConfig } from '../config/index.js';
import type { DecoderSpec } from '../model/spec.js';
import type { ComputeType } from '../tensor/index.js';
import { findNativeOps, hasBfloat16Products } from '../tensor/native/library.js';
import { locateRuntime } from '../tensor/runtime.js';

/** Whether our own operations will be used. */
export function hasCompiledOps(): boolean {
  const runtime = locateRuntime('auto');
  return runtime !== null && findNativeOps(runtime).inUse;
}

/** Width from which `auto` takes bfloat16: below it, time is not spent in products. */
const AUTO_BFLOAT16_WIDTH = 512;

/**
 * Type of matrices and products of fused layers. `auto`: bfloat16 for a LoRA of some width on a processor with
 * instructions for it.
 */
export function computeType(
  { compute_dtype, use_lora }: Pick<SftConfig, 'compute_dtype' | 'use_lora'>,
  spec: DecoderSpec,
): ComputeType {
  if (compute_dtype !== 'auto') return compute_dtype;
  const pays = use_lora && spec.hiddenSize >= AUTO_BFLOAT16_WIDTH;
  return pays && hasCompiledOps() && hasBfloat16Products() ? 'bfloat16' : 'float32';
}
