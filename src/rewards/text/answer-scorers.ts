/**
 * Scores of short texts, such as diagnoses, against a gold text, 0 to 1: exact (case and all), fuzzy
 * (RapidFuzz's `token_set_ratio` after `default_process`, of 1), and both combined, .85 fuzzy and .15 exact.
 */
import { tokenSetRatio } from './fuzz.js';
import { defaultProcess } from './process.js';

export type TextScorerName = 'exact' | 'fuzzy' | 'combined';
export type TextScorer = (text: string, gold: string) => number;

const exact: TextScorer = (text, gold) => (text === gold ? 1 : 0);

const fuzzy: TextScorer = (text, gold) =>
  tokenSetRatio(defaultProcess(text), defaultProcess(gold)) / 100;

export const TEXT_SCORERS = {
  exact,
  fuzzy,
  combined: (text, gold) => 0.85 * fuzzy(text, gold) + 0.15 * exact(text, gold),
} as const satisfies Record<TextScorerName, TextScorer>;
