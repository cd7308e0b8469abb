/**
 * Value of an expression in complex double precision, its letters standing for numbers. A letter's
 * number at a point follows from its name, so two expressions agree at several points only if they
 * are the same function (the test of Schwartz and Zippel, on doubles).
 */
import {
  applied,
  type Complex,
  complex,
  exactly,
  minus,
  over,
  plus,
  raise,
  times,
} from './complex.js';
import { callValue } from './numeric-calls.js';
import { toNumber } from './rational.js';
import type { Constant, Node } from './syntax.js';

type Value = Complex | null;

/** Numbers of letters: positive ones, of both signs, or whole and positive. */
type PointKind = 'positive' | 'mixed' | 'whole';

/** What letters stand for. `hasBranched` is set when a root or logarithm met a negative number. */
export interface Point {
  readonly index: number;
  readonly kind: PointKind;
  hasBranched: boolean;
}

export function point(index: number, kind: PointKind): Point {
  return { index, kind, hasBranched: false };
}

const CONSTANTS: Readonly<Record<Exclude<Constant, 'infinity'>, Complex>> = {
  pi: { re: Math.PI, im: 0, error: 2e-16 },
  e: { re: Math.E, im: 0, error: 2e-16 },
  i: { re: 0, im: 1, error: 0 },
};

/** The value at a point, or null where there is none: a pole, an overflow, a structure. */
export function numericValue(node: Node, at: Point): Value {
  switch (node.kind) {
    case 'number':
      return complex(toNumber(node.value));
    case 'symbol':
      return complex(standIn(node.name, at));
    case 'constant':
      return node.name === 'infinity' ? null : CONSTANTS[node.name];
    case 'add':
      return fold(node.terms, { at, start: 0, join: plus });
    case 'multiply':
      return fold(node.factors, { at, start: 1, join: times });
    case 'negate':
      return applied(numericValue(node.of, at), minus);
    case 'divide':
      return both([node.over, node.under], at, over);
    case 'power':
      return both([node.base, node.exponent], at, (a, b) => branched(a, b, at));
    case 'root':
      return both([node.of, node.degree], at, (a, n) => rootValue(a, n, at));
    case 'call':
      return callOf(node.name, node.args, at);
    case 'scaled': {
      const by = complex(toNumber(node.by));
      return by === null ? null : applied(numericValue(node.of, at), (a) => times(a, by));
    }
    case 'degrees':
    case 'quantity':
      return numericValue(node.of, at);
    default:
      return null;
  }
}

interface Folding {
  readonly at: Point;
  readonly start: number;
  readonly join: (a: Complex, b: Complex) => Value;
}

function fold(nodes: readonly Node[], { at, start, join }: Folding): Value {
  let total: Value = exactly(start);
  for (const node of nodes) {
    const value = numericValue(node, at);
    if (value === null || total === null) return null;
    total = join(total, value);
  }
  return total;
}

function both(
  [left, right]: readonly [Node, Node],
  at: Point,
  apply: (a: Complex, b: Complex) => Value,
): Value {
  const a = numericValue(left, at);
  const b = a === null ? null : numericValue(right, at);
  return a === null || b === null ? null : apply(a, b);
}

function branched(a: Complex, b: Complex, at: Point): Value {
  if (a.re < 0 && a.im === 0 && !Number.isInteger(b.re)) at.hasBranched = true;
  return raise(a, b);
}

/** Real root where there is one (odd degrees of negative numbers too), else the principal one. */
function rootValue(a: Complex, degree: Complex, at: Point): Value {
  const n = degree.re;
  if (a.im === 0 && a.re < 0) {
    if (Number.isInteger(n) && n % 2 !== 0) return applied(rootValue(minus(a), degree, at), minus);
    at.hasBranched = true;
  }
  if (n === 2 && a.im === 0) return squareRoot(a);
  return applied(over(exactly(1), degree), (exponent) => raise(a, exponent));
}

/** √a with √(a ± ε) = √a ± min(ε/√a, √ε), and √−a = i√a. */
function squareRoot(a: Complex): Value {
  const size = Math.sqrt(Math.abs(a.re));
  const error = size === 0 ? Math.sqrt(a.error) : Math.min(a.error / size, Math.sqrt(a.error));
  return a.re < 0 ? complex(0, size, error) : complex(size, 0, error);
}

function callOf(name: string, args: readonly Node[], at: Point): Value {
  const values: Complex[] = [];
  const isAngle = /^(?:sin|cos|tan|cot|sec|csc)$/.test(name);
  for (const arg of args) {
    const value = numericValue(arg, at);
    if (value === null) return null;
    const inDegrees = isAngle && arg.kind === 'degrees';
    const scaled = inDegrees ? times(value, complex(Math.PI / 180) as Complex) : value;
    if (scaled === null) return null;
    values.push(scaled);
  }
  if ((name === 'ln' || name === 'log') && (values[0]?.re ?? 0) < 0) at.hasBranched = true;
  if (name === 'f' || name === 'g') return complex(unknownFunction(name, values, at));
  return callValue(name, values);
}

/** A value for f(a, b) that depends on the arguments, to nine digits. */
function unknownFunction(name: string, values: readonly Complex[], at: Point): number {
  const key = values.map(({ re, im }) => `${re.toPrecision(9)},${im.toPrecision(9)}`).join(';');
  return standIn(`${name}(${key})`, at);
}

/** Whole numbers of letters are each of 1 to this, then some of the thousand above. */
const WHOLES = 32;

/**
 * The number a letter stands for: 0.5 to 2.5, or a whole one. Where signs are mixed, it is one by the letter at
 * points of even index and the other at those of odd index, so that each letter is negative once.
 */
function standIn(name: string, { index, kind }: Point): number {
  const share = hashOf(name, index + 1) / 2 ** 32;
  if (kind === 'whole')
    return 1 + (index < WHOLES ? inTurn(name, index) : WHOLES + Math.floor(1000 * share));
  const isNegative = kind === 'mixed' && hashOf(name, 0) % 2 === index % 2;
  return (isNegative ? -1 : 1) * (0.5 + 2 * share);
}

/** Each of 0 to 31 once, as functions with jumps may differ at few; two letters may have one order. */
const inTurn = (name: string, index: number): number =>
  (hashOf(name, 0) + index * (1 + 2 * hashOf(name, 1))) % WHOLES;

/** FNV-1a of the name with a final mix, 32 bits. */
function hashOf(name: string, salt: number): number {
  let hash = 0x811c9dc5 ^ Math.imul(salt, 0x9e3779b1);
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
  return (hash ^ (hash >>> 15)) >>> 0;
}
