/** The frozen base of QLoRA (Dettmers et al. 2023): linear modules of decoder layers in 4 bits, the rest as it is. */
import { fourBitTensor, type HostTensor, type Quantization } from '../weights/index.js';
import { type DecoderSpec, linearModules } from './spec.js';

/**
 * @param quantization Null: the weights as they are
 * @returns The weights, each made at its call; those in 4 bits read as what they stand for
 */
export function fourBitBase(
  spec: DecoderSpec,
  weights: (name: string) => HostTensor,
  quantization: Quantization | null,
): (name: string) => HostTensor {
  if (quantization === null) return weights;
  const linear = new Set(linearModules(spec).map(({ module }) => `${module}.weight`));
  return (name) => {
    const tensor = weights(name);
    return linear.has(name) ? fourBitTensor(tensor, quantization) : tensor;
  };
}
