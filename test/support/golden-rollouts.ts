/** The golden cases of scripts/golden/rollout.py: weights made again, specs, expected numbers. */
import { readFileSync } from 'node:fs';
import { specFromConfig } from '../../src/model/families/index.js';
import type { DecoderSpec } from '../../src/model/spec.js';
import { EMBEDDING, linearModules, parameterShapes } from '../../src/model/spec-modules.js';
import type { WeightSource } from '../../src/rollout/graph/weight-source.js';
import { Rng } from '../../src/util/rng.js';
import { elementCount } from '../../src/util/shape.js';
import { type Adapter, fromFloat32, type HostTensor, loraConfig } from '../../src/weights/index.js';
import { goldenMean } from './golden-models.js';

export interface GoldenRow {
  readonly greedy: number[];
  /** After the prompt. */
  readonly logits: number[];
  /** Of prompt and greedy tokens, all but the first. */
  readonly logprobs: number[];
}

interface GoldenBaseRow extends GoldenRow {
  /** Greedy tokens under `penalty`. */
  readonly penalised: number[];
}

export interface GoldenCase {
  readonly case: string;
  readonly config: Record<string, unknown>;
  readonly std: number;
  readonly embeddingStd: number;
  readonly prompts: number[][];
  /** Prompts passed over because the two likeliest tokens were less than 1e-4 apart at some step. */
  readonly nearTies: number;
  readonly eos: number;
  readonly newTokens: number;
  readonly penalty: { repetition_penalty: number; min_new_tokens: number };
  readonly base: GoldenBaseRow[];
  readonly lora: { r: number; alpha: number; modules: string[]; rows: GoldenRow[] };
}

const path = new URL('../fixtures/rollout/golden.json', import.meta.url);
export const goldenCases = JSON.parse(readFileSync(path, 'utf8')) as GoldenCase[];

/** Those that ONNX Runtime's own operators take: they rotate heads in multiples of 16. */
export const onnxCases = goldenCases.filter(({ case: name }) => name !== 'stablelm-quarter');

export function goldenCase(name: string): GoldenCase {
  return goldenCases.find((golden) => golden.case === name)!;
}

/** Uniform numbers around `mean`, from a stream named by `name`. */
function values(name: string, shape: readonly number[], mean: number, std: number): HostTensor {
  const rng = Rng.of(name);
  const width = std * Math.sqrt(12);
  const size = elementCount(shape);
  const data = Float32Array.from({ length: size }, () => mean + (rng.uniform() - 0.5) * width);
  return fromFloat32(data, shape);
}

export function goldenWeights(golden: GoldenCase, spec = goldenSpec(golden)): WeightSource {
  const shapes = parameterShapes(spec);
  return (name) => {
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`no weight ${name}`);
    const mean = goldenMean(name, 1 - spec.normOffset);
    const std = name === EMBEDDING ? golden.embeddingStd : golden.std;
    return values(`${golden.case}/${name}`, shape, mean, std);
  };
}

export function goldenAdapter(golden: GoldenCase, spec = goldenSpec(golden)): Adapter {
  const { r, alpha, modules } = golden.lora;
  const linears = new Map(linearModules(spec).map((linear) => [linear.module, linear]));
  const tensors = modules.map((module) => {
    const { inFeatures, outFeatures } = linears.get(module)!;
    const name = `${golden.case}/${module}`;
    const a = values(`${name}.lora_A`, [r, inFeatures], 0, golden.std);
    const b = values(`${name}.lora_B`, [outFeatures, r], 0, golden.std);
    return [module, { a, b, scale: alpha / r }] as const;
  });
  const config = loraConfig({ r, loraAlpha: alpha, targetModules: modules });
  return { config, baseModel: golden.case, tensors: new Map(tensors) };
}

/** Read from the case's `config.json`, as a checkpoint's is. */
export function goldenSpec({ case: name, config }: GoldenCase): DecoderSpec {
  return specFromConfig(name, config);
}

/** Ids as text, one character each, so that text can be read back; id `eos` ends a text. */
export function letterTokenizer(eos: number | null) {
  return {
    eosIds: eos === null ? [] : [eos],
    decode: (ids: readonly number[]) => ids.map((id) => String.fromCharCode(0x100 + id)).join(''),
  };
}

/** Makes `length` ids of a fixed pattern, those from `from` on other ones. */
export const patternIds =
  ({ vocabSize }: Pick<DecoderSpec, 'vocabSize'>) =>
  (length: number, from = length): number[] =>
    Array.from({ length }, (_, i) => (5 * i + (i < from ? 0 : 7)) % vocabSize);
