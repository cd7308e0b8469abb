/** Rounding to the nearest value of a table. */

/** A function from a number to the index of the nearest value of a table: of the lower one at the border of two. */
export function nearestIn(table: Float32Array): (x: number) => number {
  const all = Array.from(table, (value, code) => ({ value, code }));
  const sorted = all
    .filter(({ value, code }) => table.indexOf(value) === code)
    .sort((a, b) => a.value - b.value);
  const codes = Uint8Array.from(sorted, ({ code }) => code);
  const borders = Float32Array.from(
    sorted.slice(1),
    ({ value }, i) => Math.fround(sorted[i]!.value + value) / 2,
  );
  return (x) => {
    let [low, high] = [0, borders.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (x > borders[middle]!) low = middle + 1;
      else high = middle;
    }
    return codes[low]!;
  };
}

/** 1 / the largest magnitude of a block in float32; of zeros it takes zeros to zero. */
export const scaleOf = (largest: number): number =>
  Math.fround(1 / Math.max(largest, Math.fround(1e-38)));
