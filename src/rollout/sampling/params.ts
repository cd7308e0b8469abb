/** The ranges of sampling parameters. */
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { MIN_TEMPERATURE } from '../../util/temperature.js';
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

/** Of the repetition penalty, for the same reason. */
export const PENALTY_RANGE = { min: 0.01, max: 100 } as const;

interface Range {
  /** Its key in a config. */
  readonly key: string;
  readonly allows: (value: number) => boolean;
  readonly text: string;
}

const wholeFrom = (key: string, low: number): Range => ({
  key,
  allows: (value) => Number.isSafeInteger(value) && value >= low,
  text: `a whole number of at least ${low}`,
});

const RANGES: Readonly<Record<NumericParam, Range>> = {
  temperature: {
    key: 'temperature',
    allows: (v) => v === 0 || (v >= MIN_TEMPERATURE && Number.isFinite(v)),
    text: `0 (greedy) or a number of at least ${MIN_TEMPERATURE}`,
  },
  topK: wholeFrom('top_k', 0),
  topP: { key: 'top_p', allows: (v) => v > 0 && v <= 1, text: 'above 0 and at most 1' },
  minP: { key: 'min_p', allows: (v) => v >= 0 && v < 1, text: 'at least 0 and below 1' },
  repetitionPenalty: {
    key: 'repetition_penalty',
    allows: (v) => v >= PENALTY_RANGE.min && v <= PENALTY_RANGE.max,
    text: `from ${PENALTY_RANGE.min} to ${PENALTY_RANGE.max}`,
  },
  maxNewTokens: wholeFrom('max_new_tokens', 1),
  minNewTokens: wholeFrom('min_new_tokens', 0),
  seed: { key: 'seed', allows: Number.isSafeInteger, text: 'a whole number' },
};

/**
 * @param vocabSize ids of stop tokens and of biases are below it
 * @throws InputError naming the parameter as configs do, its value and its range.
 */
export function checkSamplingParams(params: SamplingParams, vocabSize = 2 ** 31): void {
  for (const [name, { key, allows, text }] of Object.entries(RANGES)) {
    const value = params[name as NumericParam];
    if (!allows(value)) {
      throw new InputError({ where: key, problem: `${value} is not ${text}` });
    }
  }
  if (params.minNewTokens > params.maxNewTokens) {
    throw new InputError({
      where: 'min_new_tokens',
      problem: `${params.minNewTokens} is more than the ${counted(params.maxNewTokens, 'token')} that a completion may have`,
      remedy: 'Lower it, or raise the length',
    });
  }
  if (params.stopStrings.includes('')) {
    throw new InputError({ where: 'stop', problem: 'an empty string stops nothing' });
  }
  for (const id of params.stopIds) checkId('stop_tokens', id, vocabSize);
  for (const [id, bias] of params.logitBias) {
    checkId('logit_bias', id, vocabSize);
    if (Number.isFinite(bias)) continue;
    throw new InputError({
      where: 'logit_bias',
      problem: `${bias} for token ${id} is not a finite number`,
      remedy: 'Ban a token by a bias of −100',
    });
  }
}

function checkId(where: string, id: number, vocabSize: number): void {
  if (Number.isSafeInteger(id) && id >= 0 && id < vocabSize) return;
  const remedy = `Give ids from 0 to ${vocabSize - 1}`;
  throw new InputError({ where, problem: `the model has no token ${id}`, remedy });
}
