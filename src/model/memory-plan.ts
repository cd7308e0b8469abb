/**
 * What training will need, computed from the architecture before anything is loaded: bytes of weights, of what
 * is trained, of activations kept for the backward pass, and of the largest working set. Counts follow
 * what `fused/` and the plain layers keep; measured peaks stand beside them in docs/benchmarks.md.
 */
import { PIECE } from '../tensor/index.js';
import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import { FOUR_BIT_BLOCK, type Quantization } from '../weights/index.js';
import { chunkSize } from './chunk-layout.js';
import { deltaTapeBytes, groupCount } from './delta-groups.js';
import { mostQueries } from './dense-layout.js';
import type { DecoderSpec } from './spec.js';
import { layerLinears, linearGroups, linearModules, parameterShapes } from './spec-modules.js';

interface OptimizerMoments {
  readonly count: number;
  readonly bits: 32 | 8;
}

export interface MemoryQuestion {
  readonly spec: DecoderSpec;
  /** Trained parameters. */
  readonly trained: number;
  /** All parameters are trained: there are no frozen weights beside them. */
  readonly isFull: boolean;
  /** Bytes of an element of frozen matrices and activations: 2 or 4. */
  readonly elementBytes: 2 | 4;
  /** A frozen copy of the adapter's start is kept as the reference. */
  readonly keepsReference?: boolean;
  /** Modules of LoRA have scales of their own, as by `rank_pattern`. */
  readonly hasOwnScales?: boolean;
  /** Of the optimizer, and the bits of each between steps; default: AdamW's two whole ones. */
  readonly moments?: OptimizerMoments;
  /** Vectors that the optimizer holds beside its moments: a mask of decay, rates; default: 0. */
  readonly perParameter?: number;
  /** Bytes of what samples in the same process while the model trains; default: 0. */
  readonly samplers?: number;
  /** Of linear modules of the base; null or absent: they are kept as they are computed with. */
  readonly quantization?: Quantization | null;
  /** Layers with hand-written gradients, which plain LoRA has. */
  readonly isFused: boolean;
  /** By our own operations. */
  readonly isNative: boolean;
  readonly isOnGpu: boolean;
  /** Tokens of a micro-batch, its longest sequence, and the tokens that count in the loss. */
  readonly tokens: number;
  readonly longest: number;
  readonly predicted: number;
  readonly checkpointedLayers: number;
}

export interface MemoryPlan {
  /** Node and TensorFlow themselves. */
  readonly runtime: number;
  readonly weights: number;
  /**
   * Trained parameters, their gradient (twice, while micro-batches add up; in full training also by name), the moments
   * of the optimizer and what it holds beside them; where products by TensorFlow's own operations take bfloat16, also a copy of
   * two bytes, another of modules that share an input, whose zeros make it twice as large at most, and a factor of each
   * where those differ. The reference's copy of an adapter, by the vector and by name.
   */
  readonly optimizer: number;
  /** Kept from the forward to the backward pass. */
  readonly activations: number;
  /** The layer at work, and its gradients. */
  readonly working: number;
  /** Output head: logits in part, and the derivative of each log-probability. */
  readonly head: number;
  /** What samples beside the training, and the base's 4 bits that are kept for it. */
  readonly samplers: number;
  readonly total: number;
  /** The largest activation, one tensor; a part of the others. */
  readonly activation: number;
}

const FLOAT = 4;
const ADAMW: OptimizerMoments = { count: 2, bits: 32 };
/** Resident size of a process that has loaded Node, TensorFlow and our operations. */
const RUNTIME = 560 * 2 ** 20;
/** What the allocator holds beyond what is asked of it; of the large blocks of float32 on the host it is more. */
const slackOf = ({ elementBytes, isNative, isOnGpu }: MemoryQuestion): number =>
  elementBytes === FLOAT && isNative && !isOnGpu ? 1.35 : 1.15;
