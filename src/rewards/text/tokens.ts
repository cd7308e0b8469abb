/**
 * Tokens of the n-gram metrics: mteval-v13a for BLEU, GLEU and METEOR (as sacreBLEU), small letters and
 * digits of ASCII for ROUGE (as rouge-score). Both are linear in the length of the text.
 */
import { checkWork } from '../work-limit.js';
import { wordsOf } from './process.js';

/** Counting runs of tokens, and stemming them, costs about this much for each character. */
const STEPS_PER_CHARACTER = 1000;

/**
 * Tokens of mteval-v13a: punctuation apart, dots and commas apart unless they stand between digits.
 * @throws WorkLimitError beyond 300,000 characters
 */
export function tokens13a(text: string): string[] {
  checkWork('tokens', text.length * STEPS_PER_CHARACTER);
  const plain = text
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return wordsOf(
    ` ${plain} `
      .replace(/[{-~[-` -&(-+:-@/]/g, ' $& ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  );
}

/** Words of ROUGE: runs of a–z and 0–9 after lowering. Letters beyond ASCII separate words. */
export function rougeTokens(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** How often each run of `n` tokens occurs. */
function ngramCounts(tokens: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= tokens.length; i++) {
    const key = n === 1 ? tokens[i]! : tokens.slice(i, i + n).join(' ');
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Runs of `n` tokens that both sides have, each counted as often as the side that has it less often. */
export function sharedNgrams(a: readonly string[], b: readonly string[], n: number): number {
  const right = ngramCounts(b, n);
  let shared = 0;
  for (const [key, count] of ngramCounts(a, n)) shared += Math.min(count, right.get(key) ?? 0);
  return shared;
}

/** Number of runs of `n` tokens. */
export const ngramTotal = (tokens: readonly string[], n: number): number =>
  Math.max(0, tokens.length - n + 1);
