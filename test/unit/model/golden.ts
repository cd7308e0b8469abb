/** Small decoders whose expected numbers come from transformers and PEFT (scripts/golden/families.py). */
import { readFileSync } from 'node:fs';
import { planLora, specFromConfig } from '../../../src/model/index.js';
import type { DecoderSpec } from '../../../src/model/spec.js';
import { parameterShapes } from '../../../src/model/spec-modules.js';
import type { JsonRow } from '../../../src/util/files.js';
import { Rng } from '../../../src/util/rng.js';
import {
  fromFloat32,
  type HostTensor,
  type LoraConfig,
  loraConfig,
  readSafetensors,
  toFloat32,
} from '../../../src/weights/index.js';

export const FAMILIES = [
  'llama',
  'mistral',
  'qwen2',
  'qwen3',
  'gemma2',
  'gemma3',
  'phi3',
  'smollm3',
  'olmo2',
  'granite',
  'gemma',
  'vaultgemma',
  'olmo3',
  'exaone4',
  'seed_oss',
  'cwm',
  'ministral',
  'ministral3',
  'internlm3',
  'iquestcoder',
  'hyperclovax',
  'qwen2-window',
  'qwen3-window',
  'smollm3-window',
  'lfm2',
  'lfm2-bias',
  'qwen3_5',
  'qwen3_5-layers',
] as const;

/** The same decoder, other rope scalings; logits only. */
export const ROPE_CASES = [
  'llama-llama3',
  'llama-linear',
  'llama-dynamic',
  'llama-yarn',
  'phi3-longrope',
] as const;

const FOLDER = new URL('../../fixtures/model/', import.meta.url).pathname;

export interface GoldenCase {
  readonly name: string;
  /** As checkpoints on the Hub spell it. */
  readonly config: JsonRow;
  /** The same, as transformers 5 saves it. */
  readonly saved: JsonRow;
  readonly spec: DecoderSpec;
  readonly rows: readonly (readonly number[])[];
  /** Mean negative log-likelihood of all targets. */
  readonly loss: number;
  readonly loraLoss: number;
  /** `[Σ length, V]` */
  readonly logits: Float32Array;
  /** `grad.<parameter>` and `lora.<matrix>`. */
  readonly gradients: ReadonlyMap<string, HostTensor>;
}

export function goldenCase(name: string): GoldenCase {
  const file = `${FOLDER}${name}.json`;
  const { ids, ...summary } = JSON.parse(readFileSync(file, 'utf8'));
  const tensors = readSafetensors(`${FOLDER}${name}.safetensors`);
  return {
    ...summary,
    name,
    rows: ids,
    spec: specFromConfig(file, summary.config),
    logits: toFloat32(tensors.get('logits')!),
    gradients: tensors,
  };
}

/** A gated norm has no offset; decays that are slow carry states over many tokens. */
function meanOf(name: string, others: number): number {
  if (name.endsWith('linear_attn.norm.weight')) return 1;
  return name.endsWith('A_log') ? -3 : others;
}

/** The tensor `name` of the test model `model`, as scripts/golden/portable.py makes it. */
export function goldenTensor(
  model: string,
  name: string,
  { shape, normMean }: { readonly shape: readonly number[]; readonly normMean: number },
): HostTensor {
  const rng = Rng.of('golden', model, name);
  const isNorm = /norm\d?\.weight$/.test(name);
  const std = isNorm || name.endsWith('.bias') ? 0.1 : 0.15;
  const values = new Float32Array(shape.reduce((a, b) => a * b, 1));
  const mean = meanOf(name, isNorm ? normMean : 0);
  for (let i = 0; i < values.length; i++) values[i] = mean + std * rng.normal();
  return fromFloat32(values, shape);
}

/** All parameters of the test model `model`. */
export function goldenWeights(model: string, spec: DecoderSpec): (name: string) => HostTensor {
  const shapes = parameterShapes(spec);
  const normMean = 1 - spec.normOffset;
  return (name) => goldenTensor(model, name, { shape: shapes.get(name)!, normMean });
}

/** LoRA of rank 4 on every linear layer unless `config` says otherwise, with A and B random (`zeroB`: only A). */
export function goldenLora(
  model: string,
  spec: DecoderSpec,
  { zeroB = false, config = {} }: { zeroB?: boolean; config?: Partial<LoraConfig> } = {},
) {
  const standard = { r: 4, loraAlpha: 8, targetModules: 'all-linear' } as const;
  const lora = planLora(spec, loraConfig({ ...standard, ...config }));
  const initialLora = lora.shapes.map(({ name, shape }) => {
    const values = toFloat32(goldenTensor(model, name, { shape, normMean: 0 }));
    return zeroB && name.endsWith('lora_B.weight') ? values.fill(0) : values;
  });
  return { lora, initialLora };
}
