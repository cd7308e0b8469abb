/** Named functions and their arguments: \sin^2 x, \log_2 8, \ln(x), f(x), max(a, b). */
import type { Cursor } from './cursor.js';
import { type Node, onlyOr, UnreadableAnswer } from './syntax.js';

const FUNCTIONS: ReadonlySet<string> = new Set([
  ...['sin', 'cos', 'tan', 'cot', 'sec', 'csc', 'arcsin', 'arccos', 'arctan', 'sinh', 'cosh'],
  ...['tanh', 'log', 'ln', 'exp', 'abs', 'floor', 'ceil', 'max', 'min', 'gcd', 'lcm'],
]);
/** Letters that are read as functions before a bracket; any other letter there is a factor. */
const UNKNOWN: ReadonlySet<string> = new Set(['f', 'g']);

export function startsFunction(cursor: Cursor): boolean {
  const { kind, text } = cursor.token;
  if (kind === 'command') return FUNCTIONS.has(text);
  const next = cursor.peek(1);
  return kind === 'letter' && UNKNOWN.has(text) && next.kind === 'op' && next.text === '(';
}

/** @param readFactor - reads one factor of an argument without brackets */
export function readFunction(cursor: Cursor, readFactor: (cursor: Cursor) => Node): Node {
  const { text: name } = cursor.advance();
  const base = name === 'log' && cursor.takeOp('_') ? factor(cursor, readFactor) : null;
  const exponent = cursor.takeOp('^') ? factor(cursor, readFactor) : null;
  const args = readArguments(cursor, readFactor);
  if (exponent !== null && isMinusOne(exponent)) return { kind: 'call', name: `arc${name}`, args };
  const call: Node = { kind: 'call', name, args: base === null ? args : [...args, base] };
  return exponent === null ? call : { kind: 'power', base: call, exponent };
}

function isMinusOne(node: Node): boolean {
  const of = node.kind === 'negate' ? node.of : null;
  return of?.kind === 'number' && of.value.over === 1n && of.value.under === 1n;
}

/** A bracket with its items; else the factors that follow: \sin 2x \cos y is sin(2x)·cos(y). */
function readArguments(cursor: Cursor, readFactor: (cursor: Cursor) => Node): readonly Node[] {
  if (cursor.takeOp('(')) {
    const items = cursor.grammar.series(cursor);
    cursor.expectOp(')');
    return items;
  }
  const factors: Node[] = [];
  while (isFactor(cursor)) factors.push(factor(cursor, readFactor));
  if (factors.length === 0) throw new UnreadableAnswer('a function without an argument');
  return [onlyOr(factors, { kind: 'multiply', factors })];
}

function isFactor(cursor: Cursor): boolean {
  const { kind, text } = cursor.token;
  if (kind === 'number' || kind === 'letter') return true;
  if (kind === 'op') return text === '{' || (text === '|' && cursor.bars === 0);
  const isOperator =
    /^(?:cdot|times|div|pm|mp|le|ge|ne|in|cup|cap|and|or|rvert|rfloor|rceil|rangle|degree|over|choose|[})\\])$/;
  return kind === 'command' && !isOperator.test(text) && !FUNCTIONS.has(text);
}

function factor(cursor: Cursor, readFactor: (cursor: Cursor) => Node): Node {
  const negative = cursor.takeOp('-');
  const node = powered(cursor, readFactor(cursor), readFactor);
  return negative ? { kind: 'negate', of: node } : node;
}

function powered(cursor: Cursor, base: Node, readFactor: (cursor: Cursor) => Node): Node {
  if (cursor.takeCommand('degree')) return { kind: 'degrees', of: base };
  if (!cursor.takeOp('^')) return base;
  return { kind: 'power', base, exponent: factor(cursor, readFactor) };
}
