/** What a fused layer needs to know of the model: architecture, parameters, geometry, element type. */
import type { ComputeType, Tensor } from '../../tensor/index.js';
import type { BatchGeometry } from '../geometry.js';
import type { Routers } from '../routers.js';
import type { DecoderSpec } from '../spec.js';
import type { ExpertParameter } from '../spec-experts.js';
import type { LinearModule } from '../spec-modules.js';
import type { FusedLinear, FusedLora } from './linear-group.js';

export interface FusedContext {
  readonly spec: DecoderSpec;
  readonly geometry: BatchGeometry;
  /** Null where there are no experts. */
  readonly routers: Routers | null;
  readonly compute: ComputeType;
  /** A weight that no product takes: of a norm or a convolution. */
  float32(name: string): Tensor;
  /** A matrix that never has LoRA, in the compute type; one that is kept in 4 bits is made anew at each call. */
  matrix(name: string): Tensor;
  /** Modules that share an input: each by itself, or all as one whose result is theirs side by side. */
  linears(group: readonly LinearModule[]): readonly FusedLinear[];
  /** A, `[count · r, in]`, and B of each expert one below the other, `[count · out, r]`; null where the parameter has none. */
  expertLora(parameter: ExpertParameter): Pick<FusedLora, 'a' | 'b' | 'scale'> | null;
}