/** Rows and columns of logits that are computed at a time. */
const FUSED_LOGITS = 2 * 256 * 512 * (FLOAT + 2);
const PLAIN_CHUNK = 1024;
/** Weights that are made of 4 bits at a time. */
const FOUR_BIT_CHUNK = 2 ** 22;
/** Copies of a chunk's logits that the plain head holds: z, log-softmax, p, one-hot, slopes. */
const PLAIN_LOGITS = 6;

/** Half a byte, and the magnitude of its block: four bytes, or one and a share of a group's. */
const fourBitBytes = ({ isNested }: Quantization): number =>
  0.5 + (isNested ? 1 + FLOAT / 256 : FLOAT) / FOUR_BIT_BLOCK;

const linearWeights = (spec: DecoderSpec): ReadonlySet<string> =>
  new Set(linearModules(spec).map(({ module }) => `${module}.weight`));

function weightBytes({ spec, isFull, elementBytes, quantization = null }: MemoryQuestion): number {
  if (isFull) return 0;
  const linear = linearWeights(spec);
  const perElement = (name: string, { length }: readonly number[]): number => {
    if (quantization !== null && linear.has(name)) return fourBitBytes(quantization);
    return length === 2 ? elementBytes : FLOAT;
  };
  let total = 0;
  for (const [name, shape] of parameterShapes(spec)) {
    total += elementCount(shape) * perElement(name, shape);
  }
  return total;
}

/**
 * Matrices that are made of 4 bits for a product: gate and up stand beside each other. TensorFlow's own operations make
 * a chunk at a time: codes, values and what they are scaled to, and then the whole of the chunks; in bfloat16 also both
 * matrices as one.
 */
function madeWeights({ spec, elementBytes, isNative, quantization = null }: MemoryQuestion) {
  if (quantization === null) return 0;
  const size = spec.hiddenSize * spec.intermediateSize;
  if (isNative) return 2 * elementBytes * size;
  const matrices = elementBytes === FLOAT ? 3 : 4;
  return matrices * elementBytes * size + (2 + 2 * FLOAT) * Math.min(size, FOUR_BIT_CHUNK);
}

/** Sum of the outputs of a layer's linear modules, per token. */
const outputsOf = (spec: DecoderSpec, layer: number): number =>
  layerLinears(spec, layer).reduce((sum, { outFeatures }) => sum + outFeatures, 0);

/**
 * Bytes of queries, keys, values and attention's result, of heads before their norms and of gates; of a convolution or a
 * delta rule, those of what its first projections give.
 */
function mixerPerToken({ spec, elementBytes: e }: MemoryQuestion, layer: number): number {
  if (spec.layers[layer]!.mixer !== 'attention') {
    return e * sum(linearGroups(spec, layer).mixerIn.map(({ outFeatures }) => outFeatures));
  }
  const queries = spec.numHeads * spec.headDim;
  const keys = spec.numKvHeads * spec.headDim;
  const norms = spec.qkNorm === 'none' ? 0 : queries + keys;
  const gates = spec.attentionGate ? queries : 0;
  return e * (2 * queries + 2 * keys + norms + gates) + FLOAT * spec.numHeads;
}

/** Bytes of a token on the tape of a gated delta rule; 0 for another layer. */
function deltaTape({ spec, longest }: MemoryQuestion, layer: number): number {
  const mixer = spec.layers[layer]!;
  return mixer.mixer === 'gated_delta' ? deltaTapeBytes(mixer, chunkSize(longest)) : 0;
}

/** Of the heads at work, where layers are fused, with as much of gradients; else of all, beside what is kept. */
function deltaWorkingSet(question: MemoryQuestion): number {
  const { spec, tokens, isFused } = question;
  const each = spec.layers.map((mixer, layer) => {
    const all = tokens * deltaTape(question, layer);
    if (mixer.mixer !== 'gated_delta' || !isFused) return all;
    return (2 * all) / groupCount(all, mixer.keyHeads);
  });
  return Math.max(...each);
}

