/** JSON (RFC 8259) as expressions over bytes: strings in UTF-8, numbers, white space, any value. */
import {
  bytes,
  choice,
  type Expression,
  literal,
  oneOf,
  optional,
  repeat,
  rule,
  sequence,
} from './grammar.js';

const QUOTE = literal('"');
const DIGIT = oneOf('0123456789');
const HEX = oneOf('0123456789abcdefABCDEF');

/** A character of several bytes, without surrogates and overlong forms (RFC 3629). */
const LONG_CHARACTER = choice(
  sequence(bytes([0xc2, 0xdf]), bytes([0x80, 0xbf])),
  sequence(bytes(0xe0), bytes([0xa0, 0xbf]), bytes([0x80, 0xbf])),
  sequence(bytes([0xe1, 0xec], [0xee, 0xef]), bytes([0x80, 0xbf]), bytes([0x80, 0xbf])),
  sequence(bytes(0xed), bytes([0x80, 0x9f]), bytes([0x80, 0xbf])),
  sequence(bytes(0xf0), bytes([0x90, 0xbf]), bytes([0x80, 0xbf]), bytes([0x80, 0xbf])),
  sequence(bytes([0xf1, 0xf3]), bytes([0x80, 0xbf]), bytes([0x80, 0xbf]), bytes([0x80, 0xbf])),
  sequence(bytes(0xf4), bytes([0x80, 0x8f]), bytes([0x80, 0xbf]), bytes([0x80, 0xbf])),
);

/** Four hex digits that are no half of a surrogate pair: `D` is followed by `0` to `7` only. */
const CODE_UNIT = choice(
  sequence(oneOf('0123456789abcefABCEF'), HEX, HEX, HEX),
  sequence(oneOf('dD'), oneOf('01234567'), HEX, HEX),
);

const ESCAPE = sequence(literal('\\'), choice(oneOf('"\\/bfnrt'), sequence(oneOf('u'), CODE_UNIT)));

/** All of ASCII but controls, quote and backslash. */
const PLAIN: readonly (readonly [number, number])[] = [
  [0x20, 0x21],
  [0x23, 0x5b],
  [0x5d, 0x7f],
];

/** One character of a string, written in any way. */
const CHARACTER = choice(bytes(...PLAIN), LONG_CHARACTER, ESCAPE);

/** A string of `min` to `max` characters (code points). */
export const jsonString = (min = 0, max: number | null = null): Expression =>
  sequence(QUOTE, repeat(CHARACTER, min, max), QUOTE);

const WHOLE = choice(literal('0'), sequence(oneOf('123456789'), repeat(DIGIT, 0, null)));
export const INTEGER = sequence(optional(literal('-')), WHOLE);
const FRACTION = sequence(literal('.'), repeat(DIGIT, 1, null));
const EXPONENT = sequence(oneOf('eE'), optional(oneOf('+-')), repeat(DIGIT, 1, 3));
export const NUMBER = sequence(INTEGER, optional(FRACTION), optional(EXPONENT));
export const BOOLEAN = choice(literal('true'), literal('false'));
export const NULL = literal('null');

/** White space between the parts: the rule `space`. */
export const SPACE = rule('space');

/** Nothing, one space, or a new line with its indentation: enough for every style, and never endless. */
const ANY_SPACE = optional(
  choice(literal(' '), sequence(literal('\n'), repeat(oneOf(' \t'), 0, 32))),
);

/** `open item, item, … close` of `min` to `max` items. */
export function list(
  [open, close]: readonly [string, string],
  item: Expression,
  { min = 0, max = null }: { readonly min?: number; readonly max?: number | null } = {},
): Expression {
  const empty = sequence(literal(open), SPACE, literal(close));
  if (max === 0) return empty;
  const more = repeat(
    sequence(SPACE, literal(','), SPACE, item),
    Math.max(min - 1, 0),
    max === null ? null : max - 1,
  );
  const filled = sequence(literal(open), SPACE, item, more, SPACE, literal(close));
  return min > 0 ? filled : choice(empty, filled);
}

export const member = (key: Expression, value: Expression): Expression =>
  sequence(key, SPACE, literal(':'), SPACE, value);

/** Names of the rules that every grammar of JSON has. */
export const ANY = rule('any');
export const ANY_OBJECT = rule('any object');
export const ANY_ARRAY = rule('any array');

export const jsonRules = ({
  isCompact,
}: {
  readonly isCompact: boolean;
}): readonly (readonly [string, Expression])[] => [
  ['space', isCompact ? sequence() : ANY_SPACE],
  ['any', choice(ANY_OBJECT, ANY_ARRAY, jsonString(), NUMBER, BOOLEAN, NULL)],
  ['any object', list(['{', '}'], member(jsonString(), ANY))],
  ['any array', list(['[', ']'], ANY)],
];

const PLAIN_TEXT = repeat(bytes(...PLAIN), 0, null);
const isPlain = (byte: number): boolean => PLAIN.some(([low, high]) => byte >= low && byte <= high);

/**
 * A key that is none of `names`. It is plain ASCII without escapes, so that it cannot be one of them in
 * another spelling.
 */
export function otherKey(names: readonly string[]): Expression {
  const plain = names.map((name) => [...Buffer.from(name)]).filter((name) => name.every(isPlain));
  return sequence(QUOTE, different(plain), QUOTE);
}

/** Plain texts that none of `names` is. */
function different(names: readonly (readonly number[])[]): Expression {
  if (names.length === 0) return PLAIN_TEXT;
  const firsts = new Set(names.flatMap((name) => name.slice(0, 1)));
  const others = PLAIN.flatMap(([low, high]) =>
    Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((byte) => !firsts.has(byte)),
  );
  const longer = [...firsts].map((byte) => {
    const rests = names.filter(([first]) => first === byte).map(([, ...rest]) => rest);
    return sequence(bytes(byte), different(rests));
  });
  const isFree = names.every(({ length }) => length > 0);
  return choice(sequence(bytes(...others), PLAIN_TEXT), ...longer, ...(isFree ? [sequence()] : []));
}
