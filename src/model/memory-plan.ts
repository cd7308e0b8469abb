/**
 * What training will need, computed from the architecture before anything is loaded: bytes of weights, of what
 * is trained, of activations kept for the backward pass, and of the largest working set. Counts follow
 * what `fused/` and the plain layers keep; measured peaks stand beside them in docs/benchmarks.md.
 */
import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import { FOUR_BIT_BLOCK, type Quantization } from '../weights/index.js';
import {
  keptByLayer,
  keptByRecomputed,
  largestActivation,
  workingSet,
} from './activation-memory.js';
import { FLOAT, type MemoryQuestion } from './memory-question.js';
import { optimizerBytes, updateBytes } from './optimizer-memory.js';
import { parameterShapes, wideWeights } from './spec-modules.js';

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

function weightBytes({ spec, isFull, elementBytes, quantization = null }: MemoryQuestion): number {
  if (isFull) return 0;
  const wide = new Set(wideWeights(spec));
  const perElement = (name: string, { length }: readonly number[]): number => {
    if (quantization !== null && wide.has(name)) return fourBitBytes(quantization);
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

function headBytes({ spec, predicted, isNative, elementBytes: e }: MemoryQuestion): number {
  // A bias stands in a copy of the matrix.
  const biased = spec.headBias ? e * spec.vocabSize * spec.hiddenSize : 0;
  const rows = biased + predicted * spec.hiddenSize * (3 * FLOAT + e);
  if (isNative) return rows + FUSED_LOGITS + 4 * e * 512 * spec.hiddenSize;
  // The plain head multiplies in float32, by a copy where the matrix is kept in two bytes.
  const copy = e === FLOAT ? 0 : FLOAT * spec.vocabSize * spec.hiddenSize;
  return copy + rows + PLAIN_LOGITS * FLOAT * Math.min(predicted, PLAIN_CHUNK) * spec.vocabSize;
}

function samplerBytes({ spec, samplers = 0, quantization = null }: MemoryQuestion): number {
  if (samplers === 0 || quantization === null) return samplers;
  const shapes = parameterShapes(spec);
  const kept = sum(wideWeights(spec).map((name) => elementCount(shapes.get(name)!)));
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