/** Bytes that a layer keeps for its backward pass. */
function keptByLayer(question: MemoryQuestion, layer: number): number {
  const { spec, tokens, elementBytes: e, isFused, isNative } = question;
  const { hiddenSize, intermediateSize } = spec;
  if (isFused) {
    // Gate and up, and in float32 without our own operations the activation of the gate.
    const gated = isNative || e !== FLOAT ? 2 : 3;
    const perToken = 2 * FLOAT * hiddenSize + e * gated * intermediateSize;
    return tokens * (perToken + mixerPerToken(question, layer));
  }
  // The tape keeps every intermediate.
  const perToken = FLOAT * (3 * outputsOf(spec, layer) + 8 * hiddenSize + 4 * intermediateSize);
  return tokens * (perToken + deltaTape(question, layer));
}

/** Bytes that a recomputed layer keeps: its input, and what mixes tokens where layers are fused. */
function keptByRecomputed(question: MemoryQuestion, layer: number): number {
  const { spec, tokens, isFused } = question;
  return tokens * (FLOAT * spec.hiddenSize + (isFused ? mixerPerToken(question, layer) : 0));
}

function workingSet(question: MemoryQuestion): number {
  const { spec, tokens, longest, elementBytes, isNative, isOnGpu } = question;
  // TensorFlow's own operations compute in float32 between products, whatever is kept.
  const e = isNative ? elementBytes : FLOAT;
  const { hiddenSize, intermediateSize, numHeads, headDim } = spec;
  const mlp = e * 5 * intermediateSize + 3 * FLOAT * hiddenSize;
  const attention = 2 * FLOAT * numHeads * headDim + e * 6 * numHeads * headDim;
  // In float32: b, c and x, the convolution at three distances, and the gradients to them.
  const convolves = spec.layers.some(({ mixer }) => mixer === 'short_conv');
  const convolution = convolves ? FLOAT * 12 * hiddenSize : 0;
  const delta = deltaWorkingSet(question);
  if (isNative) return Math.max(tokens * Math.max(mlp, attention, convolution), delta);
  const band = Math.min(longest, mostQueries({ heads: numHeads, keys: tokens, isOnGpu }));
  const mixer = 2 * Math.max(attention, convolution);
  return Math.max(tokens * (2 * mlp + mixer + 3 * FLOAT * numHeads * band), delta);
}

function headBytes({ spec, predicted, isNative, elementBytes: e }: MemoryQuestion): number {
  const rows = predicted * spec.hiddenSize * (3 * FLOAT + e);
  if (isNative) return rows + FUSED_LOGITS + 4 * e * 512 * spec.hiddenSize;
  // The plain head multiplies in float32, by a copy where the matrix is kept in two bytes.
  const copy = e === FLOAT ? 0 : FLOAT * spec.vocabSize * spec.hiddenSize;
  return copy + rows + PLAIN_LOGITS * FLOAT * Math.min(predicted, PLAIN_CHUNK) * spec.vocabSize;
}

/** Of activations, one tensor: gate or up. */
const largestActivation = ({ spec, tokens, elementBytes }: MemoryQuestion): number =>
  tokens * spec.intermediateSize * elementBytes;

function optimizerBytes(question: MemoryQuestion): number {
  const { trained, isFull, isFused, isNative, elementBytes } = question;
  const { keepsReference = false, hasOwnScales = false, perParameter = 0 } = question;
  const takesHalves = isFused && !isNative && elementBytes !== FLOAT;
  const halves = takesHalves ? 6 : 0;
  const factors = takesHalves && hasOwnScales ? FLOAT : 0;
  const reference = keepsReference ? 2 * FLOAT + halves : 0;
  const held = (isFull ? 4 : 3) + perParameter;
  return trained * (FLOAT * held + momentBytes(question) + halves + factors + reference);
}

/** Of a parameter. In 8 bits a block of 256 has a scale. */
const momentBytes = ({ moments: { count, bits } = ADAMW }: MemoryQuestion): number =>
  count * (bits === 32 ? FLOAT : 1 + FLOAT / 256);

/** Tensors of a piece's size that an update holds beside its result, by the bits of a moment. */
const PIECE_COPIES = { 32: 2, 8: 6 } as const;

/**
 * An update has its gradient, the results of its pieces, and what the last piece is worked on with, or what they are
 * joined in. Lion, of one moment, has its direction too.
 */
