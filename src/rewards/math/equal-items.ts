/**
 * Whether a predicted answer is the gold one, by structure. The comparison is asymmetric where an
 * answer could otherwise be guessed: a gold inequality accepts the interval it describes, a gold
 * interval accepts no inequality (which may be an echo of the question); a list must match item by
 * item, so that listing candidates earns nothing.
 */
import { plainText } from './key.js';
import { matchAll } from './match-all.js';
import {
  areAxes,
  assigned,
  haveSameNames,
  inUsualOrder,
  isAsked,
  isMovedOver,
  isName,
  nameOf,
  namesOf,
} from './names.js';
import { equals } from './rational.js';
import { isReals, realSetsEqual } from './real-sets.js';
import { asInterval, relationsEqual } from './relations.js';
import { isConstant, scalarsEqual } from './scalars.js';
import { expandSigns } from './signs.js';
import { isScalar, type Node } from './syntax.js';
import { unitsDiffer } from './units.js';

export interface Comparison {
  /** Absolute tolerance of each gold item; the last one also holds for those that follow. */
  readonly precisions: readonly number[];
  readonly isOrdered: boolean;
  /** A gold interval also accepts the inequality that describes it. */
  readonly acceptsInequalities: boolean;
  /** Beside a plain number, 7% is 0.07 and 2 million are 2,000,000; else they are read as 7 and 2. */
  readonly multipliesScales: boolean;
}

const MAX_ITEMS = 200;

export function answersEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const wanted = itemsOf(gold);
  const given = asTuple(wanted, itemsOf(prediction));
  if (wanted.length !== given.length || wanted.length > MAX_ITEMS) return false;
  const byName = wanted.length > 1 && haveSameNames(wanted, given);
  const equal = (a: Node, b: Node, i: number): boolean => {
    if (byName && nameOf(a) !== nameOf(b)) return false;
    return itemsEqual(a, b, { ...how, precisions: [precisionAt(how, i)] });
  };
  return how.isOrdered
    ? wanted.every((item, i) => equal(item, given[i] as Node, i))
    : matchAll(wanted, given, equal);
}

function precisionAt({ precisions }: Comparison, i: number): number {
  return precisions[Math.min(i, precisions.length - 1)] ?? 0;
}

/** `x = 1, y = 2` as (1, 2) where the answer is a tuple: in the order of its names, else in the usual one. */
function asTuple([gold, ...others]: readonly Node[], given: readonly Node[]): readonly Node[] {
  const tuple = gold === undefined || others.length > 0 ? null : (assigned(gold) ?? gold);
  if (tuple?.kind !== 'tuple' || tuple.open !== '(' || tuple.close !== ')') return given;
  const values = new Map(given.map((item) => [nameOf(item), assigned(item)]));
  const names = namesOf(gold as Node) ?? inUsualOrder([...values.keys()]);
  const items = names.map((name) => values.get(name) ?? null).filter((item) => item !== null);
  const isNamed = !values.has(null) && values.size === given.length && given.length > 1;
  if (!isNamed || items.length !== given.length || names.length !== given.length) return given;
  return [{ ...tuple, items }];
}

/** The items of a list or set, ± written out; an assignment to a list gives its items. */
function itemsOf(node: Node): readonly Node[] {
  if (node.kind === 'list' || node.kind === 'set') return node.items.flatMap(expandSigns);
  const value = assigned(node);
  if (value?.kind === 'list' || value?.kind === 'set') return itemsOf(value);
  return expandSigns(node);
}

function itemsEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const goldValue = assigned(gold);
  const value = assigned(prediction, gold.kind === 'relation' ? isName : isAsked);
  if (areAxes(nameOf(gold), nameOf(prediction))) return relationsEqual(gold, prediction);
  if (goldValue !== null && (value !== null || prediction.kind !== 'relation')) {
    if (itemsEqual(goldValue, value ?? prediction, how)) return true;
    return value !== null && relationsEqual(gold, prediction);
  }
  // An equation still to be solved for x = 5 is no answer.
  if (goldValue !== null && isConstant(goldValue)) {
    return isMovedOver(prediction) && relationsEqual(gold, prediction);
  }
  if (value !== null && gold.kind !== 'relation') return answersEqual(gold, value, how);
  return sameKinds(gold, prediction, how);
}

function sameKinds(gold: Node, prediction: Node, how: Comparison): boolean {
  const [precision = 0] = how.precisions;
  if (gold.kind === 'relation' || prediction.kind === 'relation') {
    return withRelation(gold, prediction, how);
  }
  if (gold.kind === 'scaled' || prediction.kind === 'scaled') {
    return scaledEqual(gold, prediction, how);
  }
  if (hasUnit(gold) || hasUnit(prediction)) return quantitiesEqual(gold, prediction, how);
  if (isScalar(gold) && isScalar(prediction)) return scalarsEqual(gold, prediction, precision);
  return structuresEqual(gold, prediction, how);
}

