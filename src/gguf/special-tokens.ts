/**
 * What stands around a text and ends one: ids of special tokens, whether BOS and EOS are added, whether a space
 * comes first, and the chat template. Each is written, since llama.cpp has defaults of its own for what is not.
 */
import type { Tokenizer } from '../tokenizer/index.js';
import { InputError } from '../util/errors.js';
import { asObjects, type JsonObject } from '../util/json-object.js';
import { noCounterpart } from './no-counterpart.js';
import { count, flag, type Metadata, type MetadataValue, text } from './values.js';
import { type Kind, prefixed } from './vocabulary.js';

interface Question {
  readonly tokenizer: Tokenizer;
  readonly json: JsonObject;
  readonly kind: Kind;
  /** `bos_token_id` of `config.json`, for tokenizers that name none. */
  readonly configBosId: number | null;
}

/** Keys of the ids that end a generation, in order. */
const ENDS = ['eos_token_id', 'eot_token_id', 'eom_token_id'] as const;

/** @throws InputError when no token ends a text, or more than BOS and EOS are put around one. */
export function specialTokens({ tokenizer, json, kind, configBosId }: Question): Metadata {
  const { dir, eosIds, padId, chatTemplate } = tokenizer;
  checkEnds(dir, eosIds);
  const bosId = tokenizer.bosId ?? configBosId;
  const ids: [string, number | null][] = [
    ['bos_token_id', bosId],
    ...ENDS.map((key, i): [string, number | null] => [key, eosIds[i] ?? null]),
    ['padding_token_id', padId],
    ['unknown_token_id', unknownId(json, tokenizer)],
  ];
  const known = ids.filter((entry): entry is [string, number] => entry[1] !== null);
  const values: Record<string, MetadataValue> = {
    ...Object.fromEntries(known.map(([key, id]) => [key, count(id)])),
    ...addedAround(tokenizer),
    ...(kind === 'llama' && { add_space_prefix: flag(spaceInFront(json, dir)) }),
  };
  return {
    ...prefixed(values),
    ...(chatTemplate !== null && { 'tokenizer.chat_template': text(chatTemplate) }),
  };
}

function checkEnds(dir: string, eosIds: readonly number[]): void {
  if (eosIds.length > 0 && eosIds.length <= ENDS.length) return;
  const problem =
    eosIds.length === 0
      ? 'no token ends a text, and llama.cpp would take one of its own choice'
      : `${eosIds.length} tokens end a text, and GGUF has room for ${ENDS.length}`;
  const remedy =
    eosIds.length === 0
      ? 'Name one as eos_token=…'
      : 'Take some out of eos_token_id in generation_config.json';
  throw new InputError({ where: dir, problem, remedy });
}

function unknownId(json: JsonObject, { tokenId }: Tokenizer): number | null {
  const token = (json.model as JsonObject).unk_token;
  return typeof token === 'string' ? tokenId(token) : null;
}

/** What the tokenizer puts around a text, as it does it. */
function addedAround({ dir, encode, bosId, eosIds }: Tokenizer): Record<string, MetadataValue> {
  const bare = encode('a', { addSpecialTokens: false });
  const whole = encode('a');
  const start = whole.findIndex((_, i) => bare.every((id, j) => whole[i + j] === id));
  const [before, after] = [whole.slice(0, start), whole.slice(start + bare.length)];
  const isKnown = (ids: readonly number[], id: number | null | undefined) =>
    ids.length === 0 || (ids.length === 1 && ids[0] === id);
  if (start >= 0 && isKnown(before, bosId) && isKnown(after, eosIds[0])) {
    return { add_bos_token: flag(before.length > 0), add_eos_token: flag(after.length > 0) };
  }
  throw new InputError({
    where: `${dir}/tokenizer.json`,
    problem: `a text gets the ids ${JSON.stringify(before)} before and ${JSON.stringify(after)} after it; GGUF knows BOS and EOS only`,
    remedy: 'Change its post_processor',
  });
}

/** Whether SentencePiece puts a space before a text. */
function spaceInFront(json: JsonObject, dir: string): boolean {
  const steps = [json.normalizer, json.pre_tokenizer].flatMap(flattened);
  let isInFront = false;
  for (const step of steps) {
    const effect = EFFECTS[step.type as string]?.(step, json);
    if (effect === undefined || effect === null) throw noCounterpart(dir, step);
    isInFront ||= effect;
  }
  return isInFront;
}

const flattened = (step: unknown): readonly JsonObject[] => {
  if (step === null || step === undefined) return [];
  const { type, normalizers, pretokenizers } = step as JsonObject;
  return type === 'Sequence' ? asObjects(normalizers ?? pretokenizers) : [step as JsonObject];
};

/** Whether a step puts a space in front; null where it does what llama.cpp does not. */
const EFFECTS: Readonly<Record<string, (step: JsonObject, json: JsonObject) => boolean | null>> = {
  Prepend: ({ prepend }) => (prepend === '▁' ? true : null),
  Replace: ({ pattern, content }) =>
    (pattern as JsonObject).String === ' ' && content === '▁' ? false : null,
  Split: ({ pattern }) => ((pattern as JsonObject).String === ' ' ? false : null),
  Metaspace: ({ prepend_scheme: scheme, add_prefix_space: older, split = true }, json) => {
    if (split === true && joinsWords(json)) return null;
    return (scheme ?? (older === false ? 'never' : 'always')) !== 'never';
  },
};

/** Whether a token goes beyond the end of a word. */
function joinsWords(json: JsonObject): boolean {
  const vocabulary = Object.keys((json.model as JsonObject).vocab as JsonObject);
  return vocabulary.some((token) => token.indexOf('▁', 1) > 0);
}
