/**
 * The formula of a `multi` grader: numbers, names of its graders, + − * / ^, brackets, and the functions
 * below. ^ binds tightest and to the right; a sign binds looser than ^, so −2^2 is −4.
 */
import { InputError } from '../../util/errors.js';

export interface Expression {
  /** Names that stand in the formula, each once. */
  readonly names: readonly string[];
  /** Any number, also NaN and infinities. */
  readonly evaluate: (values: Readonly<Record<string, number>>) => number;
}

type Node = (values: Readonly<Record<string, number>>) => number;

interface FunctionEntry {
  /** Smallest and largest number of arguments. */
  readonly arity: readonly [number, number];
  readonly apply: (...args: number[]) => number;
}

const FUNCTIONS: Readonly<Record<string, FunctionEntry>> = {
  min: { arity: [1, Number.POSITIVE_INFINITY], apply: Math.min },
  max: { arity: [1, Number.POSITIVE_INFINITY], apply: Math.max },
  abs: { arity: [1, 1], apply: Math.abs },
  floor: { arity: [1, 1], apply: Math.floor },
  ceil: { arity: [1, 1], apply: Math.ceil },
  exp: { arity: [1, 1], apply: Math.exp },
  sqrt: { arity: [1, 1], apply: Math.sqrt },
  log: { arity: [1, 1], apply: Math.log },
};

const TOKEN =
  /\s*(?:(\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|([\p{L}_][\p{L}\p{N}_]*)|(\*\*|[-+*/^(),]))/uy;
const MAX_LENGTH = 4096;
const MAX_DEPTH = 100;

/** @throws InputError when the text is no formula. */
export function parseExpression(text: string, where: string): Expression {
  const fail = (problem: string): never => {
    throw new InputError({
      where,
      problem: `"${text.slice(0, 120)}": ${problem}`,
      remedy: `Use numbers, grader names, + - * / ^, brackets and ${Object.keys(FUNCTIONS).join(', ')}`,
    });
  };
  const tokens = tokensOf(text, fail);
  const formula = readerOf(tokens, fail);
  const evaluate = sum(formula);
  const rest = formula.next();
  if (rest !== undefined) fail(`"${rest.text}" is not expected here`);
  return { names: [...formula.names], evaluate };
}

/** What is left of a formula. */
interface Reader {
  readonly names: Set<string>;
  readonly fail: (problem: string) => never;
  /** Takes a sign, where it is the next token. */
  take(sign: string): boolean;
  next(): Token | undefined;
  /** What `read` gives, one level deeper. */
  deeper(what: string, read: (formula: Reader) => Node): Node;
}

function readerOf(tokens: readonly Token[], fail: Reader['fail']): Reader {
  let at = 0;
  let depth = 0;
  const formula: Reader = {
    names: new Set(),
    fail,
    take: (sign) => {
      const isNext = tokens[at]?.kind === 'sign' && tokens[at]?.text === sign;
      if (isNext) at++;
      return isNext;
    },
    next: () => tokens[at++],
    deeper: (what, read) => {
      if (++depth > MAX_DEPTH) fail(`${what} are nested too deeply`);
      const node = read(formula);
      depth--;
      return node;
    },
  };
  return formula;
}

const sum = (formula: Reader): Node => formula.deeper('brackets', terms);

type Operators = Readonly<Record<string, (a: number, b: number) => number>>;

/** Operands between signs of one rank, from left to right. */
function chain(formula: Reader, operand: (formula: Reader) => Node, operators: Operators): Node {
  let left = operand(formula);
  for (;;) {
    const sign = Object.keys(operators).find(formula.take);
    if (sign === undefined) return left;
    const [a, b, apply] = [left, operand(formula), operators[sign]!];
    left = (v) => apply(a(v), b(v));
  }
}

const terms = (formula: Reader): Node =>
  chain(formula, product, { '+': (a, b) => a + b, '-': (a, b) => a - b });

const product = (formula: Reader): Node =>
  chain(formula, signed, { '*': (a, b) => a * b, '/': (a, b) => a / b });

function signed(formula: Reader): Node {
  let isNegative = false;
  for (;;) {
    if (formula.take('-')) isNegative = !isNegative;
    else if (!formula.take('+')) break;
  }
  const value = power(formula);
  return isNegative ? (v) => -value(v) : value;
}

function power(formula: Reader): Node {
  const base = atom(formula);
  if (!formula.take('^') && !formula.take('**')) return base;
  const exponent = formula.deeper('powers', signed);
  return (v) => base(v) ** exponent(v);
}

function atom(formula: Reader): Node {
  const { fail } = formula;
  const token = formula.next();
  if (token === undefined) return fail('it ends too early');
  const { kind, text } = token;
  if (kind === 'number') {
    const value = Number(text);
    return () => value;
  }
  if (kind === 'name') return formula.take('(') ? call(text, formula) : variable(text, formula);
  if (text !== '(') return fail(`"${text}" is not expected here`);
  const inner = sum(formula);
  return formula.take(')') ? inner : fail('a bracket is not closed');
}

function variable(name: string, { names }: Reader): Node {
  names.add(name);
  return (v) => v[name] ?? Number.NaN;
}

function call(name: string, formula: Reader): Node {
  const { fail, take } = formula;
  const entry = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]! : fail(`no function "${name}"`);
  const args = [sum(formula)];
  while (take(',')) args.push(sum(formula));
  if (!take(')')) fail('a bracket is not closed');
  const [fewest, most] = entry.arity;
  if (args.length < fewest || args.length > most) fail(`${name} takes another number of values`);
  return (v) => entry.apply(...args.map((arg) => arg(v)));
}

interface Token {
  readonly kind: 'number' | 'name' | 'sign';
  readonly text: string;
}

function tokensOf(text: string, fail: (problem: string) => never): Token[] {
  if (text.length > MAX_LENGTH) fail(`it has more than ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  const source = text.trimEnd();
  for (let at = 0; at < source.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (match === null) return fail(`"${source.slice(at).trim().slice(0, 20)}" cannot be read`);
    const [, number, name, sign] = match;
    if (number !== undefined) tokens.push({ kind: 'number', text: number });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name });
    else tokens.push({ kind: 'sign', text: sign! });
  }
  return tokens;
}
