/**
 * Draws the next token of a row. What happens to the logits, and in which order, is as in transformers: bias,
 * repetition penalty, end of text held back, constraint, temperature, top-k, top-p, min-p
 * (`GenerationMixin._get_logits_processor`). The temperature comes first here, inside the graph, which the
 * steps before it commute with: the bias is divided by it, too.
 *
 * Where nothing is adjusted or filtered the probabilities come ready from the graph, and a draw is one walk
 * along them until the random number is used up.
 */
import { RunError } from '../../util/errors.js';
import type { Rng } from '../../util/rng.js';
import type { ConstraintCursor, SamplingParams, TokenLogprob } from '../types.js';
import {
  argmax,
  isUnfiltered,
  largest,
  logProbability,
  massOf,
  Support,
  softmaxInto,
} from './distribution.js';

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
  /** Where the text stands, where it is constrained. */
  readonly constraint: ConstraintCursor | null;
}

/** Below this share of the mass, what is left after removing tokens is computed again from the scores. */
const MIN_EXACT_MASS = 1e-3;

/** Room for one row over the vocabulary; samplers that draw one after the other can share it. */
interface Scratch {
  readonly support: Support;
  readonly scores: Float32Array;
  readonly weights: Float32Array;
}

export const newScratch = (vocabSize: number): Scratch => ({
  support: new Support(vocabSize),
  scores: new Float32Array(vocabSize),
  weights: new Float32Array(vocabSize),
});

export class TokenSampler {
  /** Log-probability of the token drawn last, under the distribution that it was drawn from. */
  logprob = 0;
  /** The same under the whole softmax of the scores, before anything is adjusted or filtered. */
  policyLogprob = 0;
  private readonly params: SamplingParams;
  /** Tokens that end a completion. */
  private readonly endIds: readonly number[];
  private readonly isPlain: boolean;
  private readonly support: Support;
  private readonly scores: Float32Array;
  private readonly weights: Float32Array;
  /** What the last token was drawn from. */
  private drawn: Row | null = null;

  constructor(
    params: SamplingParams,
    vocabSize: number,
    eosIds: readonly number[],
    scratch: Scratch = newScratch(vocabSize),
  ) {
    this.params = params;
    this.endIds = [...eosIds, ...params.stopIds].filter((id) => id < vocabSize);
    this.isPlain = isUnfiltered(params);
    this.support = scratch.support;
    this.scores = scratch.scores;
    this.weights = scratch.weights;
  }

  /** Factor for the logits of every row; greedy rows keep temperature 1 for their log-probabilities. */
  get inverseTemperature(): number {
    return this.params.temperature === 0 ? 1 : 1 / this.params.temperature;
  }

  /**
   * @param scores logits over the temperature [V]
   * @param probabilities softmax of `scores`, but for a factor close to 1 [V]
   * @returns the token; `logprob` and `policyLogprob` hold the logarithms of its probability
   * @throws RunError when the probabilities are not numbers
   */
  next(scores: Float32Array, probabilities: Float32Array, state: SamplingState): number {
    const mass = massOf(probabilities);
    const row = this.adjusted({ scores, weights: probabilities, mass }, state);
    const id = this.draw(row, state.rng);
    this.drawn = row;
    this.policyLogprob = logProbability({ scores, probabilities, mass }, id);
    if (Number.isNaN(this.logprob)) throw divergedError();
    return id;
  }

  /**
   * The likeliest tokens of the distribution that the last one was drawn from; fewer where fewer could come.
   * Call it before the next draw, while the scores of this one are there.
   */
  likeliest(count: number): TokenLogprob[] {
    const { support, drawn } = this;
    if (drawn === null) return [];
    const isFiltered = this.params.temperature > 0 && !this.isPlain;
    const mass = isFiltered ? support.mass : drawn.mass;
    const ids = isFiltered ? support.ids.subarray(0, support.count) : drawn.weights.keys();
    return largest(drawn.weights, ids, count).map((id) => ({
      id,
      logprob: Math.fround(Math.log(drawn.weights[id]! / mass)),
    }));
  }

  private draw(row: Row, rng: Rng): number {
    if (this.params.temperature > 0) {
      return this.isPlain ? this.drawPlain(row, rng) : this.drawFiltered(row, rng);
    }
    const id = argmax(row.scores);
    this.logprob = Math.log(row.weights[id]! / row.mass);
    return id;
  }

  private adjusted(row: Row, { count, seen, constraint }: SamplingState): Row {
    const { logitBias, minNewTokens } = this.params;
    const holdsBack = count < minNewTokens && this.endIds.length > 0;
    const isRescored = logitBias.size > 0 || seen !== null;
    if (!isRescored && !holdsBack && constraint === null) return row;
    this.scores.set(row.scores);
    if (isRescored) this.rescore(seen);
    if (constraint !== null) keepOnly(this.scores, constraint.allowed());
    if (holdsBack) this.holdBackEnd();
    const mass = isRescored ? 0 : this.massLeft(row);
    if (mass < MIN_EXACT_MASS) {
      softmaxInto(this.weights, this.scores);
      return { scores: this.scores, weights: this.weights, mass: 1 };
    }
    return { scores: this.scores, weights: this.weights, mass };
  }

  /** Bias, then repetition penalty (Keskar et al. 2019). */
  private rescore(seen: ReadonlySet<number> | null): void {
    const { logitBias, repetitionPenalty } = this.params;
    for (const [id, bias] of logitBias) this.scores[id]! += bias * this.inverseTemperature;
    if (seen !== null) penalise(this.scores, seen, repetitionPenalty);
  }

  /** No end of text, unless a constraint leaves nothing else. */
  private holdBackEnd(): void {
    const before = this.endIds.map((id) => this.scores[id]!);
    for (const id of this.endIds) this.scores[id] = Number.NEGATIVE_INFINITY;
    if (this.scores.some((score) => score !== Number.NEGATIVE_INFINITY)) return;
    for (const [i, id] of this.endIds.entries()) this.scores[id] = before[i]!;
  }

  /** Copies the weights, those of removed tokens set to 0, and adds them up. */
  private massLeft(row: Row): number {
    let mass = 0;
    for (let id = 0; id < this.weights.length; id++) {
      const weight = this.scores[id] === Number.NEGATIVE_INFINITY ? 0 : row.weights[id]!;
      this.weights[id] = weight;
      mass += weight;
    }
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

export function divergedError(): RunError {
  return new RunError({
    where: 'rollout',
    problem: 'the logits of the model are not numbers',
    remedy:
      'Its weights have diverged in training, or are damaged: lower learning_rate, or fetch them again',
  });
}

function penalise(scores: Float32Array, ids: ReadonlySet<number>, penalty: number): void {
  for (const id of ids) {
    const score = scores[id]!;
    scores[id] = score < 0 ? score * penalty : score / penalty;
  }
}

/** Removes every token whose bit in `allowed` is not set. */
function keepOnly(scores: Float32Array, allowed: Uint32Array): void {
  for (let id = 0; id < scores.length; id++) {
    if ((allowed[id >>> 5]! & (1 << (id & 31))) === 0) scores[id] = Number.NEGATIVE_INFINITY;
  }
}

/** Uniform in [0, 1) with 53 bits, so that tokens rarer than 2⁻³² are drawn as often as they should be. */
export function uniform53(rng: Rng): number {
  const high = rng.uint32() >>> 5;
  const low = rng.uint32() >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}
