/** Grader objects → functions. A new type is one line in `makeGrade`. */
import type { Grade } from './grade.js';
import { labelModel, scoreModel } from './judges.js';
import { mathGrader } from './math.js';
import { multi } from './multi.js';
import { failed, type GraderOutcome, passes } from './outcome.js';
import { pythonGrader } from './python.js';
import type { GradedSample } from './sample.js';
import type { GraderSpec } from './spec.js';
import { stringCheck, textSimilarity } from './text-graders.js';
import type { GraderTools } from './tools.js';

export interface CompileOptions extends GraderTools {
  /** `zero` gives failures the score 0 and keeps their status; `none` leaves them without a score. */
  readonly onError?: 'none' | 'zero';
}

/** Never throws and never rejects. */
export type JsonGrader = (sample: GradedSample) => Promise<GraderOutcome>;

/** @throws InputError on a bad template or formula, or a tool that is not there. */
export function compileGrader(spec: GraderSpec, options: CompileOptions = {}): JsonGrader {
  const grade = makeGrade(spec, options);
  const lowest = spec.type === 'score_model' ? spec.range[0] : 0;
  return async (sample) => {
    let outcome: GraderOutcome;
    try {
      outcome = await grade(sample);
    } catch (error) {
      outcome = failed(error, lowest);
    }
    if (outcome.status !== 'ok' && options.onError === 'zero' && outcome.status !== 'skipped') {
      outcome = { ...outcome, score: 0 };
    }
    if (spec.pass_threshold === null || outcome.score === null) return outcome;
    return { ...outcome, passed: passes(outcome.score, spec) };
  };
}

function makeGrade(spec: GraderSpec, options: CompileOptions): Grade {
  switch (spec.type) {
    case 'string_check':
      return stringCheck(spec);
    case 'text_similarity':
      return textSimilarity(spec, options);
    case 'score_model':
      return scoreModel(spec, options);
    case 'label_model':
      return labelModel(spec, options);
    case 'python':
      return pythonGrader(spec, options);
    case 'math_equivalence':
      return mathGrader(spec);
    case 'multi':
      return multi(
        spec,
        Object.fromEntries(
          Object.entries(spec.graders).map(([name, part]) => [name, compileGrader(part, options)]),
        ),
      );
  }
}
