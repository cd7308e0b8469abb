/** What graders need of the outside world. A recipe hands it in; a grader whose tool is absent is refused. */

/** A chat completion: the judge. */
export type Complete = (request: {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  /** Further fields of the request, as the endpoint names them. */
  readonly settings: Readonly<Record<string, unknown>>;
}) => Promise<{
  readonly text: string;
  readonly refusal: string | null;
  /** The answer ended at its token limit. */
  readonly isCut?: boolean;
}>;

/** One vector for each text. */
export type Embed = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

/** Runs `grade(sample, item)` of a Python source under limits. Throws GradeTimeout at the time limit. */
type RunPythonGrade = (call: {
  readonly source: string;
  readonly sample: unknown;
  readonly item: unknown;
}) => Promise<unknown>;

export interface GraderTools {
  readonly complete?: Complete;
  readonly embed?: Embed;
  readonly runPython?: RunPythonGrade;
}
