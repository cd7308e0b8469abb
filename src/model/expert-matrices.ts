/** The LoRA of an adapter by the matrices that it is added to: that of a parameter of experts is one for each of them. */
import { eachExpert, type LoraTensors, rowsOfLora } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { type ExpertParameter, expertParameters, expertWeights } from './spec-experts.js';

/** @returns For the name of a weight, what is added to it; undefined for one that has no LoRA. */
export function loraOfWeights(
  spec: DecoderSpec,
  tensors: ReadonlyMap<string, LoraTensors>,
): (name: string) => LoraTensors | undefined {
  const ofExperts = new Map<string, () => LoraTensors>();
  for (const layer of spec.experts === null ? [] : spec.layers.keys()) {
    const [gateUp, down] = expertParameters(spec, layer);
    const [inner, outer] = [apart(tensors, gateUp), apart(tensors, down)];
    for (const [expert, names] of expertWeights(spec, layer).experts.entries()) {
      const { intermediateSize: width } = spec;
      if (inner !== null) {
        ofExperts.set(names.gate, () => rowsOfLora(inner(expert), 0, width));
        ofExperts.set(names.up, () => rowsOfLora(inner(expert), width, 2 * width));
      }
      if (outer !== null) ofExperts.set(names.down, () => outer(expert));
    }
  }
  return (name) => ofExperts.get(name)?.() ?? tensors.get(name.replace(/\.weight$/, ''));
}

/** The LoRA of each expert, which are made together when the first is asked for; null where there is none. */
function apart(
  tensors: ReadonlyMap<string, LoraTensors>,
  { module, ...form }: ExpertParameter,
): ((expert: number) => LoraTensors) | null {
  const lora = tensors.get(module);
  if (lora === undefined) return null;
  let each: readonly LoraTensors[] | null = null;
  return (expert) => {
    each ??= eachExpert(lora, form);
    return each[expert]!;
  };
}
