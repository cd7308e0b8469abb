/** Figures of benchmarks: the middle one of several, in a few digits. */

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));
