/**
 * The architectures of llama.cpp that Lorikeet's families have there, and what each can hold: what
 * `src/models/<name>.cpp` of github.com/ggml-org/llama.cpp loads and computes. A model that has more is
 * refused by name, since it would load and say other things.
 */
import {
  attentionLayers,
  type DecoderSpec,
  type LayerSpec,
  type RopeScaling,
} from '../model/spec.js';
import { InputError } from '../util/errors.js';

export interface Architecture {
  /** `general.architecture` */
  readonly name: string;
  /** Rotates neighbouring dimensions of a head, also where the model rotates its two halves. */
  readonly rotatesNeighbours: boolean;
  readonly activation: DecoderSpec['activation'];
  readonly biases: 'all' | 'qkv' | 'none';
  readonly ropes: readonly RopeScaling['type'][];
  /** Takes any head size, or only hidden size over heads. */
  readonly anyHeadSize: boolean;
  /** A head that is tied to the embeddings: read as one, or written twice. One that is not: read or not. */
  readonly tiedHead: 'shared' | 'twice';
  readonly ownHead: boolean;
  /** Sliding windows are computed; else every layer sees everything. */
  readonly slides: boolean;
  /** Layers with a window may have a rope base of their own. */
  readonly slidingBase: boolean;
  /** Gate and up are two matrices, also where the model has them as one. */
  readonly splitsGateUp: boolean;
  /** Attention stands beside another mixer of tokens, and both must be there. */
  readonly mixes: boolean;
}

const LLAMA: Architecture = {
  name: 'llama',
  rotatesNeighbours: true,
  activation: 'silu',
  biases: 'all',
  ropes: ['default', 'dynamic', 'linear', 'yarn', 'llama3'],
  anyHeadSize: true,
  tiedHead: 'shared',
  ownHead: true,
  slides: false,
  slidingBase: false,
  splitsGateUp: false,
  mixes: false,
};

const COHERE = {
  ...LLAMA,
  name: 'command-r',
  biases: 'none',
  ropes: ['default'],
  anyHeadSize: false,
  ownHead: false,
} as const;

const PLAIN_ROPES = ['default', 'dynamic', 'linear', 'yarn'] as const;

const OTHERS = { ...LLAMA, rotatesNeighbours: false, biases: 'none', ropes: PLAIN_ROPES } as const;

const GEMMA = { ...OTHERS, name: 'gemma', activation: 'gelu_tanh', ownHead: false } as const;

const OLMO = { ...OTHERS, name: 'olmo2', anyHeadSize: false, tiedHead: 'twice' } as const;

/** By the family of a `DecoderSpec`. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: LLAMA,
  mistral: LLAMA,
  mixtral: LLAMA,
  internlm3: LLAMA,
  iquestcoder: LLAMA,
  arcee: { ...LLAMA, name: 'arcee', activation: 'relu', biases: 'none' },
  granite: { ...LLAMA, name: 'granite' },
  granitemoe: { ...LLAMA, name: 'granitemoe' },
  granitemoehybrid: { ...LLAMA, name: 'granite', splitsGateUp: true },
  smollm3: { ...LLAMA, name: 'smollm3', biases: 'none', ropes: PLAIN_ROPES },
  qwen2: { ...OTHERS, name: 'qwen2', biases: 'qkv', anyHeadSize: false },
  qwen3: { ...OTHERS, name: 'qwen3' },
  hunyuan_v1_dense: { ...OTHERS, name: 'hunyuan-dense' },
  qwen3_moe: { ...OTHERS, name: 'qwen3moe' },
  qwen3_5_text: { ...OTHERS, name: 'qwen35', mixes: true },
  olmo2: OLMO,
  olmo3: { ...OLMO, slides: true },
  olmoe: { ...OLMO, name: 'olmoe' },
  lfm2: { ...OTHERS, name: 'lfm2', anyHeadSize: false, mixes: true },
  phi3: { ...OTHERS, name: 'phi3', anyHeadSize: false, ropes: [...PLAIN_ROPES, 'longrope'] },
  glm: { ...LLAMA, name: 'chatglm', biases: 'qkv', ropes: PLAIN_ROPES, anyHeadSize: false },
  glm4: { ...LLAMA, name: 'glm4', biases: 'qkv', ropes: PLAIN_ROPES },
  ernie4_5: { ...LLAMA, name: 'ernie4_5', biases: 'none', ropes: PLAIN_ROPES },
  cohere: COHERE,
  cohere2: { ...COHERE, name: 'cohere2', slides: true },
  starcoder2: {
    ...OTHERS,
    name: 'starcoder2',
    activation: 'gelu_tanh',
    biases: 'all',
    anyHeadSize: false,
  },
  stablelm: {
    ...OTHERS,
    name: 'stablelm',
    biases: 'qkv',
    anyHeadSize: false,
    tiedHead: 'twice',
  },
  nemotron: {
    ...OTHERS,
    name: 'nemotron',
    activation: 'relu',
    biases: 'all',
    ropes: ['default', 'linear'],
    anyHeadSize: false,
    tiedHead: 'twice',
  },
  phi: {
    ...OTHERS,
    name: 'phi2',
    activation: 'gelu_tanh',
    biases: 'all',
    anyHeadSize: false,
  },
  gemma: GEMMA,
  gemma2: { ...GEMMA, name: 'gemma2', slides: true },
  gemma3_text: {
    ...GEMMA,
    name: 'gemma3',
    ownHead: true,
    ropes: ['default', 'dynamic', 'linear'],
    slides: true,
    slidingBase: true,
  },
};

/** @throws InputError naming what llama.cpp cannot hold. */
export function architectureOf(spec: DecoderSpec): Architecture {
  const found = ARCHITECTURES[spec.family];
  if (found === undefined) {
    throw refused(`the model type ${spec.family} is not written as GGUF`);
  }
  const problem = problems(spec, found).find(([isThere]) => isThere)?.[1];
  if (problem === undefined) return found;
  throw refused(`llama.cpp's architecture ${found.name} has no ${problem}`);
}

