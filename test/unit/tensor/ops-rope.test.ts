import { describe, expect, test } from 'vitest';
import { castTo, hasNativeOps, Rotation, rope, tf } from '../../../src/tensor/index.js';
import { composedKernels } from '../../../src/tensor/kernels/composed.js';
import { nativeKernels } from '../../../src/tensor/kernels/native.js';
import { checkGradients, randomOperand, tensorOf } from './ops-gradient.js';

interface Form {
  readonly half: number;
  readonly scale: number;
  readonly neighbours: boolean;
  readonly positions: readonly number[];
}

/** Angles by position → pairs (a·cos − b·sin, b·cos + a·sin) with `scale` on cos and sin, and the rest. */
function formula(angles: readonly number[], { half, scale, neighbours, positions }: Form) {
  return (x: Float64Array): Float64Array => {
    const y = x.slice();
    for (let vector = 0; vector < x.length / DIM; vector++) {
      const [at, token] = [vector * DIM, Math.floor(vector / HEADS)];
      for (let i = 0; i < half; i++) {
        const angle = angles[positions[token]! * half + i]!;
        const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
        const [first, second] = neighbours ? [at + 2 * i, at + 2 * i + 1] : [at + i, at + half + i];
        const [a, b] = [x[first]!, x[second]!];
        y[first] = a * cos - b * sin;
        y[second] = b * cos + a * sin;
      }
    }
    return y;
  };
}

const [HEADS, DIM, LENGTH] = [2, 8, 3];

type TableForm = Pick<Form, 'half' | 'scale'> & Partial<Pick<Form, 'neighbours'>>;

function tableOf(angles: readonly number[], { half, scale, neighbours = false }: TableForm) {
  const values = (of: (angle: number) => number) =>
    tf.tensor2d(
      angles.map((angle) => scale * of(angle)),
      [angles.length / half, half],
    );
  return { cos: values(Math.cos), sin: values(Math.sin), rotatesNeighbours: neighbours };
}

const anglesFor = (count: number) => Array.from({ length: count }, (_, i) => 0.7 * i);

describe.each([
  { pairs: 'halves', neighbours: false },
  { pairs: 'neighbours', neighbours: true },
])('gradients: $pairs', ({ neighbours }) => {
  test.each([
    { name: 'whole head', half: 4, positions: [0, 1, 2], scale: 1 },
    { name: 'part of the head', half: 3, positions: [0, 1, 2], scale: 1 },
    { name: 'scaled cos and sin', half: 4, positions: [0, 1, 2], scale: 1.3 },
    { name: 'positions of packed sequences', half: 4, positions: [0, 1, 0, 2, 1], scale: 1 },
  ])('$name', ({ name: _, ...form }) => {
    const { half, positions } = form;
    const angles = anglesFor(LENGTH * half);
    const table = tableOf(angles, { ...form, neighbours });
    const places = tf.tensor1d(positions, 'int32');
    const rotation = new Rotation(table, places);
    rotation.wide({ heads: HEADS, headDim: DIM, still: 0 }); // kept beyond the operation
    checkGradients({
      inputs: [randomOperand('x', [positions.length, HEADS * DIM])],
      op: (x) => rope(x!, rotation, DIM),
      formula: formula(angles, { ...form, neighbours }),
    });
    rotation.dispose();
    tf.dispose([table.cos, table.sin, places]);
  });
});

test('position 0 changes nothing, a quarter turn swaps the halves, or neighbours', () => {
  // cos 0 = 1; at 90°: (a, b) → (−b, a).
  tf.tidy(() => {
    const angles = [0, 0, Math.PI / 2, 0];
    const x = tf.tensor2d([2, 3, 5, 7, 2, 3, 5, 7], [2, 4]);
    const rotated = (neighbours: boolean) => {
      const table = tableOf(angles, { half: 2, scale: 1, neighbours });
      const rotation = new Rotation(table, tf.tensor1d([0, 1], 'int32'));
      const y = rope(x, rotation, 4).dataSync();
      rotation.dispose();
      return y;
    };
    expect(rotated(false)).toBeAllclose([2, 3, 5, 7, -5, 3, 2, 7]);
    expect(rotated(true)).toBeAllclose([2, 3, 5, 7, -3, 2, 5, 7]);
  });
});

describe.skipIf(!hasNativeOps())(
  'compiled and composed, in vectors and what is left of them',
  () => {
    const [heads, headDim] = [3, 64];
    test.each([
      { half: 32, neighbours: false },
      { half: 21, neighbours: false },
      { half: 32, neighbours: true },
      { half: 21, neighbours: true },
    ])('%o', (form) => {
      tf.tidy(() => {
        const angles = anglesFor(5 * form.half);
        const table = tableOf(angles, { ...form, scale: 1 });
        const rotation = new Rotation(table, tf.tensor1d([4, 0, 1, 3], 'int32'));
        const halves = castTo(
          tensorOf(randomOperand('x', [4, heads * headDim])),
          'float32',
          'bfloat16',
        );
        const x = castTo(halves, 'bfloat16', 'float32');
        for (const sign of [1, -1] as const) {
          // Composed kernels take values beside queries and keys; the last head is theirs.
          const expected = composedKernels
            .rope(x, rotation, { headDim, sign, still: 1 })
            .dataSync();
          const turning = [0, (heads - 1) * headDim];
          const first = (y: ArrayLike<number>) =>
            Array.from({ length: 4 }, (_, t) =>
              Array.from(y).slice(t * heads * headDim, t * heads * headDim + turning[1]!),
            ).flat();
          const full = nativeKernels.rope(x, rotation, { headDim, sign }).dataSync();
          expect(first(full)).toBeAllclose(first(expected));
          const rounded = castTo(
            nativeKernels.rope(halves, rotation, { headDim, sign }),
            'bfloat16',
            'float32',
          ).dataSync();
          // Half a unit in the last of 8 bits.
          for (const [i, value] of first(rounded).entries()) {
            const exact = first(expected)[i]!;
            expect(Math.abs(value - exact)).toBeLessThanOrEqual(2 ** -8 * Math.abs(exact) + 1e-6);
          }
        }
        rotation.dispose();
      });
    });
  },
);
