/**
 * Whether a predicted answer equals the gold one: as strings after normalisation, else as trees of
 * one grammar, scalars exactly on rational numbers, else numerically.
 *
 * The function is total. Answers beyond `MAX_LENGTH` characters, and those the grammar does not
 * read, are equal only as strings; trees are bounded in depth and size, so is each operation.
 */
import { extractBoxed } from '../../util/boxed.js';
import { currenciesDiffer } from './currency.js';
import { answersEqual, type Comparison } from './equal-items.js';
import { keyOf, plainText } from './key.js';
import { normalise, squeezed } from './normalise.js';
import { parseAnswer } from './parse.js';
import { contains, type Node } from './syntax.js';
import { unitsOfParts } from './units.js';

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
const WORDS = 'zero one two three four five six seven eight nine ten eleven twelve'.split(' ');
const NUMBER_WORD = new RegExp(
  `^(?:\\\\(?:text|mathrm)\\s*\\{)?\\s*(${WORDS.join('|')})\\s*\\}?$`,
  'i',
);
/** Words before an answer: `\text{The answer is }`, Answer: */
const ANNOUNCED =
  /^(?:\\(?:text|mathrm) ?\{ ?)?(?:the )?(?:final )?answer(?: is)?(?: ?: ?| ?(?=\})|(?<=is) )\}? ?(?=\S)/i;
/** A residue with its modulus: `3 (mod 7)`, `x \equiv 3 \pmod 7`, `10 \equiv 3 \pmod 7`. */
const RESIDUE =
  /^(?:(?:[A-Za-z](?:_\{?\w+\}?)?|(-?\d+)) ?\\equiv ?)?(-?\d+) ?\(? ?(?:\\[bp]?mod|\\(?:text|mathrm|operatorname) ?\{ ?mod ?\}|mod)(?![a-z]) ?\{? ?(\d+) ?\}? ?\)?$/;
const GROUPED = /\d[, ]\d{3}/;
/** What may be recurring digits or a factor: 0.1(6). */
const BRACKETED = /(\.\d+) ?(?=\(\d+\))/g;

interface JudgedAnswer {
  readonly gold: string;
  /** An answer, or a text that holds one in its last `\boxed{}`. */
  readonly prediction: string;
}

/**
 * @returns false also when either is empty
 * @example mathEquivalent({ gold: '0.5', prediction: '\\dfrac{1}{2}' }) // true
 * @example mathEquivalent({ gold: '5', prediction: '5, 6' }) // false
 */
export function mathEquivalent(answer: JudgedAnswer, options: EquivalenceOptions = {}): boolean {
  const [wanted, said] = [unboxed(answer.gold), unboxed(answer.prediction)];
  const [gold, given] = [readText(wanted), readText(said)];
  if (given === '' || gold === '') return false;
  if (given.length > MAX_LENGTH || gold.length > MAX_LENGTH) return given === gold;
  if (currenciesDiffer(wanted, said)) return false;
  if (given === gold) return true;
  const how = comparisonOf(options);
  return spellings(gold).some((right) =>
    spellings(gold.includes('mod') ? given : withoutModulus(given)).some((spelling) =>
      spellingsEqual(right, spelling, how),
    ),
  );
}

/**
 * A text that equivalent answers mostly share, to group votes by: the canonical form of what the
 * grammar reads, else the normalised text. Null for an empty answer.
 */
export function answerKey(answer: string): string | null {
  const normal = readText(unboxed(answer));
  if (normal === '') return null;
  const tree = normal.length > MAX_LENGTH ? null : parseAnswer(normal);
  return tree === null ? squeezed(normal) : keyOf(tree);
}

function unboxed(text: string): string {
  const boxed = text.includes('\\boxed') || text.includes('\\fbox') ? extractBoxed(text) : null;
  return (boxed ?? text).trim();
}

/** Normal text of an answer, of a quantity out of its text: `\text{5 cm}`. */
function readText(answer: string): string {
  if (answer.length > 4 * MAX_LENGTH) return answer;
  return normalise(answer)
    .replace(ANNOUNCED, '')
    .replace(/^(?:\\approx|=) ?(?=\S)/, '')
    .replace(/^\\(?:text|mathrm)\s*\{\s*(-?\d[\d.,:]*(?: [A-Za-z. ]*[A-Za-z])?)\.?\}$/, '$1')
    .replace(NUMBER_WORD, (_, word: string) => String(WORDS.indexOf(word.toLowerCase())));
}

