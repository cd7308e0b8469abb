/** Equations and inequalities: equal when they hold for the same values. */
import { keyOf } from './key.js';
import { matchAll } from './match-all.js';
import { areProportional } from './scalars.js';
import type { Node, Relation } from './syntax.js';

type RelationNode = Node & { readonly kind: 'relation' };

/** One comparison of two sides, `<` and `<=` only among the inequalities. */
interface Part {
  readonly operator: Relation;
  readonly left: Node;
  readonly right: Node;
}

/**
 * Whether two relations are the same: L = R and c·L = c·R, x < y and y > x, each part of a chain.
 * False when one is no relation.
 */
export function relationsEqual(gold: Node, prediction: Node): boolean {
  if (gold.kind !== 'relation' || prediction.kind !== 'relation') return false;
  if (keyOf(gold) === keyOf(prediction)) return true;
  return matchAll(partsOf(gold), partsOf(prediction), partsEqual);
}

/** The set of `a < x`, `x <= b`, `a < x < b`, `x != a`; null for other relations. */
export function asInterval(node: Node): Node | null {
  if (node.kind !== 'relation') return null;
  const parts = partsOf(node);
  const [first, second] = parts;
  if (first === undefined || parts.length > 2) return null;
  if (second !== undefined) return between(first, second) ?? between(second, first);
  if (first.left.kind === 'symbol') {
    if (first.operator === '!=') return without(first.right);
    return interval({ low: negativeInfinity, open: '(', high: first.right, close: closing(first) });
  }
  if (first.right.kind !== 'symbol') return null;
  return interval({ low: first.left, open: opening(first), high: infinity, close: ')' });
}

const infinity: Node = { kind: 'constant', name: 'infinity' };
const negativeInfinity: Node = { kind: 'negate', of: infinity };

/** ℝ less one number. */
function without(number: Node): Node {
  const all: Node = { kind: 'tuple', open: '(', close: ')', items: [negativeInfinity, infinity] };
  return { kind: 'sets', operator: 'setminus', items: [all, { kind: 'set', items: [number] }] };
}

function interval({
  low,
  high,
  open,
  close,
}: Record<'low' | 'high', Node> & Record<'open' | 'close', string | null>): Node | null {
  return open === null || close === null
    ? null
    : { kind: 'tuple', open, close, items: [low, high] };
}

/** `low < x` and `x < high` together. */
function between(below: Part, above: Part): Node | null {
  const name = below.right.kind === 'symbol' ? below.right.name : null;
  if (name === null || above.left.kind !== 'symbol' || above.left.name !== name) return null;
  return interval({
    low: below.left,
    open: opening(below),
    high: above.right,
    close: closing(above),
  });
}

const bracket = ({ operator }: Part, open: string, closed: string): string | null =>
  operator === '<' ? open : operator === '<=' ? closed : null;

const opening = (part: Part) => bracket(part, '(', '[');
const closing = (part: Part) => bracket(part, ')', ']');

function partsOf({ operators, sides }: RelationNode): readonly Part[] {
  return operators.map((operator, i) => {
    const [left, right] = [sides[i] as Node, sides[i + 1] as Node];
    if (operator === '>') return { operator: '<', left: right, right: left };
    if (operator === '>=') return { operator: '<=', left: right, right: left };
    return { operator, left, right };
  });
}

function partsEqual(a: Part, b: Part): boolean {
  if (a.operator !== b.operator) return false;
  if (a.operator === 'in' || a.operator === '~') {
    return keyOf(a.left) === keyOf(b.left) && keyOf(a.right) === keyOf(b.right);
  }
  const isOrder = a.operator === '<' || a.operator === '<=';
  return areProportional(difference(a), difference(b), isOrder);
}

function difference({ left, right }: Part): Node {
  return { kind: 'add', terms: [left, { kind: 'negate', of: right }] };
}