function updateBytes(question: MemoryQuestion): number {
  const { trained, isFull, isOnGpu, moments: { count, bits } = ADAMW } = question;
  const piece = Math.min(trained, PIECE[isOnGpu ? 'cuda' : 'cpu']);
  const copies = PIECE_COPIES[bits] + (count === 1 ? 1 : 0);
  return FLOAT * ((isFull ? 0 : trained) + Math.max(trained, copies * piece));
}

function samplerBytes({ spec, samplers = 0, quantization = null }: MemoryQuestion): number {
  if (samplers === 0 || quantization === null) return samplers;
  const shapes = parameterShapes(spec);
  const kept = sum([...linearWeights(spec)].map((name) => elementCount(shapes.get(name)!)));
  return samplers + kept * fourBitBytes(quantization);
}

function partsOf(question: MemoryQuestion) {
  const { spec, checkpointedLayers } = question;
  const layers = spec.layers.length;
  const single = Math.min(Math.max(checkpointedLayers, 0), layers - 1);
  const kept = spec.layers.map((_, layer) => keptByLayer(question, layer));
  const activations = sum(
    kept.map((whole, layer) => (layer < single ? keptByRecomputed(question, layer) : whole)),
  );
  const recomputed = Math.max(0, ...kept.slice(0, single));
  const slack = slackOf(question);
  return {
    runtime: RUNTIME,
    weights: weightBytes(question),
    optimizer: optimizerBytes(question),
    activations: slack * activations,
    working: slack * (workingSet(question) + madeWeights(question) + recomputed),
    head: slack * headBytes(question),
    samplers: slack * samplerBytes(question),
  };
}

/** What is free when the parameters are updated. */
const freedBytes = ({ activations, working, head }: ReturnType<typeof partsOf>): number =>
  activations + working + head;

/**
 * Of what a step leaves, bytes that an update finds room in. A card's memory is one for all. On the host the process
 * keeps what activations leave, where larger vectors find no room: what counts is what comes beyond the batch whose
 * largest activation is such a vector.
 */
function roomBytes(question: MemoryQuestion, activation: number): number {
  const freed = freedBytes(partsOf(question));
  if (question.isOnGpu) return freed;
  const share = (question.trained * FLOAT) / activation;
  if (share >= 1) return 0;
  const { tokens, predicted } = question;
  const least = { ...question, tokens: share * tokens, predicted: share * predicted };
  return Math.max(0, freed - freedBytes(partsOf(least)));
}

export function memoryPlan(question: MemoryQuestion): MemoryPlan {
  const parts = partsOf(question);
  const activation = largestActivation(question);
  const more = Math.max(0, updateBytes(question) - roomBytes(question, activation));
  return { ...parts, activation, total: sum(Object.values(parts)) + more };
}

/** The fewest layers to recompute so that the plan keeps to a budget; all of them where none does. */
export function layersToCheckpoint(
  question: Omit<MemoryQuestion, 'checkpointedLayers'>,
  budget: number,
): number {
  const layers = question.spec.layers.length;
  for (let checkpointedLayers = 0; checkpointedLayers < layers; checkpointedLayers++) {
    if (memoryPlan({ ...question, checkpointedLayers }).total <= budget) return checkpointedLayers;
  }
  return layers;
}

/** The most sequences in one micro-batch, with all layers recomputed; 0: not even one. */
export function largestMicroBatch(
  question: Omit<MemoryQuestion, 'checkpointedLayers' | 'tokens' | 'predicted'>,
  {
    budget,
    tokensOf,
  }: {
    readonly budget: number;
    /** Of so many sequences. */
    readonly tokensOf: (rows: number) => Pick<MemoryQuestion, 'tokens' | 'predicted'>;
  },
): number {
  const fits = (rows: number) => {
    const checkpointedLayers = question.spec.layers.length;
    const whole = { ...question, ...tokensOf(rows), checkpointedLayers };
    return memoryPlan(whole).total <= budget;
  };
  let [low, high] = [0, 1];
  while (high < 1 << 20 && fits(high)) [low, high] = [high, high * 2];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}
