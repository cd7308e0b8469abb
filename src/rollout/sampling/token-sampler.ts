/**
 * Draws the next token of a row. Where nothing is adjusted or filtered the probabilities come ready from
 * the graph, and a draw is one walk along them until the random number is used up.
 */
import { RunError } from '../../util/errors.js';
import type { Rng } from '../../util/rng.js';
import type { SamplingParams } from '../types.js';
import { argmax, isUnfiltered, Support, softmaxInto } from './distribution.js';

/** One row over the vocabulary: `weights` are proportional to the softmax of `scores` and sum to `mass`. */
interface Row {
  readonly scores: Float32Array;
  readonly weights: Float32Array;
  readonly mass: number;
}

/** Of a completion in progress, what the choice of its next token depends on. */
export interface SamplingState {
  readonly rng: Rng;
  /** Tokens sampled so far. */
  readonly count: number;
  /** Ids in prompt and completion, where repetition is penalised. */
  readonly seen: ReadonlySet<number> | null;
}

/** Below this share of the mass, what is left after banning tokens is computed again from the scores. */
const MIN_EXACT_MASS = 1e-3;

export class TokenSampler {
  /** Log-probability of the token drawn last. */
  logprob = 0;
  private readonly params: SamplingParams;
  private readonly eosIds: readonly number[];
  private readonly isPlain: boolean;
  private readonly support: Support;
  private readonly scores: Float32Array;
  private readonly weights: Float32Array;

  constructor(params: SamplingParams, vocabSize: number, eosIds: readonly number[]) {
    this.params = params;
    this.eosIds = eosIds.filter((id) => id < vocabSize);
    this.isPlain = isUnfiltered(params);
    this.support = new Support(vocabSize);
    this.scores = new Float32Array(vocabSize);
    this.weights = new Float32Array(vocabSize);
  }

  /** Factor for the logits of every row; greedy rows keep temperature 1 for their log-probabilities. */
  get inverseTemperature(): number {
    return this.params.temperature === 0 ? 1 : 1 / this.params.temperature;
  }

  /**
   * @param scores logits over the temperature [V]
   * @param probabilities softmax of `scores` [V]
   * @returns the token; `logprob` holds the logarithm of its probability
   * @throws RunError when the probabilities are not numbers
   */
  next(scores: Float32Array, probabilities: Float32Array, state: SamplingState): number {
    const row = this.adjusted({ scores, weights: probabilities, mass: 1 }, state);
    const id = this.draw(row, state.rng);
    if (Number.isNaN(this.logprob)) {
      throw new RunError({
        where: 'rollout',
        problem: 'the logits of the model are not numbers',
        remedy: 'Its weights have diverged: train with a lower learning rate',
      });
    }
    return id;
  }

  private draw(row: Row, rng: Rng): number {
    if (this.params.temperature > 0) {
      return this.isPlain ? this.drawPlain(row, rng) : this.drawFiltered(row, rng);
    }
    const id = argmax(row.scores);
    this.logprob = Math.log(row.weights[id]! / row.mass);
    return id;
  }

  /** Repetition penalty (Keskar et al. 2019) and no end of text before `minNewTokens`. */
  private adjusted(row: Row, { count, seen }: SamplingState): Row {
    const { repetitionPenalty, minNewTokens } = this.params;
    const isBanning = count < minNewTokens && this.eosIds.length > 0;
    if (repetitionPenalty === 1 && !isBanning) return row;
    this.scores.set(row.scores);
    if (repetitionPenalty !== 1 && seen !== null) penalise(this.scores, seen, repetitionPenalty);
    if (isBanning) for (const id of this.eosIds) this.scores[id] = Number.NEGATIVE_INFINITY;
    const mass = repetitionPenalty === 1 ? this.massWithoutEos(row) : 0;
    if (mass < MIN_EXACT_MASS) {
      softmaxInto(this.weights, this.scores);
      return { scores: this.scores, weights: this.weights, mass: 1 };
    }
    return { scores: this.scores, weights: this.weights, mass };
  }

  /** Copies the weights, those of end-of-text set to 0, and adds them up. */
  private massWithoutEos(row: Row): number {
    this.weights.set(row.weights);
    for (const id of this.eosIds) this.weights[id] = 0;
    let mass = 0;
    for (let id = 0; id < this.weights.length; id++) mass += this.weights[id]!;
    return mass;
  }

  private drawPlain({ weights, mass }: Row, rng: Rng): number {
    const target = uniform53(rng) * mass;
    let sum = 0;
    let last = 0;
    for (let id = 0; id < weights.length; id++) {
      const weight = weights[id]!;
      if (weight === 0) continue;
      last = id;
      sum += weight;
      if (sum > target) break;
    }
    this.logprob = Math.log(weights[last]! / mass);
    return last;
  }

  private drawFiltered(row: Row, rng: Rng): number {
    const { support } = this;
    support.select(row.weights, this.params);
    const target = uniform53(rng) * support.mass;
    let sum = 0;
    let last = 0;
    for (let i = 0; i < support.count; i++) {
      last = support.ids[i]!;
      sum += row.weights[last]!;
      if (sum > target) break;
    }
    this.logprob = Math.log(row.weights[last]! / support.mass);
    return last;
  }
}

function penalise(scores: Float32Array, ids: ReadonlySet<number>, penalty: number): void {
  for (const id of ids) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
}

/** Uniform in [0, 1) with 53 bits, so that tokens rarer than 2⁻³² are drawn as often as they should be. */
function uniform53(rng: Rng): number {
  const high = rng.uint32() >>> 5;
  const low = rng.uint32() >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
