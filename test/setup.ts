/** Matchers for all tests. */
import { expect } from 'vitest';

/** Numbers in a flat array of any kind. */
export type Numbers = ArrayLike<number>;

export interface AllcloseOptions {
  /** Relative to the expected value; default 1e-5. */
  readonly rtol?: number;
  /** Absolute; default 1e-6. */
  readonly atol?: number;
}

interface CustomMatchers<R = unknown> {
  /** Same length, and |actual − expected| ≤ atol + rtol · |expected| for each element (NaN equals NaN). */
  toBeAllclose(expected: Numbers, options?: AllcloseOptions): R;
}

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: must repeat vitest's own type parameters
  interface Matchers<T = any> extends CustomMatchers<T> {}
}

/** The element that is furthest out of its tolerance, or null when all are within. */
function worstElement(actual: Numbers, expected: Numbers, options: AllcloseOptions): number | null {
  const { rtol = 1e-5, atol = 1e-6 } = options;
  let worst: number | null = null;
  let excess = 0;
  for (let i = 0; i < expected.length; i++) {
    const [a, e] = [actual[i] as number, expected[i] as number];
    if (Object.is(a, e)) continue;
    const over = Math.abs(a - e) - (atol + rtol * Math.abs(e));
    if (over <= excess && !Number.isNaN(over)) continue;
    worst = i;
    excess = Number.isNaN(over) ? Number.POSITIVE_INFINITY : over;
  }
  return worst;
}

expect.extend({
  toBeAllclose(actual: Numbers, expected: Numbers, options: AllcloseOptions = {}) {
    if (actual.length !== expected.length) {
      const message = () => `expected ${expected.length} numbers, found ${actual.length}`;
      return { pass: false, message };
    }
    const worst = worstElement(actual, expected, options);
    return {
      pass: worst === null,
      message: () =>
        worst === null
          ? 'expected the numbers to differ, they are all close'
          : `element ${worst} is ${actual[worst]}, expected ${expected[worst]} (${JSON.stringify(options)})`,
    };
  },
});
