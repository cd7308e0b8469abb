/**
 * Length of the longest common subsequence, bit-parallel: one pass over the text updates all positions of
 * the pattern, 32 to a machine word. Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): with
 * S all ones and M[c] the positions of c in the pattern, each character does u = S & M[c],
 * S = (S + u) | (S − u); the zeros of S count the length. Words carry into the next one.
 */
import { checkWork } from '../work-limit.js';

/** Code points of a text, lone surrogates included. */
export type Codes = Int32Array;

export function codesOf(text: string): Codes {
  const codes = new Int32Array(text.length);
  let n = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.codePointAt(i)!;
    if (code > 0xffff) i++;
    codes[n++] = code;
  }
  return n === codes.length ? codes : codes.subarray(0, n);
}

/** A text prepared for many passes: for each of its characters the positions where it stands. */
export interface Pattern {
  readonly length: number;
  readonly words: number;
  /** Row of the bit masks of a code point; 0, a row of zeros, when it does not occur. */
  readonly row: (code: number) => number;
  /** `[rows, words]` */
  readonly masks: Int32Array;
  /** Bits of the last word that belong to the pattern. */
  readonly lastMask: number;
}

/** Largest bit masks of a pattern, words. */
const MAX_MASKS = 2 ** 24;
/** Rows of the code points below this stand in a table. */
const TABLE = 256;

/** @throws WorkLimitError when the masks would not fit. */
export function patternOf(codes: Codes): Pattern {
  const words = Math.max(1, Math.ceil(codes.length / 32));
  const table = new Uint16Array(TABLE);
  const others = new Map<number, number>();
  let rows = 1;
  for (const code of codes) {
    if (code < TABLE) {
      if (table[code] === 0) table[code] = rows++;
    } else if (!others.has(code)) {
      others.set(code, rows++);
    }
  }
  if (rows * words > MAX_MASKS) checkWork('longest common subsequence', Number.POSITIVE_INFINITY);
  const row = (code: number): number => (code < TABLE ? table[code]! : (others.get(code) ?? 0));
  const masks = new Int32Array(rows * words);
  for (let i = 0; i < codes.length; i++)
    masks[row(codes[i]!) * words + (i >>> 5)]! |= 1 << (i & 31);
  const rest = codes.length & 31;
  const lastMask = codes.length === 0 ? 0 : rest === 0 ? -1 : (1 << rest) - 1;
  return { length: codes.length, words, row, masks, lastMask };
}

/** For each character of a text where its row begins in the pattern's masks: made once for many passes. */
export function rowsOf(pattern: Pattern, text: Codes): Int32Array {
  const rows = new Int32Array(text.length);
  for (let i = 0; i < text.length; i++) rows[i] = pattern.row(text[i]!) * pattern.words;
  return rows;
}

/**
 * LCS of the pattern with the places [start, end) of a text, given as `rowsOf`. `onLength(i, length)`, when
 * given, hears the length after each of the characters i.
 */
export function lcsIn(
  pattern: Pattern,
  rows: Int32Array,
  { start, end, onLength }: Span & { readonly onLength?: (i: number, length: number) => void },
): number {
  if (pattern.words === 1) return lcsOneWord(pattern, rows, { start, end, onLength });
  const state = new Int32Array(pattern.words).fill(-1);
  for (let i = start; i < end; i++) {
    step(state, pattern, rows[i]!);
    onLength?.(i, zeros(state, pattern.lastMask));
  }
  return zeros(state, pattern.lastMask);
}

interface Span {
  readonly start: number;
  readonly end: number;
}

function lcsOneWord(
  { masks, lastMask }: Pattern,
  rows: Int32Array,
  { start, end, onLength }: Span & { onLength: ((i: number, n: number) => void) | undefined },
): number {
  let state = -1;
  for (let i = start; i < end; i++) {
    const u = state & masks[rows[i]!]!;
    if (u !== 0) state = (state + u) | (state & ~u);
    onLength?.(i, ones(~state & lastMask));
  }
  return ones(~state & lastMask);
}

/** S + u in 32-bit words: as u is part of S, a word carries where u had a bit or S lost its top one. */
function step(state: Int32Array, { masks, words }: Pattern, row: number): void {
  let carry = 0;
  for (let w = 0; w < words; w++) {
    const s = state[w]!;
    const u = s & masks[row + w]!;
    const sum = (s + u + carry) | 0;
    carry = (u | (s & ~sum)) >>> 31;
    state[w] = sum | (s & ~u);
  }
}

function zeros(state: Int32Array, lastMask: number): number {
  let count = 0;
  const last = state.length - 1;
  for (let w = 0; w < last; w++) count += ones(~state[w]!);
  return count + ones(~state[last]! & lastMask);
}

/** Bits set in a 32-bit word. */
function ones(word: number): number {
  let v = word - ((word >>> 1) & 0x55555555);
  v = (v & 0x33333333) + ((v >>> 2) & 0x33333333);
  return Math.imul((v + (v >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/**
 * LCS of two texts. A common start and end is counted without a pass.
 * @throws WorkLimitError
 */
export function lcsLength(a: Codes, b: Codes): number {
  const shortest = Math.min(a.length, b.length);
  let head = 0;
  while (head < shortest && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shortest - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  const middle = short.subarray(head, short.length - tail);
  if (middle.length === 0) return head + tail;
  const text = long.subarray(head, long.length - tail);
  checkWork('longest common subsequence', text.length * Math.ceil(middle.length / 32));
  const pattern = patternOf(middle);
  return head + tail + lcsIn(pattern, rowsOf(pattern, text), { start: 0, end: text.length });
}
