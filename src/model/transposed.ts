/**
 * Matrices that a checkpoint has transposed, so many in a row column by column in turns: of gates g and ups u, a row for each
 * input is g₀ u₀ g₁ u₁ …. A bias is the one row that it has.
 */
import type { HostTensor } from '../weights/index.js';

interface TurnForm {
  /** Of one matrix. */
  readonly rows: number;
  /** Matrices that take turns. */
  readonly turns: number;
  /** Of an element. */
  readonly bytes: number;
}

/** Elements of two or four bytes, whatever they stand for. */
function elementsOf(bytes: Uint8Array, size: number): Uint16Array | Uint32Array {
  const { buffer, byteOffset, byteLength } = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  return size === 2
    ? new Uint16Array(buffer, byteOffset, byteLength / size)
    : new Uint32Array(buffer, byteOffset, byteLength / size);
}

/** @param all Those that take turns. @returns The one at `turn`, `[rows, inputs]` */
export function fromTurns(
  all: Uint8Array,
  turn: number,
  { rows, turns, bytes }: TurnForm,
): Uint8Array {
  const from = elementsOf(all, bytes);
  const own = new Uint8Array(all.byteLength / turns);
  const to = elementsOf(own, bytes);
  const inputs = to.length / rows;
  for (let row = 0; row < rows; row++) {
    const first = row * turns + turn;
    for (let i = 0; i < inputs; i++) to[row * inputs + i] = from[i * rows * turns + first]!;
  }
  return own;
}

/** @param all Rows of so many bytes, in turns. @returns Those at `turn` */
export function everyTurn(
  all: Uint8Array,
  turn: number,
  { turns, length }: { readonly turns: number; readonly length: number },
): Uint8Array {
  const own = new Uint8Array(all.length / turns);
  for (let row = 0; row * length < own.length; row++) {
    const from = (row * turns + turn) * length;
    own.set(all.subarray(from, from + length), row * length);
  }
  return own;
}

/** @param matrices One after the other those that take turns. @returns All of them, one behind the other */
export function inTurns(
  matrices: readonly HostTensor[],
  { rows, turns, bytes }: TurnForm,
): Uint8Array {
  const sizes = matrices.map(({ shape }) => shape.reduce((product, size) => product * size, bytes));
  const all = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  const to = elementsOf(all, bytes);
  for (const [index, matrix] of matrices.entries()) {
    const from = elementsOf(matrix.bytes, bytes);
    const inputs = from.length / rows;
    const first = Math.floor(index / turns) * turns * from.length + (index % turns);
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < inputs; i++) {
        to[first + (i * rows + row) * turns] = from[row * inputs + i]!;
      }
    }
  }
  return all;
}
