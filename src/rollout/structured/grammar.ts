/**
 * Grammars over bytes: expressions, rules that may refer to themselves, and their translation into a small
 * program (Thompson 1968, with calls for the rules) that an automaton runs.
 */

/** 256 flags. */
export type ByteSet = Uint8Array;

export type Expression =
  | { readonly kind: 'bytes'; readonly set: ByteSet }
  | { readonly kind: 'sequence'; readonly parts: readonly Expression[] }
  | { readonly kind: 'choice'; readonly options: readonly Expression[] }
  /** `max` null: without end. */
  | {
      readonly kind: 'repeat';
      readonly item: Expression;
      readonly min: number;
      readonly max: number | null;
    }
  | { readonly kind: 'rule'; readonly name: string };

type Repeat = Extract<Expression, { kind: 'repeat' }>;

export interface Grammar {
  readonly rules: ReadonlyMap<string, Expression>;
  readonly root: Expression;
}

/** Bytes given one by one or as ranges `[low, high]`. */
function byteSet(...ranges: readonly (number | readonly [number, number])[]): ByteSet {
  const set = new Uint8Array(256);
  for (const range of ranges) {
    const [low, high] = typeof range === 'number' ? [range, range] : range;
    set.fill(1, low, high + 1);
  }
  return set;
}

export const bytes = (...ranges: readonly (number | readonly [number, number])[]): Expression => ({
  kind: 'bytes',
  set: byteSet(...ranges),
});

/** One of the characters of an ASCII text. */
export const oneOf = (characters: string): Expression => bytes(...Buffer.from(characters));

export const sequence = (...parts: readonly Expression[]): Expression => ({
  kind: 'sequence',
  parts,
});

export const choice = (...options: readonly Expression[]): Expression =>
  options.length === 1 ? options[0]! : { kind: 'choice', options };

export const repeat = (item: Expression, min: number, max: number | null): Expression => ({
  kind: 'repeat',
  item,
  min,
  max,
});

export const optional = (item: Expression): Expression => repeat(item, 0, 1);

export const rule = (name: string): Expression => ({ kind: 'rule', name });

/** Exactly this text, in UTF-8. */
export const literal = (text: string): Expression =>
  sequence(...[...Buffer.from(text)].map((byte) => bytes(byte)));

export const MATCH = 0;
export const SPLIT = 1;
export const CALL = 2;
export const RETURN = 3;

/**
 * Instructions. MATCH: a byte of set `a`, go on at `b`. SPLIT: go on at `a` and at `b`. CALL: run the rule
 * that begins at `a`, then go on at `b`. RETURN: the end of a rule, or of the text.
 */
export interface Program {
  readonly kind: readonly number[];
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly sets: readonly ByteSet[];
  readonly start: number;
}

/** Longer expressions become rules before they are repeated, so that a repetition takes one instruction. */
const SMALL = new Set<Expression['kind']>(['bytes', 'rule']);

export function compile({ rules, root }: Grammar): Program {
  const kind: number[] = [];
  const a: number[] = [];
  const b: number[] = [];
  const sets: ByteSet[] = [];
  const entries = new Map<string, number>();
  const open: [name: string, body: Expression][] = [...rules];
  const bodies = new Map<Expression, string>();

  const add = (k: number, x: number, y: number): number => {
    kind.push(k);
    a.push(x);
    b.push(y);
    return kind.length - 1;
  };

  /** Calls of rules that have no place yet: instruction → name. */
  const calls = new Map<number, string>();

  const call = (name: string, next: number): number => {
    const at = add(CALL, -1, next);
    calls.set(at, name);
    return at;
  };

  const asRule = (item: Expression): Expression => {
    if (SMALL.has(item.kind)) return item;
    let name = bodies.get(item);
    if (name === undefined) {
      name = `repeated ${bodies.size}`;
      bodies.set(item, name);
      open.push([name, item]);
    }
    return rule(name);
  };

  const repeated = ({ item: body, min, max }: Repeat, next: number): number => {
    const item = asRule(body);
    let at = next;
    if (max === null) {
      at = add(SPLIT, -1, next);
      a[at] = emit(item, at);
    }
    for (let i = min; i < (max ?? min); i++) at = add(SPLIT, emit(item, at), next);
    for (let i = 0; i < min; i++) at = emit(item, at);
    return at;
  };

  /** Instructions for the expression, before those at `next`; returns where they begin. */
  function emit(expression: Expression, next: number): number {
    switch (expression.kind) {
      case 'bytes':
        sets.push(expression.set);
        return add(MATCH, sets.length - 1, next);
      case 'sequence':
        return expression.parts.reduceRight((at, part) => emit(part, at), next);
      case 'choice': {
        const starts = expression.options.map((option) => emit(option, next));
        return starts.reduceRight((rest, start) => add(SPLIT, start, rest));
      }
      case 'repeat':
        return repeated(expression, next);
      case 'rule':
        return call(expression.name, next);
    }
  }

  const end = add(RETURN, -1, -1);
  const start = emit(root, end);
  for (let i = 0; i < open.length; i++) entries.set(open[i]![0], emit(open[i]![1], end));
  for (const [at, name] of calls) a[at] = entries.get(name)!;
  return { kind, a, b, sets, start };
}