const refused = (problem: string): InputError =>
  new InputError({
    where: 'format',
    problem,
    remedy: `Export as a Hugging Face folder (format=safetensors); GGUF takes ${Object.keys(ARCHITECTURES).join(', ')}`,
  });

type Problem = readonly [isThere: boolean, what: string];

function problems(spec: DecoderSpec, architecture: Architecture): Problem[] {
  const { activation, numHeads, headDim, hiddenSize, tieWordEmbeddings } = spec;
  const isFilled = numHeads * headDim === hiddenSize;
  const hasOneBase = spec.ropes.every(({ theta }) => theta === spec.ropes[0]!.theta);
  const isCapped = spec.attentionSoftcap !== null && spec.logitSoftcap !== null;
  return [
    [activation !== architecture.activation, `activation ${activation}`],
    ...biasProblems(spec, architecture),
    ...spec.ropes.map((rope, i) =>
      ropeProblem(rope.scaling, i > 0 ? ['default'] : architecture.ropes),
    ),
    [
      !isFilled && !architecture.anyHeadSize,
      `heads of ${headDim} in a hidden size of ${hiddenSize}`,
    ],
    [!tieWordEmbeddings && !architecture.ownHead, 'output head apart from the embeddings'],
    [!isCapped && architecture.name === 'gemma2', 'scores or logits without soft cap'],
    [!hasOneBase && !architecture.slidingBase, 'rope base of its own for layers with a window'],
    [
      architecture.name === 'command-r' && spec.layers.length >= 64,
      'decoders of 64 layers or more without norms of queries and keys',
    ],
    [!positionsFit(spec), 'layers without positions other than every fourth'],
    ...expertProblems(spec, architecture),
    ...mixerProblems(spec, architecture),
  ];
}

function biasProblems({ bias }: DecoderSpec, { biases }: Architecture): Problem[] {
  const hasQkv = bias.q || bias.k || bias.v;
  return [
    [hasQkv && biases === 'none', 'bias on q, k and v'],
    [(bias.o || bias.mlp) && biases !== 'all', 'bias on the output of attention or in the MLP'],
  ];
}

/** OLMoE's norm of keys is as wide as that of queries. */
function expertProblems({ experts, numHeads, numKvHeads }: DecoderSpec, { name }: Architecture) {
  const isOlmoe = name === 'olmoe';
  // Of all experts the probabilities sum to one as they are.
  const isPart = experts !== null && experts.perToken < experts.count;
  const kind = isOlmoe ? 'divided' : 'that are not divided';
  return [
    [
      isOlmoe && numKvHeads !== numHeads,
      `heads of queries (${numHeads}) that share keys (${numKvHeads})`,
    ],
    [isPart && experts.normalized === isOlmoe, `probabilities of experts ${kind} by their sum`],
  ] as const;
}

function mixerProblems({ layers }: DecoderSpec, { mixes }: Architecture): Problem[] {
  const kinds = new Set(layers.map(({ mixer }) => mixer));
  return [
    ...layers.map(layerProblem),
    [mixes && kinds.size === 1, `decoders of ${[...kinds].join()} alone`],
  ];
}

function layerProblem(layer: LayerSpec): Problem {
  if (layer.mixer === 'short_conv') return [layer.bias, 'bias in convolutions'];
  if (layer.mixer === 'attention') return [false, ''];
  const { keyDim, valueDim } = layer;
  return [keyDim !== valueDim, `delta rule with keys of ${keyDim} and values of ${valueDim}`];
}

function ropeProblem(scaling: RopeScaling, accepted: readonly string[]): Problem {
  if (scaling.type === 'yarn' && !scaling.truncate) return [true, 'YaRN without truncate'];
  return [!accepted.includes(scaling.type), `rope scaling ${scaling.type}`];
}

/** llama.cpp leaves every fourth layer of SmolLM3 without positions, and those of Cohere 2 that see everything. */
const positionsFit = (spec: DecoderSpec): boolean =>
  attentionLayers(spec).every(
    ({ rope, window }, i) =>
      (rope === null) ===
      ((spec.family === 'smollm3' && (i + 1) % 4 === 0) ||
        (spec.family === 'cohere2' && window === null)),
  );
