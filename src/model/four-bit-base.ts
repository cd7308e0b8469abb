/** The frozen base of QLoRA (Dettmers et al. 2023): linear modules and experts of decoder layers in 4 bits, the rest as it is. */
import { fourBitTensor, type HostTensor, type Quantization } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { wideWeights } from './spec-modules.js';

/**
 * What is read a second time is kept in its 4 bits from then on: a run that samples reads weights at each opening of a
 * sampler, whose own take seven times as much; one that only trains reads them once and keeps no second copy.
 * @param quantization Null: the weights as they are
 * @returns The weights; those in 4 bits read as what they stand for
 */
export function fourBitBase(
  spec: DecoderSpec,
  weights: (name: string) => HostTensor,
  quantization: Quantization | null,
): (name: string) => HostTensor {
  if (quantization === null) return weights;
  const wide = new Set(wideWeights(spec));
  const read = new Set<string>();
  const kept = new Map<string, HostTensor>();
  return (name) => {
    if (!wide.has(name)) return weights(name);
    const tensor = kept.get(name) ?? fourBitTensor(weights(name), quantization);
    if (read.has(name)) kept.set(name, tensor);
    read.add(name);
    return tensor;
  };
}
