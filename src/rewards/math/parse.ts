/**
 * The grammar of an answer, top down: list of items, relation, set operation, sum; below these
 * expression.ts. LaTeX and plain text are read alike.
 */
import { readBased } from './based.js';
import { Cursor, type Grammar } from './cursor.js';
import { readSum } from './expression.js';
import {
  contains,
  type Node,
  onlyOr,
  type Relation,
  type SetOperator,
  UnreadableAnswer,
} from './syntax.js';
import { isJointText, tokenize } from './tokens.js';
import { unitsAsText } from './units.js';

const RELATIONS: Readonly<Record<string, Relation>> = {
  '=': '=',
  '==': '=',
  approx: '=',
  in: 'in',
  '<': '<',
  lt: '<',
  '<=': '<=',
  le: '<=',
  '>': '>',
  gt: '>',
  '>=': '>=',
  ge: '>=',
  '!=': '!=',
  ne: '!=',
  sim: '~',
  equiv: '~',
};

/**
 * The tree of a normalised answer, or null when the grammar does not read it.
 * @param grouped - whether "1,234" is one number, not two
 */
export function parseAnswer(normal: string, grouped = true): Node | null {
  const based = readBased(normal);
  if (based !== null) return based;
  try {
    const cursor = new Cursor(tokenize(unitsAsText(normal), { grouped }), GRAMMAR);
    const node = readItems(cursor);
    return cursor.token.kind === 'end' ? node : null;
  } catch (error) {
    if (error instanceof UnreadableAnswer) return null;
    throw error;
  }
}

const GRAMMAR: Grammar = { sum: readSum, series: readSeries };

/** Items between `,`, `;`, "and", "or"; one item stays itself. */
function readItems(cursor: Cursor): Node {
  const items = readSeries(cursor);
  return onlyOr(items, { kind: 'list', items });
}

/** The items of a list or bracket, at least one. A `|` in them closes none that was open before. */
function readSeries(cursor: Cursor): Node[] {
  const outer = cursor.bars;
  cursor.bars = 0;
  const items = [readRelation(cursor)];
  while (takeSeparator(cursor)) items.push(readRelation(cursor));
  cursor.bars = outer;
  return items;
}

function takeSeparator(cursor: Cursor): boolean {
  const hasComma = cursor.takeOp(',', ';');
  const hasWord = isJoint(cursor);
  if (hasWord) cursor.advance();
  return hasComma || hasWord;
}

function isJoint(cursor: Cursor): boolean {
  return isJointText(cursor.token) || cursor.isCommand('and', 'or', 'land', 'lor');
}

function readRelation(cursor: Cursor): Node {
  const sides = [readDefined(cursor) ?? readSets(cursor)];
  const operators: Relation[] = [];
  for (;;) {
    const operator = relationAt(cursor);
    if (operator === undefined) break;
    const isRounded = cursor.isCommand('approx') && !hasName(sides.at(-1) as Node);
    cursor.advance();
    const side = readSets(cursor);
    // 1/3 ≈ 0.333 says 1/3; x ≈ 0.333 says 0.333.
    if (isRounded) continue;
    operators.push(operator);
    sides.push(side);
  }
  return onlyOr(sides, { kind: 'relation', operators, sides });
}

const hasName = (node: Node): boolean =>
  contains(node, ({ kind }) => kind === 'symbol' || kind === 'text');

function relationAt(cursor: Cursor): Relation | undefined {
  const { kind, text } = cursor.token;
  const isRelation = (kind === 'op' || kind === 'command') && Object.hasOwn(RELATIONS, text);
  return isRelation ? RELATIONS[text] : undefined;
}

/** The left side of a definition, `\Phi(x, y) =`, as one name. */
function readDefined(cursor: Cursor): Node | null {
  const start = cursor.place;
  const head = cursor.advance();
  let name = head.text;
  if (!(head.kind === 'letter' || head.kind === 'command') || !cursor.takeOp('(')) {
    cursor.back(start);
    return null;
  }
  while (['letter', 'number', 'command'].includes(cursor.token.kind) || cursor.isOp(',')) {
    name += cursor.advance().text;
  }
  if (cursor.takeOp(')') && cursor.isOp('=')) return { kind: 'symbol', name: `${name})` };
  cursor.back(start);
  return null;
}

function readSets(cursor: Cursor): Node {
  let left = readRatio(cursor);
  for (;;) {
    if (!cursor.isCommand('cup', 'cap', 'setminus')) return left;
    const operator = cursor.advance().text as SetOperator;
    const before: readonly Node[] =
      left.kind === 'sets' && left.operator === operator && operator !== 'setminus'
        ? left.items
        : [left];
    left = { kind: 'sets', operator, items: [...before, readRatio(cursor)] };
  }
}

function readRatio(cursor: Cursor): Node {
  const items = [readInfix(cursor)];
  while (cursor.takeOp(':') || cursor.takeCommand('colon')) items.push(readInfix(cursor));
  return onlyOr(items, { kind: 'ratio', items });
}

/** TeX's `{n \choose k}` and `{a \over b}`, which part all that stands in their group. */
function readInfix(cursor: Cursor): Node {
  const over = readSum(cursor);
  if (cursor.takeCommand('choose')) {
    return { kind: 'call', name: 'binom', args: [over, readSum(cursor)] };
  }
  return cursor.takeCommand('over') ? { kind: 'divide', over, under: readSum(cursor) } : over;
}
