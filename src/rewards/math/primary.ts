/** What stands between operators: numbers, names, brackets, and LaTeX commands with arguments. */
import { readPrefixed, withBase } from './based.js';
import { readBracket, startsBracket } from './brackets.js';
import type { Cursor } from './cursor.js';
import { readFunction, startsFunction } from './functions.js';
import { readMatrix } from './matrix.js';
import { rawArgument, readName, startsName } from './parse-name.js';
import { parseDecimal, type Rational, rational } from './rational.js';
import { type Node, UnreadableAnswer } from './syntax.js';

/** Commands with arguments in braces: how many, and what they make. */
const COMMANDS: Readonly<Record<string, (read: () => Node, cursor: Cursor) => Node>> = {
  frac: (read) => ({ kind: 'divide', over: read(), under: read() }),
  binom: (read) => ({ kind: 'call', name: 'binom', args: [read(), read()] }),
  sqrt: (read, cursor) => {
    const degree = cursor.takeOp('[') ? closed(cursor) : TWO;
    return { kind: 'root', of: read(), degree };
  },
  cbrt: (read) => ({ kind: 'root', of: read(), degree: whole(3n) }),
};
const TWO: Node = whole(2n);
/** Commands that only change the look of what follows. */
const LOOKS: ReadonlySet<string> = new Set(['mathrm', 'rm', 'bf', 'it', 'displaystyle', 'boxed']);

/** Whether a factor can start at the cursor: what makes juxtaposition a product. */
export function startsPrimary(cursor: Cursor): boolean {
  const { kind, text } = cursor.token;
  if (kind === 'number' || startsName(cursor) || startsFunction(cursor)) return true;
  if (startsBracket(cursor)) return true;
  return kind === 'command' && (Object.hasOwn(COMMANDS, text) || text === 'begin');
}

/** @throws UnreadableAnswer where no factor starts */
export function readPrimary(cursor: Cursor): Node {
  while (cursor.token.kind === 'command' && LOOKS.has(cursor.token.text)) cursor.advance();
  if (cursor.token.kind === 'number') return readNumber(cursor);
  if (startsFunction(cursor)) return readFunction(cursor, readFactorOf);
  if (startsName(cursor)) return withMarks(cursor, readName(cursor));
  if (startsBracket(cursor)) return readBracket(cursor);
  const { kind, text } = cursor.advance();
  if (kind === 'text') return { kind: 'text', text };
  if (kind === 'prefixed') return readPrefixed(text);
  if (kind === 'command' && text === 'begin') return readMatrix(cursor);
  const make = kind === 'command' && Object.hasOwn(COMMANDS, text) ? COMMANDS[text] : undefined;
  if (make !== undefined) return make(() => readArgument(cursor), cursor);
  throw new UnreadableAnswer(`no factor starts with ${text}`);
}

/** An argument as TeX reads it: a group in braces, or one digit, letter or command. */
export function readArgument(cursor: Cursor): Node {
  return cursor.nested(() => {
    if (cursor.token.kind !== 'number') return readPrimary(cursor);
    return whole(BigInt(cursor.takeDigit().replace('.', '0')));
  });
}

function readFactorOf(cursor: Cursor): Node {
  return cursor.nested(() => readPrimary(cursor));
}

function whole(over: bigint): Node {
  return { kind: 'number', value: { over, under: 1n } };
}

function closed(cursor: Cursor): Node {
  const node = cursor.grammar.sum(cursor);
  cursor.expectOp(']');
  return node;
}

function readNumber(cursor: Cursor): Node {
  const { text } = cursor.advance();
  const [digits = '', exponent = '0'] = text.toLowerCase().split('e');
  const cycle = digits.includes('.') ? readCycle(cursor) : null;
  const value = cycle === null ? parseDecimal(digits, Number(exponent)) : repeating(digits, cycle);
  if (value === null) throw new UnreadableAnswer('a number too large');
  if (!cursor.isOp('_')) return { kind: 'number', value };
  cursor.advance();
  const base = Number(rawArgument(cursor));
  if (!Number.isInteger(base) || base < 2 || base > 36) throw new UnreadableAnswer('no base');
  return withBase(text.replace(/^0+(?=\d)/, ''), base);
}

/**
 * Digits that repeat, behind a decimal: \overline{142}, \dot{1}4\dot{2}, (142). Null where none are marked, and
 * where brackets hold one factor among others, as in 6.02(10)^{23}.
 */
function readCycle(cursor: Cursor): string | null {
  const start = cursor.place;
  let cycle = '';
  if (cursor.takeCommand('overline', 'bar')) cycle = rawArgument(cursor);
  else if (cursor.takeCommand('dot')) {
    cycle = rawArgument(cursor);
    const between = cursor.token.kind === 'number' ? cursor.advance().text : '';
    if (cursor.takeCommand('dot')) cycle += between + rawArgument(cursor);
  } else if (cursor.takeOp('(') && cursor.token.kind === 'number') {
    cycle = cursor.advance().text;
    if (!cursor.takeOp(')') || cursor.isOp('^', '_', '(')) cycle = '';
  }
  if (/^\d+$/.test(cycle)) return cycle;
  cursor.back(start);
  return null;
}

/** 0.1\overline{6} = (16 − 1) / 90. */
function repeating(digits: string, cycle: string): Rational | null {
  if (cycle.length > 30) throw new UnreadableAnswer('too many repeating digits');
  const [before = '', after = ''] = digits.split('.');
  const all = BigInt(`${before}${after}${cycle}`);
  const under = (10n ** BigInt(cycle.length) - 1n) * 10n ** BigInt(after.length);
  return rational(all - BigInt(`${before}${after}` || '0'), under);
}

/** Subscripts and primes become part of a name: a_n, \omega_L^{\prime}. */
function withMarks(cursor: Cursor, node: Node): Node {
  let marks = '';
  for (;;) {
    if (cursor.takeOp('_')) marks += `_${rawArgument(cursor)}`;
    else if (cursor.takeOp("'")) marks += "'";
    else if (isPrimed(cursor)) marks += "'";
    else if (cursor.isOp('^') && hasSubscriptAfterPower(cursor)) return lateSubscript(cursor, node);
    else break;
  }
  if (marks === '') return node;
  const name = node.kind === 'symbol' || node.kind === 'constant' ? node.name : '';
  return { kind: 'symbol', name: `${name}${marks}` };
}

function isPrimed(cursor: Cursor): boolean {
  if (!cursor.isOp('^')) return false;
  const isBare = cursor.peek(1).text === 'prime';
  const isBraced = cursor.peek(1).text === '{' && cursor.peek(2).text === 'prime';
  if (!isBare && !(isBraced && cursor.peek(3).text === '}')) return false;
  for (let i = isBare ? 2 : 4; i > 0; i--) cursor.advance();
  return true;
}

/** v^2_0: one token as the power, then the subscript. */
function hasSubscriptAfterPower(cursor: Cursor): boolean {
  return cursor.peek(1).text !== '{' && cursor.peek(2).kind === 'op' && cursor.peek(2).text === '_';
}

function lateSubscript(cursor: Cursor, node: Node): Node {
  cursor.advance();
  const exponent = readArgument(cursor);
  return { kind: 'power', base: withMarks(cursor, node), exponent };
}
