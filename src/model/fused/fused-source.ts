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
