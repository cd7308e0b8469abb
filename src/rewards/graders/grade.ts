/** What a compiled grader is. */
import type { GraderOutcome } from './outcome.js';
import type { GradedSample } from './sample.js';

/** May throw; `compileGrader` turns what is thrown into a status. */
export type Grade = (sample: GradedSample) => Promise<GraderOutcome>;
