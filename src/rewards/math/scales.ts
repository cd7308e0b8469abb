/** Words behind a number that multiply it: percent, dozen, million. */
import type { Rational } from './rational.js';

const SCALES: Readonly<Record<string, Rational>> = {
  percent: { over: 1n, under: 100n },
  dozen: { over: 12n, under: 1n },
  hundred: { over: 100n, under: 1n },
  thousand: { over: 1000n, under: 1n },
  million: { over: 10n ** 6n, under: 1n },
  billion: { over: 10n ** 9n, under: 1n },
  trillion: { over: 10n ** 12n, under: 1n },
};
const PERCENT_WORD = /^(?:percent|percentage|pct)\.?$/i;
const SCALE_WORD = /^(dozen|hundred|thousand|million|billion|trillion)(?: (.*))?$/i;

export const PERCENT = SCALES.percent as Rational;

/**
 * What the words behind a number multiply it by, and the unit that is left; null without such a word.
 * @example readScale('million dollars') // { by: 1000000, unit: 'dollars' }
 */
export function readScale(words: string): { readonly by: Rational; readonly unit: string } | null {
  if (PERCENT_WORD.test(words)) return { by: PERCENT, unit: '' };
  const [, word = '', unit = ''] = SCALE_WORD.exec(words) ?? [];
  const by = SCALES[word.toLowerCase()];
  return by === undefined ? null : { by, unit };
}
