/** The four tags of an answer, and one written in them. */

export interface AnswerTags {
  readonly reasoningStart: string;
  readonly reasoningEnd: string;
  readonly solutionStart: string;
  readonly solutionEnd: string;
}

export const DEFAULT_TAGS: AnswerTags = {
  reasoningStart: '<start_working_out>',
  reasoningEnd: '<end_working_out>',
  solutionStart: '<SOLUTION>',
  solutionEnd: '</SOLUTION>',
};

/** `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>` */
export const taggedAnswer = (
  tags: AnswerTags,
  { reasoning, answer }: { readonly reasoning: string; readonly answer: string },
): string =>
  `${tags.reasoningStart}${reasoning}${tags.reasoningEnd}${tags.solutionStart}${answer}${tags.solutionEnd}`;
