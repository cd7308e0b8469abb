/** Small decoders whose expected numbers come from transformers and PEFT (scripts/golden/families.py). */
import { readFileSync } from 'node:fs';
import { specFromConfig } from '../../src/model/index.js';
import type { DecoderSpec } from '../../src/model/spec.js';
import { parameterShapes } from '../../src/model/spec-modules.js';
import type { JsonRow } from '../../src/util/files.js';
import { Rng } from '../../src/util/rng.js';
import { elementCount } from '../../src/util/shape.js';
import {
  fromFloat32,
  type HostTensor,
  readSafetensors,
  toFloat32,
} from '../../src/weights/index.js';

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
  'cohere',
  'cohere-tied',
  'cohere2',
  'starcoder2',
  'starcoder2-plain',
  'stablelm',
  'stablelm-parallel',
  'nemotron',
  'phi',
  'arcee',
  'hunyuan_v1_dense',
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
  'glm',
  'glm4',
  'ernie4_5',
  'ernie4_5-bias',
  'qwen3_5',
  'qwen3_5-layers',
  'qwen3_moe',
  'qwen3_moe-whole',
  'olmoe',
  'flex_olmo',
  'granitemoe',
  'granitemoehybrid',
  'gpt_oss',
  'gpt_oss-plain',
  'mixtral',
  'mixtral-window',
] as const;

/** Those with experts, one of each family. */
export const EXPERT_CASES = [
  'qwen3_moe',
  'olmoe',
  'flex_olmo',
  'granitemoe',
  'mixtral',
  'gpt_oss',
] as const;

/** The same decoder, other rope scalings; logits only. */
export const ROPE_CASES = [
  'llama-llama3',
  'llama-linear',
  'llama-dynamic',
  'llama-yarn',
  'hunyuan-alpha',
  'phi3-longrope',
] as const;

const FOLDER = new URL('../fixtures/model/', import.meta.url).pathname;

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

const isNorm = (name: string): boolean => /norm\d?\.weight$/.test(name);

/** Mean of a tensor's values. A gated norm has no offset; decays that are slow carry states over many tokens. */
export function goldenMean(name: string, ofNorms: number): number {
  if (name.endsWith('linear_attn.norm.weight')) return 1;
  if (name.endsWith('A_log')) return -3;
  return isNorm(name) ? ofNorms : 0;
}

/** The tensor `name` of the test model `model`, as scripts/golden/portable.py makes it. */
export function goldenTensor(
  model: string,
  name: string,
  { shape, normMean }: { readonly shape: readonly number[]; readonly normMean: number },
): HostTensor {
  const rng = Rng.of('golden', model, name);
  const std = isNorm(name) || name.endsWith('.bias') ? 0.1 : 0.15;
  const values = new Float32Array(elementCount(shape));
  const mean = goldenMean(name, normMean);
  for (let i = 0; i < values.length; i++) values[i] = mean + std * rng.normal();
  return fromFloat32(values, shape);
}

/** All parameters of the test model `model`. */
export function goldenWeights(model: string, spec: DecoderSpec): (name: string) => HostTensor {
  const shapes = parameterShapes(spec);
  const normMean = 1 - spec.normOffset;
  return (name) => goldenTensor(model, name, { shape: shapes.get(name)!, normMean });
}
