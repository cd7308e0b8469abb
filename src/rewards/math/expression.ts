/**
 * Sums, products and powers. Products may be written by juxtaposition; a whole number before a
 * fraction of whole numbers is a mixed number. Of several readings the usual one of LaTeX is taken:
 * 1/2x is (1/2)·x.
 */
import type { Cursor } from './cursor.js';
import { readArgument, readPrimary, startsPrimary } from './primary.js';
import { add, type Rational } from './rational.js';
import { PERCENT, readScale } from './scales.js';
import { isScalar, type Node, onlyOr, UnreadableAnswer } from './syntax.js';
import { isJointText } from './tokens.js';

const TEMPERATURE = /^(?:C|F|celsius|fahrenheit)$/i;

/** Terms with their signs. */
export function readSum(cursor: Cursor): Node {
  return cursor.nested(() => {
    const terms = [signed(cursor, readProduct)];
    while (signAt(cursor) !== null) terms.push(signed(cursor, readProduct));
    return onlyOr(terms, { kind: 'add', terms });
  });
}

type Sign = '+' | '-' | 'pm' | 'mp';

function signAt(cursor: Cursor): Sign | null {
  const isSign = cursor.isOp('+', '-') || cursor.isCommand('pm', 'mp');
  return isSign ? (cursor.token.text as Sign) : null;
}

/** What `read` gives, with the signs before it. */
function signed(cursor: Cursor, read: (cursor: Cursor) => Node): Node {
  const sign = signAt(cursor);
  if (sign === null) return read(cursor);
  cursor.advance();
  const of = cursor.nested(() => signed(cursor, read));
  return sign === '+' ? of : withSign(of, sign);
}

/** The sign of −5% or of −5 km is that of its number. */
function withSign(of: Node, sign: '-' | 'pm' | 'mp'): Node {
  if (of.kind === 'scaled' || of.kind === 'degrees' || of.kind === 'quantity') {
    return { ...of, of: withSign(of.of, sign) };
  }
  if (sign === '-' && of.kind === 'matrix') return entrywise(of.rows, (of) => withSign(of, '-'));
  if (sign === '-' && of.kind === 'based') return { ...of, digits: `-${of.digits}` };
  return sign === '-' ? { kind: 'negate', of } : { kind: 'sign', of, flipped: sign === 'mp' };
}

function readProduct(cursor: Cursor): Node {
  let left = readFactor(cursor);
  for (;;) {
    if (cursor.takeOp('*') || cursor.takeCommand('cdot', 'times', 'ast')) {
      left = product(left, signed(cursor, readFactor));
    } else if (cursor.takeOp('/') || cursor.takeCommand('div')) {
      left = fraction(left, signed(cursor, readFactor));
    } else if (cursor.token.kind === 'text' || isUnitWord(cursor, left)) {
      if (isJointText(cursor.token)) return left;
      left = withUnit(left, readUnit(cursor));
    } else if (startsPrimary(cursor)) {
      left = juxtaposed(left, cursor);
    } else {
      return left;
    }
  }
}

const entrywise = (rows: readonly (readonly Node[])[], of: (entry: Node) => Node): Node => ({
  kind: 'matrix',
  rows: rows.map((row) => row.map(of)),
});

/** A factor of a matrix is one of its entries. */
function product(left: Node, right: Node): Node {
  if (right.kind === 'matrix' && isScalar(left))
    return entrywise(right.rows, (entry) => product(left, entry));
  const before = left.kind === 'multiply' ? left.factors : [left];
  return { kind: 'multiply', factors: [...before, right] };
}

/** Two numbers side by side are no product: "7 8" is two answers, "6 3/4" a mixed number. */
function juxtaposed(left: Node, cursor: Cursor): Node {
  const isNumber = cursor.token.kind === 'number';
  const whole = left.kind === 'number' && left.value.under === 1n ? left.value : null;
  if (isNumber && whole !== null && isPlainFraction(cursor)) {
    const over = readFactor(cursor);
    cursor.advance();
    return mixed(whole, fraction(over, readFactor(cursor)));
  }
  if (isNumber && left.kind === 'number') throw new UnreadableAnswer('two numbers side by side');
  const right = readFactor(cursor);
  return whole === null ? product(left, right) : mixed(whole, right);
}