/** A residue alone, as gold answers may have it; a congruence of two numbers only where it holds and is reduced. */
function withoutModulus(normal: string): string {
  return normal.replace(RESIDUE, (congruence, left: string | undefined, residue, modulus) => {
    if (left === undefined) return residue;
    const [number, rest, by] = [BigInt(left), BigInt(residue), BigInt(modulus)];
    const isReduced = -by < rest && rest < by;
    return isReduced && (number - rest) % by === 0n ? residue : congruence;
  });
}

function comparisonOf(options: EquivalenceOptions): Comparison {
  const { precision = 0, ordered = false, acceptInequalities = false } = options;
  const precisions = typeof precision === 'number' ? [precision] : precision;
  return {
    precisions,
    isOrdered: ordered,
    acceptsInequalities: acceptInequalities,
    multipliesScales: true,
  };
}

/** As texts where the gold answer is prose or one of the two is not read; else as trees, in any reading. */
function spellingsEqual(gold: string, given: string, how: Comparison): boolean {
  if (isProse(gold) && textsEqual(gold, given)) return true;
  const [wanted, predictions] = [readings(gold), readings(given)];
  if (isProse(gold) || wanted.length === 0 || predictions.length === 0) {
    return squeezed(gold) === squeezed(given);
  }
  return wanted.some((tree) => predictions.some((prediction) => treesEqual(tree, prediction, how)));
}

/** Percentages are read in one way in all parts of an answer. */
function treesEqual(gold: Node, prediction: Node, how: Comparison): boolean {
  if (answersEqual(gold, prediction, how)) return true;
  const isScaled = (node: Node) => contains(node, ({ kind }) => kind === 'scaled');
  if (!isScaled(gold) && !isScaled(prediction)) return false;
  return answersEqual(gold, prediction, { ...how, multipliesScales: false });
}

/** A choice before what it says: `\text{(E)} 27`, `\text{E} 27`; `(E) 27`, `E. 27`. */
const LABELLED = [
  /^\\(?:text|mathrm)\s*\{\s*\(?([A-J])[.):]{1,2}\s*\}\s*(?![,;=+*/^])(\S.*)$/,
  /^\\text\s*\{\s*([A-J])\s*\}\s+(?![,;=+*/^])(\S.*)$/,
  /^\(?([A-J])[.):]{1,2}\s+(?![-+*/^=,;])(\S.*)$/,
];
const OTHER_LETTER = /(?<![A-Za-z])[A-J](?![A-Za-z])/;

/** 9:00 a.m. */
const FULL_HOUR = /^(\d{1,2}):00(?= ?(?:\\(?:text|mathrm) ?\{ ?)?[ap]\.? ?m\b)/i;

/** The text; of a full hour also without its minutes; of a labelled choice also its letter and what it says, unless that names another letter. */
function spellings(normal: string): readonly string[] {
  const match = LABELLED.map((pattern) => pattern.exec(normal)).find((found) => found !== null);
  const [, letter = '', said = ''] = match ?? [];
  if (letter !== '' && !OTHER_LETTER.test(said)) return [normal, letter, said];
  return FULL_HOUR.test(normal) ? [normal, normal.replace(FULL_HOUR, '$1')] : [normal];
}

function readings(normal: string): readonly Node[] {
  const trees = [parseAnswer(normal)];
  if (GROUPED.test(normal)) trees.push(parseAnswer(normal, false));
  const multiplied = normal.replace(BRACKETED, '$1\\cdot ');
  if (multiplied !== normal) trees.push(parseAnswer(multiplied));
  const united = unitsOfParts(normal);
  if (united !== normal) trees.push(parseAnswer(united));
  return trees.filter((tree) => tree !== null);
}

/** A gold answer of words only: `\text{odd}`, Evelyn, Yes, `\text{(C)}`, `\text{4:30 p.m.}`. */
function isProse(gold: string): boolean {
  if (/^(?:yes|no|odd)$/i.test(gold)) return true;
  return /^\(?\\text\s*\{[^{}]*\}\)?$/.test(gold) || /^[A-Za-z]{4,}(?: [A-Za-z]+)*$/.test(gold);
}

function textsEqual(gold: string, given: string): boolean {
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
