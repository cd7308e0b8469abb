/** A factorization as the model gives it: JSON, alone or in one fenced block. Reading is total. */
import { isObject, jsonIn, numberOf, textOf } from '../../util/json-object.js';

export interface FactorizationAnswer {
  /** Null when they are no list of whole numbers. */
  readonly factors: readonly bigint[] | null;
  readonly algorithm: string | null;
  /** Null when it is no list of texts. */
  readonly reasoning: readonly string[] | null;
  readonly timeTaken: number | null;
  readonly confidence: number | null;
}

/** Longer answers are not read, characters. */
const MAX_LENGTH = 50_000;
/** A number has fewer prime factors than binary digits. */
const MAX_FACTORS = 400;
const FENCED = /^[^`]*```(?:json)?[^\S\n]*\n([^`]*)```[^`]*$/;

/** Null when the completion holds no JSON object. */
export function readAnswer(completion: string): FactorizationAnswer | null {
  if (completion.length > MAX_LENGTH) return null;
  const value = jsonIn(FENCED.exec(completion)?.[1] ?? completion);
  if (!isObject(value)) return null;
  const { factors, algorithm, reasoning, time_taken, confidence } = value;
  return {
    factors: wholeNumbers(factors),
    algorithm: textOf(algorithm),
    reasoning: texts(reasoning),
    timeTaken: numberOf(time_taken),
    confidence: numberOf(confidence),
  };
}

function wholeNumbers(value: unknown): bigint[] | null {
  if (!Array.isArray(value) || value.length > MAX_FACTORS) return null;
  const numbers = value.map(wholeNumber);
  return numbers.every((each) => each !== null) ? numbers : null;
}

/** Of a number or of its digits as text; null for anything else, and for numbers JSON cannot hold. */
export function wholeNumber(value: unknown): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : null;
  return typeof value === 'string' && /^\d{1,1000}$/.test(value) ? BigInt(value) : null;
}

const texts = (value: unknown): string[] | null =>
  Array.isArray(value) && value.every((each) => typeof each === 'string') ? value : null;
