/**
 * Sets of real numbers: intervals, points and ℝ, joined, met and taken from each other. Two are equal when they
 * hold the same ends and the same points between neighbouring ends, as nothing changes elsewhere.
 */
import { numericValue, point } from './numeric.js';
import { isConstant } from './scalars.js';
import type { Node } from './syntax.js';

type Has = (x: number) => boolean;

/** A set by its test of membership, and the ends that the test has compared with. */
interface RealSet {
  readonly has: Has;
  readonly ends: readonly number[];
}

/** Null when one is no set of real numbers with known ends. */
export function realSetsEqual(a: Node, b: Node): boolean | null {
  const [left, right] = [realSet(a), realSet(b)];
  if (left === null || right === null) return null;
  return samples([...left.ends, ...right.ends]).every((x) => left.has(x) === right.has(x));
}

export const isReals = (node: Node): boolean => node.kind === 'symbol' && node.name === 'mathbb(R)';

function realSet(node: Node): RealSet | null {
  if (isReals(node)) return { has: () => true, ends: [] };
  switch (node.kind) {
    case 'set':
      return points(node.items);
    case 'tuple':
      return interval(node);
    case 'sets':
      return joined(node.items, OPERATORS[node.operator]);
    case 'add':
      return isDifference(node) ? joined(node.terms.map(subtracted), OPERATORS.setminus) : null;
    default:
      return null;
  }
}

const OPERATORS: Readonly<Record<'cup' | 'cap' | 'setminus', (a: Has, b: Has) => Has>> = {
  cup: (a, b) => (x) => a(x) || b(x),
  cap: (a, b) => (x) => a(x) && b(x),
  setminus: (a, b) => (x) => a(x) && !b(x),
};

/** ℝ − {0} */
const isDifference = ({ terms: [first, ...rest] }: Node & { readonly kind: 'add' }): boolean =>
  first !== undefined && isReals(first) && rest.every(({ kind }) => kind === 'negate');

const subtracted = (term: Node): Node => (term.kind === 'negate' ? term.of : term);

function joined(nodes: readonly Node[], operator: (a: Has, b: Has) => Has): RealSet | null {
  const sets = nodes.map(realSet);
  return sets.reduce((a, b) =>
    a === null || b === null ? null : { has: operator(a.has, b.has), ends: [...a.ends, ...b.ends] },
  );
}

function points(items: readonly Node[]): RealSet | null {
  const ends = items.map(endOf).filter((end) => end !== null);
  if (ends.length < items.length) return null;
  return { has: (x) => ends.some((end) => isSame(x, end)), ends };
}

function interval({ open, close, items }: Node & { readonly kind: 'tuple' }): RealSet | null {
  const [low = null, high = null] = items.map(endOf);
  if (items.length !== 2 || low === null || high === null || open === '{') return null;
  const isEndless = (end: number, bracket: string) =>
    !Number.isFinite(end) && /[[\]]/.test(bracket);
  if (isEndless(low, open) || isEndless(high, close)) return null;
  const has: Has = (x) => {
    if (isSame(x, low)) return open === '[' && (close === ']' || !isSame(x, high));
    return isSame(x, high) ? close === ']' : low < x && x < high;
  };
  return { has, ends: [low, high] };
}

/** The value of a constant real number or ±∞; null for what is neither. */
function endOf(node: Node): number | null {
  if (node.kind === 'negate') {
    const value = endOf(node.of);
    return value === null ? null : -value;
  }
  if (node.kind === 'constant' && node.name === 'infinity') return Number.POSITIVE_INFINITY;
  const value = isConstant(node) ? numericValue(node, point(0, 'positive')) : null;
  return value === null || Math.abs(value.im) > value.error ? null : value.re;
}

const isSame = (a: number, b: number): boolean =>
  a === b || Math.abs(a - b) <= 1e-9 * Math.max(1e-3, Math.min(Math.abs(a), Math.abs(b)));

/** The ends, a point between each two neighbours, and one below and above all. */
function samples(ends: readonly number[]): readonly number[] {
  const finite = [...new Set(ends.filter(Number.isFinite))].sort((a, b) => a - b);
  const between = finite.slice(1).map((end, i) => (end + (finite[i] as number)) / 2);
  const [first = 0, last = 0] = [finite.at(0), finite.at(-1)];
  return [...finite, ...between, first - 1, last + 1];
}
