/** A grader object decides what is correct: its score, its status, and whether the score passes. */
import {
  type GraderOutcome,
  type GraderSpec,
  type GradeStatus,
  gradedSample,
  type JsonGrader,
  passes,
  type RewardRow,
} from '../rewards/index.js';

/** Takes the place of what an `AnswerGrader` says about right and wrong. */
interface Verdict {
  /** Null where the grader gives no score. */
  readonly correct: boolean | null;
  readonly flexible_correct: boolean | null;
  readonly score: number | null;
  readonly status: GradeStatus;
  /** Why there is no score, or why it is the lowest. */
  readonly reason?: string;
  /** Scores of the parts of a `multi`. */
  readonly parts?: Readonly<Record<string, number | null>>;
}

export type AnswerJudge = (completion: string, row: RewardRow) => Promise<Verdict>;

/** @param grade The compiled grader of `spec`. Never rejects. */
export function answerJudge(spec: GraderSpec, grade: JsonGrader): AnswerJudge {
  return async (completion, row) => {
    const outcome = await grade(gradedSample(row, { output_text: completion }));
    const { score, status, reason } = outcome;
    const correct = score === null ? null : passes(score, spec);
    return {
      correct,
      flexible_correct: correct,
      score,
      status,
      ...(reason !== undefined && { reason }),
      ...partsOf(outcome),
    };
  };
}

function partsOf({ parts }: GraderOutcome): Pick<Verdict, 'parts'> {
  if (parts === undefined) return {};
  const scores = Object.entries(parts).map(([name, { score }]) => [name, score]);
  return { parts: Object.fromEntries(scores) };
}