/** \text{C} and the letter C are one choice. */
function isChoice(text: Node, letter: Node): boolean {
  if (text.kind !== 'text' || letter.kind !== 'symbol') return false;
  return /^[\s(]*([A-Za-z])[\s).]*$/.exec(text.text)?.[1] === letter.name;
}

/** ℝ, and what is made of several sets. */
const isRealSet = (node: Node): boolean => node.kind === 'sets' || isReals(node);

function structuresEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const pair = (a: readonly Node[], b: readonly Node[]): boolean => answersInOrder(a, b, how);
  if (gold.kind === 'text' && prediction.kind === 'text') {
    return plainText(gold.text) !== '' && plainText(gold.text) === plainText(prediction.text);
  }
  if (isChoice(gold, prediction) || isChoice(prediction, gold)) return true;
  if ((isRealSet(gold) || isRealSet(prediction)) && realSetsEqual(gold, prediction)) return true;
  if (gold.kind === 'based' && prediction.kind === 'based') {
    return gold.base === prediction.base && gold.digits === prediction.digits;
  }
  if (gold.kind === 'tuple' && prediction.kind === 'tuple') {
    const sameBrackets = gold.open === prediction.open && gold.close === prediction.close;
    return sameBrackets && pair(gold.items, prediction.items);
  }
  if (gold.kind === 'ratio' && prediction.kind === 'ratio')
    return pair(gold.items, prediction.items);
  if (gold.kind === 'matrix' && prediction.kind === 'matrix') {
    const sameShape = gold.rows.length === prediction.rows.length;
    return sameShape && pair(gold.rows.flat(), prediction.rows.flat());
  }
  if (gold.kind === 'sets' && prediction.kind === 'sets') {
    if (gold.operator !== prediction.operator) return false;
    return answersEqual(
      { kind: 'list', items: gold.items.map(asItem) },
      { kind: 'list', items: prediction.items.map(asItem) },
      { ...how, isOrdered: gold.operator === 'setminus' },
    );
  }
  if (gold.kind === 'set' || gold.kind === 'list') return answersEqual(gold, prediction, how);
  return vectorsEqual(gold, prediction, how);
}

/** A set among the operands of a union stays one item. */
function asItem(node: Node): Node {
  return node.kind === 'set' ? { kind: 'tuple', open: '{', close: '}', items: node.items } : node;
}

/** A column (or row) and a tuple of the same numbers are one vector. */
function vectorsEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const [a, b] = [vectorOf(gold), vectorOf(prediction)];
  return a !== null && b !== null && answersInOrder(a, b, how);
}

function vectorOf(node: Node): readonly Node[] | null {
  if (node.kind === 'tuple' && node.open === '(' && node.close === ')') return node.items;
  if (node.kind !== 'matrix') return null;
  return node.rows.length === 1 || node.rows[0]?.length === 1 ? node.rows.flat() : null;
}

function answersInOrder(a: readonly Node[], b: readonly Node[], how: Comparison): boolean {
  return a.length === b.length && a.every((item, i) => itemsEqual(item, b[i] as Node, how));
}

function withRelation(gold: Node, prediction: Node, how: Comparison): boolean {
  if (relationsEqual(gold, prediction)) return true;
  const given = assigned(prediction) ?? prediction;
  if (gold.kind === 'relation' && given.kind !== 'relation') {
    const interval = asInterval(gold);
    return interval !== null && itemsEqual(interval, given, how);
  }
  if (gold.kind === 'relation' || !how.acceptsInequalities) return false;
  const interval = asInterval(prediction);
  return interval !== null && itemsEqual(gold, interval, how);
}

function scaledEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const [precision = 0] = how.precisions;
  const [a, b] = [unscaled(gold), unscaled(prediction)];
  if (!isScalar(a) || !isScalar(b)) return false;
  const both = gold.kind === 'scaled' && prediction.kind === 'scaled';
  const isAsWritten = both ? equals(gold.by, prediction.by) : !how.multipliesScales;
  return isAsWritten ? scalarsEqual(a, b, precision) : scalarsEqual(gold, prediction, precision);
}

function unscaled(node: Node): Node {
  return node.kind === 'scaled' ? node.of : node;
}

function quantitiesEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  const [wanted, given] = [unitOf(gold), unitOf(prediction)];
  if (wanted !== null && given !== null && unitsDiffer(wanted, given)) return false;
  return itemsEqual(unitless(gold), unitless(prediction), how);
}

function unitOf(node: Node): string | null {
  if (node.kind === 'degrees') return 'degree';
  return node.kind === 'quantity' ? node.unit : null;
}

function unitless(node: Node): Node {
  return hasUnit(node) && 'of' in node ? unitless(node.of) : node;
}

function hasUnit(node: Node): boolean {
  return node.kind === 'quantity' || node.kind === 'degrees';
}
