import { expect, test } from 'vitest';
import { parsePissa, principalParts, residual } from '../../../src/model/pissa.js';
import { Rng } from '../../../src/util/rng.js';
import { fromFloat32, toFloat32 } from '../../../src/weights/index.js';

const [ROWS, COLUMNS] = [12, 20];
const rng = Rng.of('pissa-test');
const weight = fromFloat32(
  Float32Array.from({ length: ROWS * COLUMNS }, () => rng.normal()),
  [ROWS, COLUMNS],
);
const options = { module: 'q_proj', r: 3, scale: 2 };
const partsOf = (rounds: number | null) =>
  principalParts(weight, { ...options, rounds, rng: Rng.of(1) });

test('names of the initialisation', () => {
  expect(parsePissa('pissa')).toEqual({ rounds: null });
  expect(parsePissa('pissa_niter_16')).toEqual({ rounds: 16 });
  expect([true, 'gaussian', 'pissa_niter_', 'pissa_niter_x'].map(parsePissa)).toEqual([
    null,
    null,
    null,
    null,
  ]);
});

test('the rest of the base has none of the directions that went into A and B', () => {
  const { a, b } = partsOf(null);
  const rest = toFloat32(residual(weight, { a, b, scale: options.scale }));
  // (W − s·B·A)·Aᵀ = 0 and Bᵀ·(W − s·B·A) = 0, and A's rows are as long as B's columns.
  for (let k = 0; k < options.r; k++) {
    const row = a.subarray(k * COLUMNS, (k + 1) * COLUMNS);
    const column = Float64Array.from({ length: ROWS }, (_, i) => b[i * options.r + k]!);
    expect(Math.hypot(...row)).toBeCloseTo(Math.hypot(...column), 4);
    for (let i = 0; i < ROWS; i++) {
      const line = rest.subarray(i * COLUMNS, (i + 1) * COLUMNS);
      const product = row.reduce((sum, value, j) => sum + value * line[j]!, 0);
      expect(Math.abs(product)).toBeLessThan(1e-4);
    }
  }
});

test('iteration finds the same part as the whole decomposition', () => {
  const productOf = ({ a, b }: ReturnType<typeof partsOf>) =>
    toFloat32(residual(weight, { a, b, scale: options.scale }));
  const exact = productOf(partsOf(null));
  const gap = (rounds: number) => {
    const found = productOf(partsOf(rounds));
    return Math.max(...found.map((value, i) => Math.abs(value - exact[i]!)));
  };
  expect(gap(100)).toBeLessThan(1e-3);
  expect(gap(1)).toBeGreaterThan(gap(100));
});

test('a rank that the matrix does not have is refused', () => {
  const parts = () => principalParts(weight, { ...options, r: 13, rounds: null, rng });
  expect(parts).toThrow(/init_lora_weights: pissa with rank 13 on "q_proj".*at most 12/);
});
