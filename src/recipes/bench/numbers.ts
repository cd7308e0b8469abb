/** Figures of benchmarks: the middle one of several, in a few digits, and the memory that was taken. */

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

export const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The most that this process has held so far, MiB. */
export const peakRssMib = (): number => Math.round(process.resourceUsage().maxRSS / 1024);
