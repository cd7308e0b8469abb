/**
 * Answers cut out of completions, without judging them. Strict and flexible extraction follow
 * EleutherAI's lm-evaluation-harness, tasks/gsm8k/gsm8k.yaml, quirks included: the flexible one may
 * return "18." or "$". Each is linear in the length of the text.
 */
import { lastMatch } from './last-match.js';

/** First `#### N`; the sign, digits, dots and commas after it, or null. */
export function strictAnswer(text: string): string | null {
  return /#### (-?[0-9.,]+)/.exec(text)?.[1] ?? null;
}

/** Last run of digits, `$`, dots and commas of two characters or more, or last digits; else null. */
export function flexibleAnswer(text: string): string | null {
  return lastMatch(text, /-?[$0-9.,]{2,}|-?[0-9]+/g)?.[0] ?? null;
}

/**
 * Gold answer of a GSM8K-like row: what follows the last `####`, else the whole text, trimmed; null
 * when that is empty.
 */
export function goldAnswer(answer: string): string | null {
  const gold = answer.slice(hashEnd(answer)).trim();
  return gold === '' ? null : gold;
}

/** The worked solution before the last `####`, trimmed; empty when there is no such mark. */
export function goldReasoning(answer: string): string {
  const end = hashEnd(answer);
  return answer.slice(0, Math.max(0, end - MARK.length)).trim();
}

const MARK = '####';

function hashEnd(answer: string): number {
  const at = answer.lastIndexOf(MARK);
  return at < 0 ? 0 : at + MARK.length;
}
