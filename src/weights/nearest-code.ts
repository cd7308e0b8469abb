/** Rounding to the nearest value of a table. */

/** Parts of [−1, 1] of equal width, which tell among which borders a number lies. */
const PARTS = 1024;

/** Of each part, with one more on either side: how many borders lie below its lower edge. */
function bordersBelow(borders: Float32Array): Uint16Array {
  let below = 0;
  return Uint16Array.from({ length: PARTS + 3 }, (_, i) => {
    while (below < borders.length && borders[below]! < ((i - 1) * 2) / PARTS - 1) below++;
    return below;
  });
}

/**
 * A function from a number to the index of the nearest value of a table: of the lower one at the border of two.
 * @param table Within [−1, 1]
 */
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
  const below = bordersBelow(borders);
  return (x) => {
    // A sum is rounded, so the parts beside that of x count too.
    const part = Math.min(Math.max(((x + 1) * PARTS) / 2, 0), PARTS - 1) | 0;
    let low = below[part]!;
    let high = below[part + 3]!;
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
