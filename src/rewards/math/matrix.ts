/** `\begin{pmatrix} a & b \\ c & d \end{pmatrix}` and its kin. */
import type { Cursor } from './cursor.js';
import { rawArgument } from './parse-name.js';
import { type Node, UnreadableAnswer } from './syntax.js';

const MATRICES: ReadonlySet<string> = new Set(
  'matrix pmatrix bmatrix Bmatrix vmatrix smallmatrix array'.split(' '),
);

/** The rows after `\begin`; rows of unequal length are refused. */
export function readMatrix(cursor: Cursor): Node {
  const name = rawArgument(cursor);
  if (!MATRICES.has(name)) throw new UnreadableAnswer(`no matrix: ${name}`);
  if (name === 'array') rawArgument(cursor);
  const rows: Node[][] = [[]];
  for (;;) {
    rows.at(-1)?.push(cursor.grammar.sum(cursor));
    if (cursor.takeOp('&')) continue;
    const isRow = cursor.takeCommand('cr');
    if (cursor.takeCommand('end')) break;
    if (!isRow) throw new UnreadableAnswer('a matrix is not closed');
    rows.push([]);
  }
  if (rawArgument(cursor) !== name) throw new UnreadableAnswer('a matrix ends as another');
  const width = rows[0]?.length;
  if (rows.some((row) => row.length !== width)) throw new UnreadableAnswer('uneven rows');
  return name === 'vmatrix' ? determinant(rows) : { kind: 'matrix', rows };
}

/** |a b; c d| = ad − bc; larger ones are refused. */
function determinant(rows: readonly (readonly Node[])[]): Node {
  const [a, b, c, d] = rows.flat();
  const isTwo = rows.length === 2 && rows.flat().length === 4;
  if (!isTwo || a === undefined || b === undefined || c === undefined || d === undefined) {
    throw new UnreadableAnswer('a determinant of more than two rows');
  }
  const minor: Node = { kind: 'negate', of: { kind: 'multiply', factors: [b, c] } };
  return { kind: 'add', terms: [{ kind: 'multiply', factors: [a, d] }, minor] };
}
