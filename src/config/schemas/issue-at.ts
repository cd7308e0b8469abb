/** What a schema says about keys that are each right and do not go together. */
import type { z } from 'zod';

/** @returns A function that says a problem, with its remedy, at one of the keys. */
export const issueAt =
  (context: z.RefinementCtx) =>
  (key: string | readonly string[], message: string): void =>
    context.addIssue({ code: 'custom', path: [key].flat(), message });
