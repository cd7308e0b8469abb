import { describe, expect, test } from 'vitest';
import { Rotation, rope, tf } from '../../../src/tensor/index.js';
import { checkGradients, randomOperand } from './ops-gradient.js';

/** Angles by position → [a·cos − b·sin, b·cos + a·sin, rest] with `scale` on cos and sin. */
function formula(
  angles: readonly number[],
  { half, scale, positions }: { half: number; scale: number; positions: readonly number[] },
) {
  return (x: Float64Array): Float64Array => {
    const y = x.slice();
    for (let vector = 0; vector < x.length / DIM; vector++) {
      const [at, token] = [vector * DIM, Math.floor(vector / HEADS)];
      for (let i = 0; i < half; i++) {
        const angle = angles[positions[token]! * half + i]!;
        const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
        const [a, b] = [x[at + i]!, x[at + half + i]!];
        y[at + i] = a * cos - b * sin;
        y[at + half + i] = b * cos + a * sin;
      }
    }
    return y;
  };
}

const [HEADS, DIM, LENGTH] = [2, 8, 3];

function tableOf(angles: readonly number[], half: number, scale: number) {
  const shape = [angles.length / half, half] as [number, number];
  const values = (of: (angle: number) => number) => angles.map((angle) => scale * of(angle));
  return { cos: tf.tensor2d(values(Math.cos), shape), sin: tf.tensor2d(values(Math.sin), shape) };
}

const anglesFor = (count: number) => Array.from({ length: count }, (_, i) => 0.7 * i);

describe('gradients', () => {
  test.each([
    { name: 'whole head', half: 4, positions: [0, 1, 2], scale: 1 },
    { name: 'part of the head', half: 3, positions: [0, 1, 2], scale: 1 },
    { name: 'scaled cos and sin', half: 4, positions: [0, 1, 2], scale: 1.3 },
    { name: 'positions of packed sequences', half: 4, positions: [0, 1, 0, 2, 1], scale: 1 },
  ])('$name', ({ half, positions, scale }) => {
    const angles = anglesFor(LENGTH * half);
    const table = tableOf(angles, half, scale);
    const places = tf.tensor1d(positions, 'int32');
    const rotation = new Rotation(table, places);
    if (2 * half === DIM) rotation.wide(HEADS); // kept beyond the operation
    checkGradients({
      inputs: [randomOperand('x', [positions.length, HEADS * DIM])],
      op: (x) => rope(x!, rotation, DIM),
      formula: formula(angles, { half, scale, positions }),
    });
    rotation.dispose();
    tf.dispose([table.cos, table.sin, places]);
  });
});

test('position 0 changes nothing, a quarter turn swaps the halves', () => {
  // cos 0 = 1; at 90°: [a, b] → [−b, a].
  tf.tidy(() => {
    const table = tableOf([0, Math.PI / 2], 1, 1);
    const x = tf.tensor2d([3, 5, 3, 5], [2, 2]);
    const rotation = new Rotation(table, tf.tensor1d([0, 1], 'int32'));
    expect(rope(x, rotation, 2).dataSync()).toBeAllclose([3, 5, -5, 3]);
    rotation.dispose();
  });
});
