/** Sample rows by group: one row holds a problem and every response to it. */

interface GroupResponse {
  readonly text: string;
  readonly reward: number | null;
  readonly advantage: number;
  readonly extracted_answer: string | null;
  /** Null when it cannot be graded. */
  readonly correct: boolean | null;
}

export interface GroupRow {
  readonly step: number;
  readonly problem: string;
  readonly ground_truth: string | null;
  readonly responses: readonly GroupResponse[];
}
