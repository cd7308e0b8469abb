/** What a fused layer needs to know of the model: architecture, parameters, geometry, element type. */
import type { ComputeType, Tensor } from '../../tensor/index.js';
import type { BatchGeometry } from '../geometry.js';
import type { DecoderSpec } from '../spec.js';
import type { FusedLinear } from './linear-group.js';

export interface FusedContext {
  readonly spec: DecoderSpec;
  readonly geometry: BatchGeometry;
  readonly compute: ComputeType;
  /** A norm's weight, float32. */
  norm(name: string): Tensor;
  /** A module by its Hugging Face name. */
  linear(module: string): FusedLinear;
}

/** LoRA matrices of modules in order, A before B: the inputs that a block's gradient goes to. */
export const loraInputs = (linears: readonly FusedLinear[]): Tensor[] =>
  linears.flatMap(({ lora }) => (lora === null ? [] : [lora.a, lora.b]));

/** The modules with LoRA matrices taken from `inputs` instead of their own. */
export function withInputs(
  linears: readonly FusedLinear[],
  inputs: readonly Tensor[],
): FusedLinear[] {
  let next = 0;
  return linears.map((linear) => {
    if (linear.lora === null) return linear;
    const [a, b] = [inputs[next]!, inputs[next + 1]!];
    next += 2;
    return { ...linear, lora: { ...linear.lora, a, b } };
  });
}
