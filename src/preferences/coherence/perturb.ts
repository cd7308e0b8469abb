/**
 * Questions worded otherwise, with the same answer: other names (as GSM-Symbolic, Mirzadeh et al. 2024,
 * arXiv 2410.05229, with the numbers kept), or a sentence that does not matter (as GSM-IC, Shi et al. 2023,
 * arXiv 2302.00093).
 */
import type { Rng } from '../../util/rng.js';

type Perturbation = 'rename' | 'distractor';

/** Without numbers and without names. */
const DISTRACTORS = [
  'The weather was mild that day.',
  'A radio was playing in the next room.',
  'The kitchen door is painted green.',
  'Everyone was looking forward to the holidays.',
] as const;

export interface PerturbOptions {
  readonly kind: Perturbation;
  /** First names that are known as such. */
  readonly names: readonly string[];
  readonly rng: Rng;
}

/** The question in other words; null where this kind finds nothing to change. */
export function perturb(question: string, { kind, names, rng }: PerturbOptions): string | null {
  return kind === 'rename'
    ? rename(question, names, rng)
    : distract(question, rng.pick(DISTRACTORS));
}

/** Every known name replaced, everywhere, by another that the question does not have. */
function rename(question: string, names: readonly string[], rng: Rng): string | null {
  const words = new Set(question.match(/\p{L}+/gu) ?? []);
  const used = names.filter((name) => words.has(name));
  const free = rng.shuffle(names.filter((name) => !words.has(name)));
  if (used.length === 0 || free.length < used.length) return null;
  const to = new Map(used.map((name, i) => [name, free[i] as string]));
  return question.replace(/\p{L}+/gu, (word) => to.get(word) ?? word);
}

/** Before the last sentence, which asks. */
function distract(question: string, sentence: string): string {
  const ends = [...question.trimEnd().matchAll(/[.!?]\s+/g)];
  const last = ends.at(-1);
  if (last === undefined) return `${sentence} ${question}`;
  const at = last.index + last[0].length;
  return `${question.slice(0, at)}${sentence} ${question.slice(at)}`;
}
