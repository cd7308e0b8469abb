/**
 * The bytes that each token stands for, read from the decoder of `tokenizer.json`: byte-level vocabularies
 * (GPT-2's alphabet) and SentencePiece-like ones (`▁` for a space, `<0xAB>` for a byte).
 */
import { InputError } from '../util/errors.js';
import type { JsonObject } from '../util/json-object.js';
import { BYTE_CHARACTERS } from './byte/byte-alphabet.js';

export interface TokenBytesOptions {
  readonly tokenizerJson: JsonObject;
  /** Token as it is spelled → id. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** For messages. */
  readonly dir: string;
}

/**
 * @returns by id; null for special tokens and for ids that are none
 * @throws InputError when the decoder is of another kind
 */
export function tokenBytes(options: TokenBytesOptions): (Uint8Array | null)[] {
  const { tokenizerJson, vocabulary } = options;
  const spelled = decoderOf(options);
  const added = new Map(
    ((tokenizerJson.added_tokens ?? []) as JsonObject[]).map((token) => [token.content, token]),
  );
  const size = 1 + [...vocabulary.values()].reduce((a, b) => Math.max(a, b), -1);
  const all: (Uint8Array | null)[] = Array(size).fill(null);
  for (const [token, id] of vocabulary) {
    const known = added.get(token);
    if (known === undefined) all[id] = spelled(token);
    else if (known.special !== true) all[id] = Buffer.from(token);
  }
  return all;
}

type Spelling = (token: string) => Uint8Array | null;

function decoderOf({ tokenizerJson, dir }: TokenBytesOptions): Spelling {
  const decoder = tokenizerJson.decoder as JsonObject | null | undefined;
  const parts = decoder?.type === 'Sequence' ? (decoder.decoders as JsonObject[]) : [decoder];
  const types = parts.map((part) => part?.type);
  if (types.includes('ByteLevel')) return fromByteCharacters;
  if (types.includes('ByteFallback') || types.includes('Metaspace')) return fromPieces;
  throw new InputError({
    where: `${dir}/tokenizer.json`,
    problem: `the bytes of tokens are not known for a decoder of type ${JSON.stringify(decoder?.type ?? null)}`,
    remedy: 'Constrained decoding needs a byte-level or SentencePiece tokenizer',
  });
}

const BYTE_OF = new Map(BYTE_CHARACTERS.map((character, byte) => [character, byte]));

/** Null where a character is none of the alphabet's. */
function fromByteCharacters(token: string): Uint8Array | null {
  const bytes = Array.from(token, (character) => BYTE_OF.get(character));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : null;
}

function fromPieces(token: string): Uint8Array {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token);
  if (byte !== null) return Uint8Array.of(Number.parseInt(byte[1]!, 16));
  return Buffer.from(token.replaceAll('\u2581', ' '));
}
