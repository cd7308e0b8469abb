import { largest, smallest } from '../../util/numbers.js';

/** The least and the greatest; infinite of nothing. */
export const extent = (values: readonly number[]) => ({
  low: smallest(values),
  high: largest(values),
});
