/**
 * Whether a predicted answer equals the gold one: as strings after normalisation, else as trees of
 * one grammar, scalars exactly on rational numbers, else numerically.
 *
 * The function is total. Answers beyond `MAX_LENGTH` characters, and those the grammar does not
 * read, are equal only as strings; trees are bounded in depth and size, so is each operation.
 */
import { extractBoxed } from './boxed.js';
import { answersEqual, type Comparison } from './equal-items.js';
import { keyOf, plainText } from './key.js';
import { normalise, squeezed } from './normalise.js';
import { parseAnswer } from './parse.js';
import type { Node } from './syntax.js';

export interface EquivalenceOptions {
  /**
   * Largest absolute difference between numbers that count as equal; an array has one for each item
   * of the gold list. 0 by default: numbers are equal when they are the same.
   */
  readonly precision?: number | readonly number[];
  /** Lists must agree in their order. False by default. */
  readonly ordered?: boolean;
  /** A gold interval also accepts the inequality that describes it. False by default. */
  readonly acceptInequalities?: boolean;
}

const MAX_LENGTH = 1000;
const GROUPED = /\d[, ]\d{3}/;

/**
 * @param prediction - an answer, or a text that holds one in its last `\boxed{}`
 * @param reference - the gold answer
 * @returns false also when either is empty
 * @example mathEquivalent('\\dfrac{1}{2}', '0.5') // true
 * @example mathEquivalent('5, 6', '5') // false
 */
export function mathEquivalent(
  prediction: string,
  reference: string,
  options: EquivalenceOptions = {},
): boolean {
  const given = readText(prediction);
  const gold = readText(reference);
  if (given === '' || gold === '') return false;
  if (given === gold) return true;
  if (given.length > MAX_LENGTH || gold.length > MAX_LENGTH) return false;
  if (squeezed(given) === squeezed(gold)) return true;
  if (isProse(gold)) return textsEqual(given, gold);
  return treesEqual(given, gold, comparisonOf(options));
}

/**
 * A text that equivalent answers mostly share, to group votes by: the canonical form of what the
 * grammar reads, else the normalised text. Null for an empty answer.
 */
export function answerKey(answer: string): string | null {
  const normal = readText(answer);
  if (normal === '') return null;
  const tree = normal.length > MAX_LENGTH ? null : parseAnswer(normal);
  return tree === null ? squeezed(normal) : keyOf(tree);
}

/** Normal text of an answer, out of its box. */
function readText(text: string): string {
  const boxed = text.includes('\\boxed') || text.includes('\\fbox') ? extractBoxed(text) : null;
  const answer = (boxed ?? text).trim();
  return answer.length > 4 * MAX_LENGTH ? answer : normalise(answer);
}

function comparisonOf(options: EquivalenceOptions): Comparison {
  const { precision = 0, ordered = false, acceptInequalities = false } = options;
  const precisions = typeof precision === 'number' ? [precision] : precision;
  return { precisions, isOrdered: ordered, acceptsInequalities: acceptInequalities };
}

/** Tries both readings of "1,234" where there are two. */
function treesEqual(given: string, gold: string, how: Comparison): boolean {
  const predictions = readings(given);
  return readings(gold).some((wanted) =>
    predictions.some((prediction) => answersEqual(wanted, prediction, how)),
  );
}

function readings(normal: string): readonly Node[] {
  const trees = [parseAnswer(normal)];
  if (GROUPED.test(normal)) trees.push(parseAnswer(normal, false));
  return trees.filter((tree) => tree !== null);
}

/** A gold answer of words only: `\text{odd}`, Evelyn, `\text{(C)}`, `\text{4:30 p.m.}`. */
function isProse(gold: string): boolean {
  return /^\(?\\text\s*\{[^{}]*\}\)?$/.test(gold) || /^[A-Za-z]{4,}(?: [A-Za-z]+)*$/.test(gold);
}

function textsEqual(given: string, gold: string): boolean {
  const wanted = wordsOf(gold);
  return wanted.length > 0 && wanted.join() === wordsOf(given).join();
}

/** Items of a text between commas and "and", sorted. */
function wordsOf(text: string): readonly string[] {
  return text
    .replace(/\\(?:text|mathrm)/g, '')
    .split(/,|\band\b/)
    .map(plainText)
    .filter((item) => item !== '')
    .sort();
}
