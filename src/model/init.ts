/** Random initial weights of a decoder: N(0, initializer_range) for matrices, ones for norms, zero biases. */

import { Rng } from '../util/rng.js';
import { elementCount } from '../util/shape.js';
import { fromFloat32, type HostDtype, type HostTensor } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { parameterShapes } from './spec-modules.js';

export interface InitOptions {
  readonly seed: number;
  /** Standard deviation of every matrix. */
  readonly std: number;
  readonly dtype: HostDtype;
}

/** Every tensor of the checkpoint by its Hugging Face name. The same seed gives the same bytes. */
export function randomWeights(
  spec: DecoderSpec,
  { seed, std, dtype }: InitOptions,
): Map<string, HostTensor> {
  const out = new Map<string, HostTensor>();
  for (const [name, shape] of parameterShapes(spec)) {
    const values = new Float32Array(elementCount(shape));
    if (shape.length === 1 && !name.endsWith('.bias')) values.fill(1 - spec.normOffset);
    else if (shape.length > 1) {
      const rng = Rng.of(seed, 'init', name);
      for (let i = 0; i < values.length; i++) values[i] = rng.normal() * std;
    }
    out.set(name, fromFloat32(values, shape, dtype));
  }
  return out;
}
