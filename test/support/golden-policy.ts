/** The trainer's passes over a golden model, its LoRA random. */

import { Policy, planLora } from '../../src/model/index.js';
import type { PolicyOptions } from '../../src/model/policy.js';
import type { DecoderSpec } from '../../src/model/spec.js';
import { type LoraConfig, loraConfig, toFloat32 } from '../../src/weights/index.js';
import { goldenCase, goldenTensor, goldenWeights } from './golden-models.js';

interface GoldenPolicyOptions extends Partial<Omit<PolicyOptions, 'lora' | 'initialLora'>> {
  /** Default: rank 4 on every linear layer. null trains all parameters. */
  readonly lora?: Partial<LoraConfig> | null;
  /** B is zeros, as where a training begins. */
  readonly zeroB?: boolean;
}

export function goldenPolicy(
  name: string,
  { lora = {}, zeroB = false, ...options }: GoldenPolicyOptions = {},
): Policy {
  const { spec } = goldenCase(name);
  const weights = goldenWeights(name, spec);
  const trained =
    lora === null ? { lora, initialLora: [] } : randomLora(name, spec, { zeroB, config: lora });
  return new Policy({ spec, weights, ...trained, checkpointedLayers: 0, ...options });
}

function randomLora(
  model: string,
  spec: DecoderSpec,
  { zeroB, config }: { readonly zeroB: boolean; readonly config: Partial<LoraConfig> },
) {
  const standard = { r: 4, loraAlpha: 8, targetModules: 'all-linear' } as const;
  const lora = planLora(spec, loraConfig({ ...standard, ...config }));
  const initialLora = lora.shapes.map(({ name, shape }) => {
    const values = toFloat32(goldenTensor(model, name, { shape, normMean: 0 }));
    return zeroB && name.endsWith('lora_B.weight') ? values.fill(0) : values;
  });
  return { lora, initialLora };
}