function isPlainFraction(cursor: Cursor): boolean {
  const isDivided = cursor.peek(1).kind === 'op' && cursor.peek(1).text === '/';
  return cursor.token.spaced && isDivided && cursor.peek(2).kind === 'number';
}

/** 1/2%: the sign is that of the fraction, not of its denominator. */
function fraction(over: Node, under: Node): Node {
  const isSigned = under.kind === 'scaled' && over.kind === 'number' && under.of.kind === 'number';
  if (!isSigned) return { kind: 'divide', over, under };
  return { ...under, of: { kind: 'divide', over, under: under.of } };
}

/**
 * 6¾ = 6 + 3/4, where the fraction is one of whole numbers below one; else a product. The sign of 33⅓% or of 22½°
 * is that of the whole.
 */
function mixed(whole: Rational, right: Node): Node {
  const left: Node = { kind: 'number', value: whole };
  if (right.kind === 'scaled' || right.kind === 'degrees') {
    return right.of.kind === 'divide'
      ? { ...right, of: mixed(whole, right.of) }
      : product(left, right);
  }
  if (right.kind !== 'divide') return product(left, right);
  const { over, under } = right;
  if (over.kind !== 'number' || under.kind !== 'number') return product(left, right);
  const isProper = over.value.under === 1n && under.value.under === 1n && over.value.over >= 0n;
  if (!isProper || over.value.over >= under.value.over) return product(left, right);
  const value = add(whole, { over: over.value.over, under: under.value.over });
  return value === null ? product(left, right) : { kind: 'add', terms: [left, right] };
}

/** A word, or the letter of a temperature: `25^\circ C`. */
function isUnitWord({ token }: Cursor, left: Node): boolean {
  if (token.kind === 'letter') return left.kind === 'degrees' && /^[CF]$/.test(token.text);
  return token.kind === 'word' && left.kind !== 'symbol';
}

function withUnit(of: Node, words: string): Node {
  if (of.kind === 'degrees' && TEMPERATURE.test(words))
    return { kind: 'quantity', of: of.of, unit: `degrees ${words}` };
  const { by = null, unit = words } = readScale(words) ?? {};
  const left: Node = by === null ? of : { kind: 'scaled', of, by };
  return unit === '' ? left : { kind: 'quantity', of: left, unit };
}

function readUnit(cursor: Cursor): string {
  let unit = cursor.advance().text;
  while (cursor.token.kind === 'text' && !isJointText(cursor.token))
    unit += ` ${cursor.advance().text}`;
  if (!cursor.takeOp('^')) return unit;
  const isNegative = cursor.takeOp('-');
  const argument = readArgument(cursor);
  const power = argument.kind === 'negate' ? argument.of : argument;
  if (power.kind !== 'number' || power.value.under !== 1n)
    throw new UnreadableAnswer('a power of a unit that is no whole number');
  const sign = isNegative || argument.kind === 'negate' ? '-' : '';
  return `${unit}^${sign}${power.value.over}`;
}

/** A primary with its powers, subscripts were read with it. */
function readFactor(cursor: Cursor): Node {
  return cursor.nested(() => {
    let node = readPrimary(cursor);
    for (;;) {
      if (cursor.takeOp('^') || cursor.takeOp('**')) {
        node = { kind: 'power', base: node, exponent: readExponent(cursor) };
      } else if (cursor.takeOp('!')) {
        node = { kind: 'call', name: 'factorial', args: [node] };
      } else if (cursor.takeOp('%')) {
        node = { kind: 'scaled', of: node, by: PERCENT };
      } else if (cursor.takeCommand('degree')) {
        node = { kind: 'degrees', of: node };
      } else {
        return node;
      }
    }
  });
}

function readExponent(cursor: Cursor): Node {
  if (cursor.takeOp('-')) return { kind: 'negate', of: cursor.nested(() => readExponent(cursor)) };
  return cursor.token.kind === 'number' ? readPrimary(cursor) : readArgument(cursor);
}
