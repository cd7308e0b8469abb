/** The golden cases of scripts/golden-rollout.py: weights made again, specs, expected numbers. */
import { readFileSync } from 'node:fs';
import type { DecoderSpec } from '../../../src/model/spec.js';
import { linearModules, parameterShapes } from '../../../src/model/spec.js';
import type { WeightSource } from '../../../src/rollout/index.js';
import { Rng } from '../../../src/util/rng.js';
import {
  type Adapter,
  fromFloat32,
  type HostTensor,
  loraConfig,
} from '../../../src/weights/index.js';

export interface GoldenRow {
  readonly greedy: number[];
  /** After the prompt. */
  readonly logits: number[];
  /** Of prompt and greedy tokens, all but the first. */
  readonly logprobs: number[];
}

export interface GoldenBaseRow extends GoldenRow {
  /** Greedy tokens under `penalty`. */
  readonly penalised: number[];
}

export interface GoldenCase {
  readonly case: string;
  readonly config: Record<string, unknown>;
  /** Of the rotary embedding. */
  readonly invFreq: number[];
  readonly std: number;
  readonly prompts: number[][];
  readonly eos: number;
  readonly newTokens: number;
  readonly penalty: { repetition_penalty: number; min_new_tokens: number };
  readonly base: GoldenBaseRow[];
  readonly lora: { r: number; alpha: number; modules: string[]; rows: GoldenRow[] };
}

const path = new URL('../../fixtures/rollout/golden.json', import.meta.url);
export const goldenCases = JSON.parse(readFileSync(path, 'utf8')) as GoldenCase[];

export function goldenCase(name: string): GoldenCase {
  return goldenCases.find((golden) => golden.case === name)!;
}

/** Uniform numbers around `mean`, from a stream named by `name`. */
function values(name: string, shape: readonly number[], mean: number, std: number): HostTensor {
  const rng = Rng.of(name);
  const width = std * Math.sqrt(12);
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, () => mean + (rng.uniform() - 0.5) * width);
  return fromFloat32(data, shape);
}

export function goldenWeights(golden: GoldenCase, spec = goldenSpec(golden)): WeightSource {
  const shapes = parameterShapes(spec);
  return (name) => {
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`no weight ${name}`);
    const mean = name.includes('norm') && golden.case !== 'gemma2' ? 1 : 0;
    return values(`${golden.case}/${name}`, shape, mean, golden.std);
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

const PLAIN: DecoderSpec = {
  family: 'llama',
  vocabSize: 97,
  hiddenSize: 64,
  intermediateSize: 96,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 16,
  maxPositions: 128,
  layers: [
    { rope: 0, window: null },
    { rope: 0, window: null },
  ],
  ropes: [],
  normEps: 1e-5,
  normOffset: 0,
  normPlacement: 'pre',
  qkNorm: 'none',
  activation: 'silu',
  bias: { q: false, k: false, v: false, o: false, mlp: false },
  fusedProjections: false,
  attentionScale: 1 / 4,
  attentionSoftcap: null,
  logitSoftcap: null,
  embeddingScale: 1,
  residualScale: 1,
  logitScale: 1,
  tieWordEmbeddings: false,
};

/** What each case changes in the plain architecture. */
const CHANGES: Readonly<Record<string, Partial<DecoderSpec>>> = {
  llama: {},
  'llama-scaled': { tieWordEmbeddings: true },
  qwen2: {
    bias: { q: true, k: true, v: true, o: false, mlp: false },
    normEps: 1e-6,
    tieWordEmbeddings: true,
  },
  qwen3: {
    qkNorm: 'head',
    headDim: 32,
    attentionScale: 32 ** -0.5,
    normEps: 1e-6,
    tieWordEmbeddings: true,
  },
  gemma2: {
    normOffset: 1,
    normPlacement: 'both',
    normEps: 1e-6,
    activation: 'gelu_tanh',
    attentionScale: 24 ** -0.5,
    attentionSoftcap: 20,
    logitSoftcap: 10,
    embeddingScale: 8,
    tieWordEmbeddings: true,
    layers: [
      { rope: 0, window: 5 },
      { rope: 0, window: null },
    ],
  },
  phi3: {
    hiddenSize: 128,
    headDim: 32,
    attentionScale: 32 ** -0.5,
    fusedProjections: true,
    layers: [
      { rope: 0, window: 7 },
      { rope: 0, window: 7 },
    ],
  },
  olmo2: { normPlacement: 'post', qkNorm: 'full' },
  granite: {
    normEps: 1e-6,
    embeddingScale: 3,
    logitScale: 0.5,
    residualScale: 0.5,
    attentionScale: 0.2,
    tieWordEmbeddings: true,
  },
  smollm3: {
    normEps: 1e-6,
    tieWordEmbeddings: true,
    layers: [
      { rope: 0, window: null },
      { rope: null, window: null },
    ],
  },
};

export function goldenSpec({ case: name, invFreq }: GoldenCase): DecoderSpec {
  const rope = { invFreq, rotaryDim: 2 * invFreq.length, scale: 1 };
  return { ...PLAIN, ropes: [rope], family: name, ...CHANGES[name] };
}

/** Ids as text, one character each, so that text can be read back; id `eos` ends a text. */
export function letterTokenizer(eos: number | null) {
  return {
    eosIds: eos === null ? [] : [eos],
    decode: (ids: readonly number[]) => ids.map((id) => String.fromCharCode(0x100 + id)).join(''),
  };
}
