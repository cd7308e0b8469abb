/** Which parameters the optimizer treats differently: those that do not decay, those that learn faster. */
import type { Policy } from '../../model/index.js';
import { elementCount } from '../../util/shape.js';
import { loraPartOf } from '../../weights/index.js';

/** One number for each parameter, by its name and shape. */
function perParameter(
  { parameters }: Pick<Policy, 'parameters'>,
  of: (name: string, shape: readonly number[]) => number,
): Float32Array {
  const out = new Float32Array(parameters.size);
  let offset = 0;
  for (const { name, shape } of parameters.shapes) {
    const size = elementCount(shape);
    out.fill(of(name, shape), offset, offset + size);
    offset += size;
  }
  return out;
}

/** As transformers' trainer: norms, and what has "bias" in its name, do not decay. Null: everything does. */
export function decayMask(policy: Pick<Policy, 'parameters'>): Float32Array | null {
  const decays = (name: string) => !/norm\.weight$|bias/.test(name);
  if (policy.parameters.shapes.every(({ name }) => decays(name))) return null;
  return perParameter(policy, (name) => (decays(name) ? 1 : 0));
}

/**
 * LoRA+ (Hayou et al. 2024) as PEFT groups it: B and vectors learn `ratio` times as fast as the rest. Null for
 * a ratio of 1.
 */
export function loraPlusRates(policy: Policy, ratio: number): Float32Array | null {
  if (ratio === 1) return null;
  return perParameter(policy, (name, shape) =>
    loraPartOf(name) === 'b' || shape.length === 1 ? ratio : 1,
  );
}
