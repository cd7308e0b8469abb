/**
 * The distribution that a token is drawn from: the softmax of one row of logits, filtered. Order of the
 * filters as in transformers: top-k, then top-p (Holtzman et al. 2020) on what is left, then min-p
 * (Nguyen et al. 2024). Pure typed-array code without sorting; buffers are used again from token to token.
 */

export interface Filters {
  /** 0 for all. */
  readonly topK: number;
  /** 1 for all. */
  readonly topP: number;
  /** 0 for all. */
  readonly minP: number;
}

export function isUnfiltered({ topK, topP, minP }: Filters): boolean {
  return topK === 0 && topP === 1 && minP === 0;
}

/** Tokens that passed the filters, in order of id, and the sum of their weights. */
export class Support {
  /** The first `count` entries hold the tokens. */
  readonly ids: Int32Array;
  count = 0;
  mass = 0;
  private readonly buckets = new Float64Array(2048);

  constructor(vocabSize: number) {
    this.ids = new Int32Array(vocabSize);
  }

  /**
   * @param weights proportional to the probabilities, none negative, one at least positive [V]
   */
  select(weights: Float32Array, { topK, topP, minP }: Filters): void {
    this.fill(weights);
    if (topK > 0 && topK < this.count) this.cut(weights, 'count', topK);
    if (topP < 1) this.cut(weights, 'weight', topP * this.sum(weights));
    if (minP > 0) this.dropBelow(weights, minP * this.largest(weights));
    this.mass = this.sum(weights);
  }

  private fill(weights: Float32Array): void {
    let count = 0;
    for (let id = 0; id < weights.length; id++) if (weights[id]! > 0) this.ids[count++] = id;
    this.count = count;
  }

  private sum(weights: Float32Array): number {
    let sum = 0;
    for (let i = 0; i < this.count; i++) sum += weights[this.ids[i]!]!;
    return sum;
  }

  private largest(weights: Float32Array): number {
    let largest = 0;
    for (let i = 0; i < this.count; i++) largest = Math.max(largest, weights[this.ids[i]!]!);
    return largest;
  }

  private dropBelow(weights: Float32Array, floor: number): void {
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const id = this.ids[i]!;
      if (weights[id]! >= floor) this.ids[kept++] = id;
    }
    this.count = kept;
  }

  /**
   * Keeps the shortest list of likeliest tokens (ties: lower id first) that reaches `amount`, in tokens or
   * in weight. The bits of positive floats are ordered as the floats are, so three passes over groups of
   * 11, 10 and 10 bits find the weight at which the list ends.
   */
  private cut(weights: Float32Array, measure: 'count' | 'weight', amount: number): void {
    const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
    let prefix = 0;
    let above = 0;
    for (const shift of [20, 10, 0]) {
      const width = shift === 20 ? 2048 : 1024;
      this.histogram(weights, bits, { measure, prefix, shift, width });
      let bucket = width - 1;
      while (bucket > 0 && above + this.buckets[bucket]! < amount) above += this.buckets[bucket--]!;
      prefix = prefix * width + bucket;
    }
    this.keepDownTo(bits, { boundary: prefix, missing: amount - above, measure });
  }

  /** Amount in each group of the bits at `shift`, among tokens whose higher bits are `prefix`. */
  private histogram(weights: Float32Array, bits: Uint32Array, level: Level): void {
    const { measure, prefix, shift, width } = level;
    const { ids, buckets } = this;
    buckets.fill(0);
    for (let i = 0; i < this.count; i++) {
      const id = ids[i]!;
      const group = bits[id]! >>> shift;
      if (shift !== 20 && group >>> 10 !== prefix) continue;
      buckets[group & (width - 1)]! += measure === 'count' ? 1 : weights[id]!;
    }
  }

  /** Tokens above the boundary, and of those on it as many as it takes to reach `missing`. */
  private keepDownTo(bits: Uint32Array, { boundary, missing, measure }: ListEnd): void {
    const step = measure === 'count' ? 1 : floatOf(boundary);
    let reached = 0;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      const id = this.ids[i]!;
      if (bits[id]! < boundary) continue;
      if (bits[id]! === boundary) {
        if (reached >= missing) continue;
        reached += step;
      }
      this.ids[kept++] = id;
    }
    this.count = kept;
  }
}

interface ListEnd {
  readonly boundary: number;
  readonly missing: number;
  readonly measure: 'count' | 'weight';
}

interface Level {
  readonly measure: 'count' | 'weight';
  readonly prefix: number;
  readonly shift: number;
  readonly width: number;
}

const word = new Uint32Array(1);
const float = new Float32Array(word.buffer);

function floatOf(bits: number): number {
  word[0] = bits;
  return float[0]!;
}

/** Id of the largest score; the lowest such id. */
export function argmax(scores: Float32Array): number {
  let best = 0;
  for (let id = 1; id < scores.length; id++) if (scores[id]! > scores[best]!) best = id;
  return best;
}

/** Of `ids` those with the largest weights, none of 0; the largest first, of equal ones the one that comes first. */
export function largest(weights: Float32Array, ids: Iterable<number>, count: number): number[] {
  const found: number[] = [];
  for (const id of ids) {
    const weight = weights[id]!;
    const least = found.length < count ? 0 : weights[found[count - 1]!]!;
    if (weight <= least) continue;
    let at = found.length;
    while (at > 0 && weights[found[at - 1]!]! < weight) at--;
    found.splice(at, 0, id);
    if (found.length > count) found.pop();
  }
  return found;
}

/** Probabilities below this have lost precision as float32; their logarithm is taken from the scores. */
const MIN_PROBABILITY = 1e-30;

/** One row over the vocabulary: `probabilities` are the softmax of `scores`, but for a factor close to 1. */
export interface ScoredRow {
  readonly scores: Float32Array;
  readonly probabilities: Float32Array;
  /** Sum of `probabilities`. */
  readonly mass: number;
}

/**
 * Sum of a row. A softmax in float32 divides by a sum in float32, which has lost up to 1e-4 of a flat
 * distribution over a large vocabulary. Four sums side by side are twice as fast as one.
 */
export function massOf(weights: Float32Array): number {
  const { length } = weights;
  const whole = length - (length % 4);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let i = 0; i < whole; i += 4) {
    a += weights[i]!;
    b += weights[i + 1]!;
    c += weights[i + 2]!;
    d += weights[i + 3]!;
  }
  for (let i = whole; i < length; i++) a += weights[i]!;
  return a + b + (c + d);
}

/** `log softmax(scores)[id]`, through the likeliest id where the probability itself is too small. */
export function logProbability({ scores, probabilities, mass }: ScoredRow, id: number): number {
  const probability = probabilities[id]!;
  if (probability >= MIN_PROBABILITY) return Math.log(probability / mass);
  const best = argmax(scores);
  return scores[id]! - scores[best]! + Math.log(probabilities[best]! / mass);
}

/** Writes the softmax of `scores` into `weights`. */
export function softmaxInto(weights: Float32Array, scores: Float32Array): void {
  const max = scores[argmax(scores)]!;
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const weight = Math.exp(scores[i]! - max);
    weights[i] = weight;
    sum += weight;
  }
  const factor = 1 / sum;
  for (let i = 0; i < scores.length; i++) weights[i] = weights[i]! * factor;
}
