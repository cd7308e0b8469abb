/**
 * Random initial weights of a decoder: N(0, initializer_range) for matrices and sinks, ones for norms, zero biases. Of a gated
 * delta rule: ones in `dt_bias`, and the logarithm of uniform numbers from 0.01 to 16 in `A_log`.
 */
import { Rng } from '../util/rng.js';
import { elementCount } from '../util/shape.js';
import { fromFloat32, type HostDtype, type HostTensor } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { deltaWeights, parameterShapes } from './spec-modules.js';

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
  const delta = deltaNames(spec);
  for (const [name, shape] of parameterShapes(spec)) {
    const values = new Float32Array(elementCount(shape));
    const rng = Rng.of(seed, 'init', name);
    if (delta.decays.has(name)) {
      for (let i = 0; i < values.length; i++) values[i] = Math.log(0.01 + 15.99 * rng.uniform());
    } else if (delta.ones.has(name)) values.fill(1);
    else if (shape.length === 1 && !name.endsWith('.sinks') && !name.endsWith('.bias'))
      values.fill(1 - spec.normOffset);
    else if (!name.endsWith('.bias')) {
      for (let i = 0; i < values.length; i++) values[i] = rng.normal() * std;
    }
    out.set(name, fromFloat32(values, shape, dtype));
  }
  return out;
}

/** Names of what gated delta rules have besides matrices. */
function deltaNames({ layers }: DecoderSpec) {
  const [decays, ones] = [new Set<string>(), new Set<string>()];
  for (const [layer, { mixer }] of layers.entries()) {
    if (mixer !== 'gated_delta') continue;
    const { aLog, dtBias, norm } = deltaWeights(layer);
    decays.add(aLog);
    ones.add(dtBias).add(norm);
  }
  return { decays, ones };
}
