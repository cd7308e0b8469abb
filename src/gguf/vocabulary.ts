/**
 * The vocabulary of `tokenizer.json` as llama.cpp wants it: one entry for every id of the embedding, in order.
 * Two kinds: byte-level byte pairs (`gpt2`), whose merges are written; and SentencePiece's (`llama`), where
 * llama.cpp joins the neighbours of highest score, so that a token's score is minus the place of its merge.
 */
import { InputError } from '../util/errors.js';
import { asObjects, type JsonObject } from '../util/json-object.js';
import { floats, integers, type Metadata, text, texts } from './values.js';

/** `llama_token_type` */
const TYPES = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

export type Kind = 'gpt2' | 'llama';

export interface Vocabulary {
  readonly kind: Kind;
  /** Entries that no token has: rows that pad the embedding. */
  readonly padding: number;
  readonly metadata: Metadata;
}

interface Question {
  readonly json: JsonObject;
  readonly dir: string;
  /** Rows of the embedding. */
  readonly size: number;
}

interface Entry {
  readonly token: string;
  readonly type: number;
}

/** @throws InputError for a tokenizer that is neither kind, or has two ids of one spelling. */
export function vocabularyOf(question: Question): Vocabulary {
  const { json, size } = question;
  const model = json.model as JsonObject;
  const kind = kindOf(question);
  const entries = entriesOf(question, kind);
  checkSpellings(question.dir, entries);
  const tokens = entries.map(({ token }) => token);
  const merges = mergesOf(model);
  const own =
    kind === 'gpt2'
      ? { merges: texts(merges.map((pair) => pair.map(withoutSpace).join(' '))) }
      : { scores: floats(scoresOf(entries, merges)) };
  const metadata = {
    model: text(kind),
    tokens: texts(tokens),
    token_type: integers(entries.map(({ type }) => type)),
    ...own,
  };
  const padding = size - new Set(idsOf(json).values()).size;
  return { kind, padding, metadata: prefixed(metadata) };
}

export const prefixed = (values: Metadata): Metadata =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`tokenizer.ggml.${key}`, value]),
  );

function kindOf({ json, dir }: Question): Kind {
  const { type, byte_fallback: fallsBack } = json.model as JsonObject;
  const cuts = JSON.stringify(json.pre_tokenizer ?? null);
  if (type === 'BPE' && cuts.includes('"ByteLevel"')) return 'gpt2';
  if (type === 'BPE' && fallsBack === true) return 'llama';
  throw new InputError({
    where: `${dir}/tokenizer.json`,
    problem: `a tokenizer of type ${JSON.stringify(type)} ${type === 'BPE' ? 'without bytes ' : ''}cannot be written as GGUF`,
    remedy: 'Byte pairs over bytes (as GPT-2) and with byte fallback (as Llama 2) can',
  });
}

/** Token → id, added tokens too. */
function idsOf(json: JsonObject): Map<string, number> {
  const vocabulary = (json.model as JsonObject).vocab as Readonly<Record<string, number>>;
  const added = asObjects(json.added_tokens).map(
    ({ content, id }) => [content as string, id as number] as const,
  );
  return new Map([...Object.entries(vocabulary), ...added]);
}

function entriesOf({ json, size }: Question, kind: Kind): Entry[] {
  const entries: Entry[] = Array.from({ length: size }, (_, id) => ({
    token: `[PAD${id}]`,
    type: TYPES.unused,
  }));
  const model = json.model as JsonObject;
  for (const [token, id] of Object.entries(model.vocab as Readonly<Record<string, number>>)) {
    entries[id] = { token, type: kind === 'llama' ? pieceType(token) : TYPES.normal };
  }
  for (const { content, id, special } of asObjects(json.added_tokens)) {
    const token = content as string;
    const isControl = special === true || looksSpecial(token);
    entries[id as number] = isControl
      ? { token, type: token === model.unk_token ? TYPES.unknown : TYPES.control }
      : { token: token.replaceAll('▁', ' '), type: TYPES.userDefined };
  }
  return entries;
}

const pieceType = (piece: string): number =>
  /^<0x[0-9A-Fa-f]{2}>$/.test(piece) ? TYPES.byte : TYPES.normal;

/** Added tokens that are marks though their tokenizer does not call them special, as llama.cpp's converter has it. */
const looksSpecial = (token: string): boolean =>
  /^(<\|.*\|>|<｜.*｜>|<unused.*>|<pad>|<mask>|<2mass>|\[@BOS@\])$/s.test(token);

function checkSpellings(dir: string, entries: readonly Entry[]): void {
  const seen = new Map<string, number>();
  for (const [id, { token }] of entries.entries()) {
    const other = seen.get(token);
    if (other !== undefined) {
      throw new InputError({
        where: `${dir}/tokenizer.json`,
        problem: `ids ${other} and ${id} are both spelled ${JSON.stringify(token)}, which llama.cpp does not load`,
        remedy: 'Rename one of them, or take the added token out',
      });
    }
    seen.set(token, id);
  }
}

/** Pairs of parts; older files write them as one text with a space between. */
function mergesOf(model: JsonObject): readonly (readonly [string, string])[] {
  const merges = (model.merges ?? []) as readonly (string | readonly [string, string])[];
  return merges.map((merge) => {
    if (typeof merge !== 'string') return merge;
    const space = merge.indexOf(' ', 1);
    return [merge.slice(0, space), merge.slice(space + 1)] as const;
  });
}

/** A space parts the two in GGUF; within one it stands as in GPT-2's alphabet. */
const withoutSpace = (part: string): string => part.replaceAll(' ', 'Ġ');

/** Of tokens that no merge makes: below every merge. */
const NO_MERGE = -1e6;

function scoresOf(
  entries: readonly Entry[],
  merges: readonly (readonly [string, string])[],
): number[] {
  const places = new Map<string, number>();
  for (const [place, pair] of merges.entries()) {
    const whole = pair.join('');
    if (!places.has(whole)) places.set(whole, place);
  }
  return entries.map(({ token }) => {
    const place = places.get(token);
    return place === undefined ? NO_MERGE : -place;
  });
}
