/** Exact value of an expression that is a rational number, on integers of bounded size. */
import {
  add,
  binomial,
  divide,
  exactRoot,
  factorial,
  floor,
  multiply,
  negate,
  ONE,
  power,
  type Rational,
  ZERO,
} from './rational.js';
import type { Node } from './syntax.js';

type Value = Rational | null;

/** The rational value, or null when there is none or it would be too large to hold. */
export function exactValue(node: Node): Value {
  switch (node.kind) {
    case 'number':
      return node.value;
    case 'add':
      return fold(node.terms, ZERO, add);
    case 'multiply':
      return fold(node.factors, ONE, multiply);
    case 'negate':
      return map(exactValue(node.of), negate);
    case 'divide':
      return both(node.over, node.under, divide);
    case 'power':
      return both(node.base, node.exponent, rationalPower);
    case 'root':
      return both(node.of, node.degree, (a, n) => (n.under === 1n ? exactRoot(a, n.over) : null));
    case 'call':
      return exactCall(node.name, node.args);
    case 'scaled':
      return map(exactValue(node.of), (value) => multiply(value, node.by));
    case 'degrees':
    case 'quantity':
      return exactValue(node.of);
    default:
      return null;
  }
}

function fold(nodes: readonly Node[], start: Rational, join: typeof add): Value {
  let total: Value = start;
  for (const node of nodes) {
    const value = exactValue(node);
    if (value === null) return null;
    total = join(total, value);
    if (total === null) return null;
  }
  return total;
}

function map(value: Value, apply: (value: Rational) => Value): Value {
  return value === null ? null : apply(value);
}

function both(left: Node, right: Node, apply: (a: Rational, b: Rational) => Value): Value {
  const a = exactValue(left);
  const b = a === null ? null : exactValue(right);
  return a === null || b === null ? null : apply(a, b);
}

/** a^(p/q): exact where the q-th root is. */
function rationalPower(a: Rational, exponent: Rational): Value {
  if (exponent.under === 1n) return power(a, exponent.over);
  if (a.over < 0n) return null;
  return map(exactRoot(a, exponent.under), (root) => power(root, exponent.over));
}

function exactCall(name: string, args: readonly Node[]): Value {
  const [first, second] = args;
  if (first === undefined) return null;
  switch (name) {
    case 'factorial':
      return map(exactValue(first), factorial);
    case 'binom':
      return second === undefined ? null : both(first, second, binomial);
    case 'abs':
      return map(exactValue(first), (value) => (value.over < 0n ? negate(value) : value));
    case 'floor':
      return map(exactValue(first), floor);
    case 'ceil':
      return map(exactValue(first), (value) => negate(floor(negate(value))));
    case 'max':
    case 'min':
      return extreme(name, args);
    default:
      return null;
  }
}

function extreme(name: 'max' | 'min', args: readonly Node[]): Value {
  let best: Value = null;
  for (const arg of args) {
    const value = exactValue(arg);
    if (value === null) return null;
    const difference = best === null ? null : add(value, negate(best));
    const isBetter = difference !== null && (name === 'max') === difference.over > 0n;
    if (best === null || isBetter) best = value;
  }
  return best;
}
