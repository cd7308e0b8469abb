/** The key `resume` of commands that go on with what an earlier call of the same config has left. */
import { z } from 'zod';

export const RESUMES = ['never', 'auto'] as const;

/** Other words for them. */
export const RESUME_WORDS = { null: 'never', false: 'never', true: 'auto' } as const;

export const resumeKey = (description: string, usual: (typeof RESUMES)[number] = 'never') => ({
  resume: z.enum(RESUMES).meta({ same: RESUME_WORDS }).default(usual).describe(description),
});
