/** Answers that say whose value they are: `x = 5`, `AB = 5`, `(x, y) = (3, 4)`. */
import { keyOf } from './key.js';
import { isConstant, scalarsEqual } from './scalars.js';
import { childrenOf, isScalar, type Node } from './syntax.js';

/**
 * What a name is said to be: `x = 5`, `x \in S`, `x = 2 + 3 = 5`, and 2 + 3 = 5 as 5. Null where the sides
 * differ or no name is on the left.
 */
export function assigned(node: Node, canBeNamed = isName): Node | null {
  if (
    node.kind !== 'relation' ||
    node.operators.some((operator) => operator !== '=' && operator !== 'in')
  ) {
    return null;
  }
  const [name, ...values] = isSolved(node.sides) ? [...node.sides].reverse() : node.sides;
  const value = values.at(-1);
  if (name === undefined || value === undefined) return null;
  const equal = canBeNamed(name) ? values : isConstant(name) && isScalar(name) ? node.sides : [];
  const agree = equal.every(
    (side) => side === value || (isScalar(side) && isScalar(value) && scalarsEqual(value, side, 0)),
  );
  return equal.length > 0 && agree ? value : null;
}

/** 5 = x */
const isSolved = (sides: readonly Node[]): boolean =>
  sides.length === 2 && isConstant(sides[0] as Node) && sides[1]?.kind === 'symbol';

export function isName(node: Node): boolean {
  if (node.kind === 'tuple') return node.items.every(isName);
  return node.kind === 'symbol' || node.kind === 'constant';
}

/**
 * What a question may ask for, with its answer behind "=": `AB`, `m + n`, `a/b`, `f(2)`, `(x, y)`,
 * `\text{Area}`. With a number in it, as in 2x = 10, it is an equation still to be solved.
 */
export function isAsked(node: Node): boolean {
  switch (node.kind) {
    case 'symbol':
    case 'text':
      return true;
    case 'constant':
      return node.name === 'e' || node.name === 'i';
    case 'call':
      return node.name === 'f' || node.name === 'g';
    case 'add':
      return node.terms.every((term) => isAsked(term.kind === 'negate' ? term.of : term));
    case 'multiply':
    case 'divide':
    case 'tuple':
      return childrenOf(node).every(isAsked);
    default:
      return false;
  }
}

/** `x - 5 = 0`, as x = 5 is written for a line; 2x - 10 = 0 and x + 3 - 8 = 0 are still to be solved. */
export function isMovedOver(node: Node): boolean {
  if (node.kind !== 'relation' || node.sides.length !== 2) return false;
  const [left, right] = node.sides as readonly [Node, Node];
  if (left.kind !== 'add' || left.terms.length !== 2 || keyOf(right) !== '0/1') return false;
  if (!left.terms.some(isConstant)) return false;
  return left.terms.some((term) => (term.kind === 'negate' ? term.of : term).kind === 'symbol');
}

/** Whether both are axes and not the same one: x = 3 and y = 3 are two lines. */
export function areAxes(a: string | null, b: string | null): boolean {
  return a !== b && /^[xyz]$/.test(a ?? '') && /^[xyz]$/.test(b ?? '');
}

/** The letter on the left of a relation; null where there is none. */
export function nameOf(node: Node): string | null {
  const name = node.kind === 'relation' ? node.sides[0] : undefined;
  return name?.kind === 'symbol' ? name.name : null;
}

/** The letters of (x, y) on the left of a relation; null where there are none. */
export function namesOf(node: Node): readonly string[] | null {
  const names = node.kind === 'relation' ? node.sides[0] : undefined;
  if (names?.kind !== 'tuple') return null;
  return names.items.flatMap((item) => (item.kind === 'symbol' ? [item.name] : []));
}

const COORDINATES: readonly string[] = ['r theta', 'r theta z'];

/** As coordinates and the alphabet have them, a_2 before a_10; words and other Greek letters in the order given. */
export function inUsualOrder(names: readonly (string | null)[]): readonly (string | null)[] {
  const sorted = names.toSorted((a, b) =>
    (a ?? '').localeCompare(b ?? '', 'en', { numeric: true }),
  );
  if (COORDINATES.includes(sorted.join(' '))) return sorted;
  return names.every((name) => /^[A-Za-z](?:_|$)/.test(name ?? '')) ? sorted : names;
}

/** Whether all items are relations with a letter on the left, and these are the same letters. */
export function haveSameNames(a: readonly Node[], b: readonly Node[]): boolean {
  const names = (items: readonly Node[]): string => JSON.stringify(items.map(nameOf).sort());
  return a.every((item) => nameOf(item) !== null) && names(a) === names(b);
}
