/** The question of a selection, and the candidate that its reply names. */

/** Asks which of the solutions is best; they are numbered from 1. */
export function selectionPrompt(question: string, solutions: readonly string[]): string {
  const listed = solutions.map((text, i) => `Solution ${i + 1}:\n${text.trim()}`);
  return [
    `Problem:\n${question.trim()}`,
    ...listed,
    `Which of the ${solutions.length} solutions is correct? Reply with its number alone, as \\boxed{number}.`,
  ].join('\n\n');
}

/** Index named by the last box or the last number of a reply; null when it names none of `count`. */
export function pickIn(reply: string, count: number): number | null {
  const boxed = [...reply.matchAll(/\\boxed\{\s*(\d{1,4})\s*\}/g)].at(-1)?.[1];
  const named = boxed ?? [...reply.matchAll(/\d{1,4}/g)].at(-1)?.[0];
  const number = Number(named ?? 0);
  return number >= 1 && number <= count ? number - 1 : null;
}
