/** The keys of sampling → the engine's parameters: texts of tokens looked up, the JSON schema compiled. */
import type { SamplingParams } from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { responseConstraint } from './response-format.js';
import {
  type FilterKeys,
  filterParams,
  type SamplingKeys,
  samplingParams,
} from './sampling-params.js';

export interface DecodingKeys extends SamplingKeys, FilterKeys {
  readonly logit_bias: Readonly<Record<string, number>>;
  readonly min_new_tokens: number;
  readonly max_new_tokens: number;
  readonly stop_tokens: readonly string[];
  readonly response_format: JsonRow | null;
}

/**
 * @param tokenizer null where the prompts are rendered elsewhere
 * @throws InputError on a token that the vocabulary does not have, or lengths that contradict each other.
 */
export function decodingParams(keys: DecodingKeys, tokenizer: Tokenizer | null): SamplingParams {
  const { min_new_tokens: least, max_new_tokens: most } = keys;
  if (least > most) {
    throw new InputError({
      where: 'min_new_tokens',
      problem: `${least} is more than max_new_tokens (${most})`,
    });
  }
  return {
    ...samplingParams(keys, most),
    ...filterParams(keys),
    minNewTokens: least,
    logitBias: new Map(Object.entries(keys.logit_bias).map(([id, bias]) => [Number(id), bias])),
    stopIds: keys.stop_tokens.map((token) => stopId(token, tokenizer)),
    constraint: tokenizer === null ? null : responseConstraint(keys.response_format, tokenizer),
  };
}

function stopId(token: string, tokenizer: Tokenizer | null): number {
  if (tokenizer === null) {
    throw new InputError({
      where: 'stop_tokens',
      problem:
        'they need the local tokenizer, which a server that renders chats takes the place of',
      remedy: 'Give texts as stop',
    });
  }
  const id = tokenizer.tokenId(token);
  if (id !== null) return id;
  const pieces = tokenizer.encode(token, { addSpecialTokens: false }).length;
  throw new InputError({
    where: 'stop_tokens',
    problem: `the vocabulary has no token ${JSON.stringify(token)}`,
    remedy: `Its text takes ${pieces} tokens: give it as stop, which looks for text`,
  });
}
