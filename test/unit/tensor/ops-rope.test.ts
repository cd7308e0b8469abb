import { describe, expect, test } from 'vitest';
import { rope, tf } from '../../../src/tensor/index.js';
import { checkGradients, randomOperand } from './ops-gradient.js';

/** Angles `[rows, S, half]` → [a·cos − b·sin, b·cos + a·sin, rest] with `scale` on cos and sin. */
function formula(
  angles: readonly number[],
  size: {
    readonly heads: number;
    readonly length: number;
    readonly dim: number;
    readonly half: number;
  },
  scale: number,
) {
  const { heads, length, dim, half } = size;
  return (x: Float64Array): Float64Array => {
    const y = x.slice();
    for (let vector = 0; vector < x.length / dim; vector++) {
      const [at, row] = [vector * dim, Math.floor(vector / (heads * length))];
      const first = ((row * length + (vector % length)) * half) % angles.length;
      for (let i = 0; i < half; i++) {
        const angle = angles[first + i]!;
        const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
        const [a, b] = [x[at + i]!, x[at + half + i]!];
        y[at + i] = a * cos - b * sin;
        y[at + half + i] = b * cos + a * sin;
      }
    }
    return y;
  };
}

const size = { heads: 2, length: 3, dim: 8, half: 4 };

function tableOf(angles: readonly number[], shape: number[], scale: number) {
  const values = (of: (angle: number) => number) => angles.map((angle) => scale * of(angle));
  return { cos: tf.tensor(values(Math.cos), shape), sin: tf.tensor(values(Math.sin), shape) };
}

const anglesFor = (count: number) => Array.from({ length: count }, (_, i) => 0.7 * i);

describe('gradients', () => {
  test.each([
    { name: 'whole head', half: 4, rows: 1, scale: 1 },
    { name: 'part of the head', half: 3, rows: 1, scale: 1 },
    { name: 'scaled cos and sin', half: 4, rows: 1, scale: 1.3 },
    { name: 'positions by row', half: 4, rows: 2, scale: 1 },
  ])('$name', ({ half, rows, scale }) => {
    const angles = anglesFor(rows * size.length * half);
    const shape = rows === 1 ? [size.length, half] : [rows, size.length, half];
    const table = tableOf(angles, shape, scale);
    checkGradients({
      inputs: [randomOperand('x', [2, size.heads, size.length, size.dim])],
      op: (x) => rope(x!, table),
      formula: formula(angles, { ...size, half }, scale),
    });
    tf.dispose([table.cos, table.sin]);
  });
});

test('position 0 changes nothing, a quarter turn swaps the halves', () => {
  // cos 0 = 1; at 90°: [a, b] → [−b, a].
  tf.tidy(() => {
    const table = tableOf([0, Math.PI / 2], [2, 1], 1);
    const x = tf.tensor4d([3, 5, 3, 5], [1, 1, 2, 2]);
    expect(rope(x, table).dataSync()).toBeAllclose([3, 5, -5, 3]);
  });
});
