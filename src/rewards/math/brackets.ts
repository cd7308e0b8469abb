/** Brackets: groups, tuples and intervals, sets, absolute values, floor and ceiling. */
import type { Cursor } from './cursor.js';
import { type Node, onlyOr, UnreadableAnswer } from './syntax.js';

/** Delimiters that hold one expression. */
const PAIRS: Readonly<Record<string, { readonly close: string; readonly name: string }>> = {
  lvert: { close: 'rvert', name: 'abs' },
  lfloor: { close: 'rfloor', name: 'floor' },
  lceil: { close: 'rceil', name: 'ceil' },
};

export function startsBracket(cursor: Cursor): boolean {
  if (cursor.isOp('(', '[', '{')) return true;
  if (cursor.isOp('|')) return cursor.bars === 0;
  const { kind, text } = cursor.token;
  return kind === 'command' && (Object.hasOwn(PAIRS, text) || text === '{' || text === 'langle');
}

export function readBracket(cursor: Cursor): Node {
  return cursor.nested(() => {
    const { kind, text } = cursor.advance();
    if (kind === 'op' && text === '{') return braces(cursor);
    if (kind === 'op' && text === '|') return bars(cursor);
    if (kind === 'op') return tuple(cursor, text);
    const pair = Object.hasOwn(PAIRS, text) ? PAIRS[text] : undefined;
    if (pair !== undefined) return delimited(cursor, pair);
    return text === '{' ? set(cursor) : angle(cursor);
  });
}

/** Braces of TeX group without a meaning of their own. */
function braces(cursor: Cursor): Node {
  const items = cursor.grammar.series(cursor);
  cursor.expectOp('}');
  return onlyOr(items, { kind: 'list', items });
}

function bars(cursor: Cursor): Node {
  cursor.bars += 1;
  const of = cursor.grammar.sum(cursor);
  cursor.bars -= 1;
  cursor.expectOp('|');
  return { kind: 'call', name: 'abs', args: [of] };
}

function delimited(
  cursor: Cursor,
  { close, name }: { readonly close: string; readonly name: string },
): Node {
  const of = cursor.grammar.sum(cursor);
  if (!cursor.takeCommand(close)) throw new UnreadableAnswer(`no ${close}`);
  return { kind: 'call', name, args: [of] };
}

/** One item between equal brackets is a group; several are a tuple or an interval. */
function tuple(cursor: Cursor, open: string): Node {
  const items = cursor.grammar.series(cursor);
  if (!cursor.isOp(')', ']')) throw new UnreadableAnswer('a bracket is not closed');
  const close = cursor.advance().text;
  if (items.length === 1 && (open === '(') !== (close === ')')) {
    throw new UnreadableAnswer('brackets do not match');
  }
  return onlyOr(items, { kind: 'tuple', open, close, items });
}

function set(cursor: Cursor): Node {
  if (cursor.takeCommand('}')) return { kind: 'set', items: [] };
  const items = cursor.grammar.series(cursor);
  if (!cursor.takeCommand('}')) throw new UnreadableAnswer('a set is not closed');
  return { kind: 'set', items };
}

function angle(cursor: Cursor): Node {
  const items = cursor.grammar.series(cursor);
  if (!cursor.takeCommand('rangle')) throw new UnreadableAnswer('no rangle');
  return { kind: 'tuple', open: '(', close: ')', items };
}
