/** `lorikeet factorize NUMBER`: asks a model, here or on a server, and checks what it says. */
import {
  type FactorizeConfig,
  type GenerateConfig,
  generateSchema,
  resolveConfig,
} from '../config/index.js';
import { ENHANCED_PROMPT, FACTORIZATION_SCHEMA, factorizationQuestion } from '../data/index.js';
import { isFactorization, makeRewards, readFactorization } from '../rewards/index.js';
import { InputError } from '../util/errors.js';
import type { JsonRow } from '../util/files.js';
import type { RecipeContext } from './context.js';
import { runGenerate } from './generate.js';

/** Keys are those of the JSON that `--raw` prints; null where the answer lacks them. */
export interface FactorizeResult {
  readonly number: string;
  readonly factors: readonly (number | string)[] | null;
  readonly algorithm: string | null;
  readonly reasoning: readonly string[] | null;
  /** Seconds, as the answer claims. */
  readonly time_taken: number | null;
  readonly confidence: number | null;
  /** Seconds that the answer took. */
  readonly api_call_time: number;
  /** All factors are prime, and their product is the number. */
  readonly correct: boolean;
  /** The answer keeps the JSON schema. */
  readonly valid: boolean;
  readonly product: string | null;
  readonly text: string;
  readonly tokens: number;
  readonly finish_reason: string;
}

const ANSWER_TOKENS = 256;
const TOKENS_PER_DIGIT = 64;

/** Longer numbers have more factors, and longer steps. */
export const tokenLimit = (number: string): number =>
  ANSWER_TOKENS + TOKENS_PER_DIGIT * number.length;

/** @throws InputError below 2; what the sampler or the server throws */
export async function runFactorize(
  config: FactorizeConfig,
  context: RecipeContext,
): Promise<FactorizeResult> {
  const number = BigInt(config.number);
  if (number < 2n) {
    const problem = `${number} has no prime factors`;
    throw new InputError({ where: 'number', problem, remedy: 'Give a whole number from 2' });
  }
  const lines: string[] = [];
  await runGenerate(generateConfig(config), { ...context, print: (line) => lines.push(line) });
  return resultOf(JSON.parse(lines.at(-1) as string) as JsonRow, number);
}

function generateConfig(config: FactorizeConfig): GenerateConfig {
  const { number, enhanced, structured, engine, max_new_tokens, system_prompt, ...rest } = config;
  const isAsked = structured && engine === 'server';
  const format = {
    type: 'json_schema',
    json_schema: { name: 'factorization', strict: true, schema: FACTORIZATION_SCHEMA },
  };
  const keys = {
    ...rest,
    engine,
    prompt: factorizationQuestion(number),
    chat: config.prompt_template === null,
    system_prompt: system_prompt ?? (enhanced ? ENHANCED_PROMPT : null),
    max_new_tokens: max_new_tokens ?? tokenLimit(number),
    response_format: isAsked ? format : null,
  };
  return resolveConfig(generateSchema, [{ value: keys, where: () => 'factorize' }]);
}

const keepsSchema = makeRewards([
  { name: 'json_schema', weight: 1, options: { schema: FACTORIZATION_SCHEMA } },
]);

function resultOf(row: JsonRow, number: bigint): FactorizeResult {
  const text = String(row.completion);
  const answer = readFactorization(text);
  const factors = answer?.factors ?? null;
  return {
    number: String(number),
    factors: factors?.map(jsonNumber) ?? null,
    algorithm: answer?.algorithm ?? null,
    reasoning: answer?.reasoning ?? null,
    time_taken: answer?.timeTaken ?? null,
    confidence: answer?.confidence ?? null,
    api_call_time: Number(row.seconds),
    correct: isFactorization(number, factors),
    valid: keepsSchema(text, {}).total === 1,
    product: factors === null ? null : String(factors.reduce((a, b) => a * b, 1n)),
    text,
    tokens: (row.completion_ids as readonly number[]).length,
    finish_reason: String(row.finish_reason),
  };
}

/** A number where JSON holds it exactly, else its digits. */
const jsonNumber = (value: bigint): number | string =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : String(value);
