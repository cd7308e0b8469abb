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
  const names = new Set<string>();
  const fail = (problem: string): never => {
    throw new InputError({
      where,
      problem: `"${text.slice(0, 120)}": ${problem}`,
      remedy: `Use numbers, grader names, + - * / ^, brackets and ${Object.keys(FUNCTIONS).join(', ')}`,
    });
  };
  const tokens = tokensOf(text, fail);
  let at = 0;
  let depth = 0;
  const take = (token: string): boolean => {
    if (tokens[at]?.text !== token || tokens[at]?.kind !== 'sign') return false;
    at++;
    return true;
  };
  const sum = (): Node => {
    if (++depth > MAX_DEPTH) fail('brackets are nested too deeply');
    let left = product();
    for (;;) {
      const [a, isPlus] = [left, take('+')];
      if (!isPlus && !take('-')) break;
      const b = product();
      left = isPlus ? (v) => a(v) + b(v) : (v) => a(v) - b(v);
    }
    depth--;
    return left;
  };
  const product = (): Node => {
    let left = signed();
    for (;;) {
      const [a, isTimes] = [left, take('*')];
      if (!isTimes && !take('/')) return left;
      const b = signed();
      left = isTimes ? (v) => a(v) * b(v) : (v) => a(v) / b(v);
    }
  };
  const signed = (): Node => {
    let isNegative = false;
    for (;;) {
      if (take('-')) isNegative = !isNegative;
      else if (!take('+')) break;
    }
    const value = power();
    return isNegative ? (v) => -value(v) : value;
  };
  const power = (): Node => {
    const base = atom();
    if (!take('^') && !take('**')) return base;
    if (++depth > MAX_DEPTH) fail('powers are nested too deeply');
    const exponent = signed();
    depth--;
    return (v) => base(v) ** exponent(v);
  };
  const atom = (): Node => {
    const token = tokens[at++];
    if (token === undefined) return fail('it ends too early');
    if (token.kind === 'number') {
      const value = Number(token.text);
      return () => value;
    }
    if (token.kind === 'name') return take('(') ? call(token.text) : variable(token.text);
    if (token.text !== '(') return fail(`"${token.text}" is not expected here`);
    const inner = sum();
    return take(')') ? inner : fail('a bracket is not closed');
  };
  const variable = (name: string): Node => {
    names.add(name);
    return (v) => v[name] ?? Number.NaN;
  };
  const call = (name: string): Node => {
    const entry = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name]! : fail(`no function "${name}"`);
    const args = [sum()];
    while (take(',')) args.push(sum());
    if (!take(')')) fail('a bracket is not closed');
    const [fewest, most] = entry.arity;
    if (args.length < fewest || args.length > most) fail(`${name} takes another number of values`);
    return (v) => entry.apply(...args.map((arg) => arg(v)));
  };
  const root = sum();
  if (at < tokens.length) fail(`"${tokens[at]!.text}" is not expected here`);
  return { names: [...names], evaluate: root };
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
