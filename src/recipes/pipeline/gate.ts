/**
 * Gates of a pipeline: `accuracy < 0.3 or not (format_rate >= stages.prep.format_rate)`. Numbers,
 * names of result values, comparisons, `and`, `or`, `not` and parentheses; nothing else.
 */
import { InputError } from '../../util/errors.js';

/** Value of a name in the stage's result. */
type MetricLookup = (name: string) => number;
type Numeric = (metric: MetricLookup) => number;
export type Gate = (metric: MetricLookup) => boolean;

const TOKEN =
  /\s*(?:(<=|>=|==|!=|<|>|\(|\))|(-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)|([A-Za-z_][\w./@-]*))/iy;

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
};

function tokenize(text: string, where: string): string[] {
  const tokens: string[] = [];
  let at = 0;
  while (text.slice(at).trim() !== '') {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) throw syntaxError(text, where, text.slice(at).trim());
    tokens.push(match[0].trim());
    at = TOKEN.lastIndex;
  }
  return tokens;
}

function syntaxError(text: string, where: string, found: string): InputError {
  return new InputError({
    where,
    problem: `cannot read gate ${JSON.stringify(text)} at ${JSON.stringify(found)}`,
    remedy: 'Write e.g. accuracy < 0.3, with and, or, not and parentheses',
  });
}

const isName = (token: string): boolean =>
  /^[A-Za-z_]/.test(token) && !/^(and|or|not)$/.test(token);

/** Another stage and the number of its result that `stages.NAME.metric` names; null: a number of the stage's own. */
export function otherStage(
  name: string,
): { readonly stage: string; readonly metric: string } | null {
  const [, stage, metric] = /^stages\.([^.]+)\.(.+)$/.exec(name) ?? [];
  return stage === undefined || metric === undefined ? null : { stage, metric };
}

/** Names of the other stages that a gate compares with. @throws as `parseGate` */
export const stagesIn = (text: string, where: string): string[] =>
  tokenize(text, where)
    .filter(isName)
    .flatMap((name) => otherStage(name)?.stage ?? []);

/** Parses a gate. @throws InputError naming the place that cannot be read. */
export function parseGate(text: string, where: string): Gate {
  const tokens = tokenize(text, where);
  let at = 0;
  const fail = (): never => {
    throw syntaxError(text, where, tokens[at] ?? 'the end');
  };
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;

  const operand = (): Numeric => {
    const token = tokens[at] ?? '';
    const isNumber = /^[-.\d]/.test(token);
    if (!isNumber && !isName(token)) return fail();
    at++;
    return isNumber ? () => Number(token) : (metric) => metric(token);
  };
  const comparison = (): Gate => {
    const left = operand();
    const compare = COMPARISONS[tokens[at] ?? ''] ?? fail();
    at++;
    const right = operand();
    return (metric) => compare(left(metric), right(metric));
  };
  const factor = (): Gate => {
    if (take('not')) {
      const inner = factor();
      return (metric) => !inner(metric);
    }
    if (!take('(')) return comparison();
    const inner = either();
    return take(')') ? inner : fail();
  };
  const both = (): Gate => {
    const parts = [factor()];
    while (take('and')) parts.push(factor());
    return (metric) => parts.every((part) => part(metric));
  };
  const either = (): Gate => {
    const parts = [both()];
    while (take('or')) parts.push(both());
    return (metric) => parts.some((part) => part(metric));
  };

  const gate = either();
  return at === tokens.length ? gate : fail();
}
