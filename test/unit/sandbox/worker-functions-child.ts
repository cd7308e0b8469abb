/** Functions that worker-pool.test.ts calls in threads. */

interface Pair {
  readonly a: number;
  readonly b: number;
}

export const add = ({ a, b }: Pair): number => a + b;

export const later = async (value: string): Promise<string> => await Promise.resolve(value);

export const fail = (): never => {
  throw new RangeError('too far');
};

export const loop = (): never => {
  for (;;);
};

/** Backtracks for longer than anyone waits. */
export const backtrack = (length: number): boolean => /^(a+)+$/.test(`${'a'.repeat(length)}!`);

export const fill = (): number => {
  const kept: number[][] = [];
  for (;;) kept.push(Array.from({ length: 10_000 }, (_, i) => i + 0.5));
};

export const leave = (): never => process.exit(3);

export const uncloneable = (): unknown => () => 1;
