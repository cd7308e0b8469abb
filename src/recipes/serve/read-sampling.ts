/** The fields of a request that say how to sample → the engine's parameters. What is not said is as configured. */
import { PENALTY_RANGE, type SamplingParams, type TokenConstraint } from '../../rollout/index.js';
import { isObject } from '../../util/json-object.js';
import { MIN_TEMPERATURE } from '../../util/temperature.js';
import { fieldError } from './api-error.js';
import type { Fields } from './fields.js';

/** Most completions of one prompt, as at OpenAI. */
const MAX_N = 128;

export interface SamplingFields {
  readonly params: SamplingParams;
  readonly n: number;
  /** Undefined: a stream of the server's own. */
  readonly seed: number | undefined;
  /** Whether the request itself says how long the answer may become. */
  readonly isLengthGiven: boolean;
}

interface SamplingLimits {
  /** What holds for requests that say nothing. */
  readonly defaults: SamplingParams;
  /** Bounds ids of tokens. */
  readonly vocabSize: number;
  /** Compiles a `response_format`. */
  readonly constraintOf: (format: Record<string, unknown>) => TokenConstraint | null;
}

export function readSampling(
  fields: Fields,
  { defaults, vocabSize, constraintOf }: SamplingLimits,
): SamplingFields {
  refusePenalties(fields);
  const length = readLength(fields);
  const topK = fields.whole('top_k', -1);
  const format = fields.mapping('response_format');
  const params: SamplingParams = {
    temperature: readTemperature(fields) ?? defaults.temperature,
    topP: fields.number('top_p', { min: 0, max: 1, isOpen: true }) ?? defaults.topP,
    topK: topK === undefined ? defaults.topK : Math.max(0, topK),
    minP: fields.number('min_p', { min: 0, max: 0.999 }) ?? defaults.minP,
    repetitionPenalty:
      fields.number('repetition_penalty', PENALTY_RANGE) ?? defaults.repetitionPenalty,
    maxNewTokens: length ?? defaults.maxNewTokens,
    minNewTokens: fields.whole('min_tokens', 0) ?? 0,
    stopStrings: readStops(fields) ?? defaults.stopStrings,
    stopIds: readStopIds(fields, vocabSize),
    logitBias: readBias(fields, vocabSize),
    constraint: format === undefined ? null : constraintOf(format),
    seed: defaults.seed,
  };
  const n = fields.whole('n', 1, MAX_N) ?? 1;
  return { params, n, seed: fields.whole('seed'), isLengthGiven: length !== undefined };
}

function readTemperature(fields: Fields): number | undefined {
  const temperature = fields.number('temperature', { min: 0, max: 10 });
  if (temperature === undefined || temperature === 0 || temperature >= MIN_TEMPERATURE) {
    return temperature;
  }
  const problem = `${temperature} is neither 0 nor at least ${MIN_TEMPERATURE}`;
  throw fieldError('temperature', problem, 'Give 0 for the likeliest tokens');
}

/** `max_tokens` is the older name. */
function readLength(fields: Fields): number | undefined {
  const length = fields.whole('max_completion_tokens', 1);
  const older = fields.whole('max_tokens', 1);
  if (length === undefined || older === undefined || length === older) return length ?? older;
  const problem = `${older} is not the ${length} of max_completion_tokens`;
  throw fieldError('max_tokens', problem, 'Give one of them');
}

const PENALTIES = 'they count how often a token came; repetition_penalty is what the engine has';

function refusePenalties(fields: Fields): void {
  fields.refuse('presence_penalty', PENALTIES, [0]);
  fields.refuse('frequency_penalty', PENALTIES, [0]);
}

function readStops(fields: Fields): readonly string[] | undefined {
  const stops = fields.texts('stop');
  if (stops?.includes('')) throw fieldError('stop', 'an empty text stops nothing', 'Leave it out');
  return stops;
}

function readStopIds(fields: Fields, vocabSize: number): readonly number[] {
  const ids = fields.raw('stop_token_ids') ?? [];
  if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id))) {
    checkIds('stop_token_ids', ids, vocabSize);
    return ids;
  }
  throw fieldError('stop_token_ids', 'it is not a list of token ids');
}

/** @throws ApiError naming the field and the first id that is no token */
export function checkIds(name: string, ids: readonly number[], vocabSize: number): void {
  const unknown = ids.find((id) => id < 0 || id >= vocabSize);
  if (unknown === undefined) return;
  const remedy = `Give ids from 0 to ${vocabSize - 1}`;
  throw fieldError(name, `the model has no token ${unknown}`, remedy);
}

function readBias(fields: Fields, vocabSize: number): ReadonlyMap<number, number> {
  const biases = fields.raw('logit_bias') ?? {};
  const entries = isObject(biases) ? Object.entries(biases) : null;
  const isBias = ([id, bias]: [string, unknown]) =>
    /^\d+$/.test(id) && typeof bias === 'number' && Math.abs(bias) <= 100;
  if (entries?.every(isBias)) {
    const read = new Map(entries.map(([id, bias]) => [Number(id), bias as number]));
    checkIds('logit_bias', [...read.keys()], vocabSize);
    return read;
  }
  throw fieldError('logit_bias', 'it does not map token ids to numbers from -100 to 100');
}
