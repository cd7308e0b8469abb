/** The ranges of sampling parameters. */
import { InputError } from '../../util/errors.js';
import type { SamplingParams } from '../types.js';

/** The model's own distribution: temperature 1, nothing filtered, nothing penalised. */
export const PLAIN_SAMPLING = {
  temperature: 1,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  minNewTokens: 0,
  stopStrings: [],
  stopIds: [],
  logitBias: new Map<number, number>(),
  constraint: null,
} as const satisfies Omit<SamplingParams, 'maxNewTokens' | 'seed'>;

type NumericParam = Exclude<
  keyof SamplingParams,
  'stopStrings' | 'stopIds' | 'logitBias' | 'constraint'
>;

interface Range {
  readonly allows: (value: number) => boolean;
  readonly text: string;
}

const wholeFrom = (low: number): Range => ({
  allows: (value) => Number.isSafeInteger(value) && value >= low,
  text: `a whole number of at least ${low}`,
});

const RANGES: Readonly<Record<NumericParam, Range>> = {
  temperature: { allows: (v) => Number.isFinite(v) && v >= 0, text: 'a number of at least 0' },
  topK: wholeFrom(0),
  topP: { allows: (v) => v > 0 && v <= 1, text: 'above 0 and at most 1' },
  minP: { allows: (v) => v >= 0 && v < 1, text: 'at least 0 and below 1' },
  repetitionPenalty: { allows: (v) => Number.isFinite(v) && v > 0, text: 'above 0' },
  maxNewTokens: wholeFrom(1),
  minNewTokens: wholeFrom(0),
  seed: { allows: Number.isSafeInteger, text: 'a whole number' },
};

/**
 * @param vocabSize ids of stop tokens and of biases are below it
 * @throws InputError naming the parameter, its value and its range.
 */
export function checkSamplingParams(params: SamplingParams, vocabSize = 2 ** 31): void {
  for (const [name, { allows, text }] of Object.entries(RANGES)) {
    const value = params[name as NumericParam];
    if (!allows(value)) {
      throw new InputError({ where: `sampling ${name}`, problem: `${value} is not ${text}` });
    }
  }
  if (params.minNewTokens > params.maxNewTokens) {
    throw new InputError({
      where: 'sampling minNewTokens',
      problem: `${params.minNewTokens} is more than maxNewTokens (${params.maxNewTokens})`,
    });
  }
  if (params.stopStrings.includes('')) {
    throw new InputError({
      where: 'sampling stopStrings',
      problem: 'an empty string stops nothing',
    });
  }
  for (const id of params.stopIds) checkId('sampling stopIds', id, vocabSize);
  for (const [id, bias] of params.logitBias) {
    checkId('sampling logitBias', id, vocabSize);
    if (Number.isFinite(bias)) continue;
    throw new InputError({
      where: 'sampling logitBias',
      problem: `${bias} for token ${id} is not a finite number`,
      remedy: 'Ban a token by a bias of −100',
    });
  }
}

function checkId(where: string, id: number, vocabSize: number): void {
  if (Number.isSafeInteger(id) && id >= 0 && id < vocabSize) return;
  throw new InputError({ where, problem: `the model has no token ${id}` });
}
