/**
 * Sets of real numbers: intervals, points and ℝ, joined, met and taken from each other. Two are equal when they
 * hold the same ends and the same points between neighbouring ends, as nothing changes elsewhere.
 */
import { numericValue, point } from './numeric.js';
import { isConstant, scalarsEqual } from './scalars.js';
import type { Node } from './syntax.js';

/** An end of a set, with its value to order it by. */
interface End {
  readonly node: Node;
  readonly value: number;
}
/** Whole numbers for ends from the least to the greatest, the same for equal ones; ±∞ for these. */
type PlaceOf = (end: End) => number;
type Has = (x: number, placeOf: PlaceOf) => boolean;

/** A set by its test of membership for places, and the ends that the test compares with. */
interface RealSet {
  readonly has: Has;
  readonly ends: readonly End[];
}

/** Null when one is no set of real numbers with known ends. */
export function realSetsEqual(a: Node, b: Node): boolean | null {
  const [left, right] = [realSet(a), realSet(b)];
  if (left === null || right === null) return null;
  const places = placesOf([...left.ends, ...right.ends]);
  const placeOf: PlaceOf = (end) => places.get(end) ?? end.value;
  // The ends, a point between each two neighbours, and one below and above all.
  const last = Math.max(0, ...places.values());
  const samples = Array.from({ length: 2 * last + 1 }, (_, i) => (i + 1) / 2);
  return samples.every((x) => left.has(x, placeOf) === right.has(x, placeOf));
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
  cup: (a, b) => (x, at) => a(x, at) || b(x, at),
  cap: (a, b) => (x, at) => a(x, at) && b(x, at),
  setminus: (a, b) => (x, at) => a(x, at) && !b(x, at),
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
  return { has: (x, placeOf) => ends.some((end) => placeOf(end) === x), ends };
}

function interval({ open, close, items }: Node & { readonly kind: 'tuple' }): RealSet | null {
  const [low = null, high = null] = items.map(endOf);
  if (items.length !== 2 || low === null || high === null || open === '{') return null;
  const isEndless = ({ value }: End, bracket: string) =>
    !Number.isFinite(value) && /[[\]]/.test(bracket);
  if (isEndless(low, open) || isEndless(high, close)) return null;
  const has: Has = (x, placeOf) => {
    const [from, to] = [placeOf(low), placeOf(high)];
    if (x === from) return open === '[' && (close === ']' || x !== to);
    return x === to ? close === ']' : from < x && x < to;
  };
  return { has, ends: [low, high] };
}

function endOf(node: Node): End | null {
  const value = realValue(node);
  return value === null ? null : { node, value };
}

/** The value of a constant real number or ±∞; null for what is neither. */
function realValue(node: Node): number | null {
  if (node.kind === 'negate') {
    const value = realValue(node.of);
    return value === null ? null : -value;
  }
  if (node.kind === 'constant' && node.name === 'infinity') return Number.POSITIVE_INFINITY;
  const value = isConstant(node) ? numericValue(node, point(0, 'positive')) : null;
  return value === null || Math.abs(value.im) > value.error ? null : value.re;
}

/** 1, 2, … for the finite ends. */
function placesOf(ends: readonly End[]): ReadonlyMap<End, number> {
  const finite = ends.filter(({ value }) => Number.isFinite(value));
  const places = new Map<End, number>();
  let before: End | null = null;
  let place = 0;
  for (const end of finite.toSorted((a, b) => a.value - b.value)) {
    if (before === null || !scalarsEqual(before.node, end.node, 0)) place += 1;
    places.set(end, place);
    before = end;
  }
  return places;
}
