/**
 * Graders as data: OpenAI's grader objects by their own field names, and `math_equivalence`. Optional
 * fields are null here.
 */

interface Named {
  readonly name: string;
  /** Scores from here on pass; null judges nothing. */
  readonly pass_threshold: number | null;
}

/** Templates of a text and of what it is compared with. */
export interface ComparedSpec extends Named {
  readonly input: string;
  readonly reference: string;
}

export interface StringCheckSpec extends ComparedSpec {
  readonly type: 'string_check';
  readonly operation: 'eq' | 'ne' | 'neq' | 'like' | 'ilike';
}

export type SimilarityMetric =
  | 'cosine'
  | 'fuzzy_match'
  | 'bleu'
  | 'gleu'
  | 'meteor'
  | `rouge_${1 | 2 | 3 | 4 | 5}`
  | 'rouge_l';

export interface TextSimilaritySpec extends ComparedSpec {
  readonly type: 'text_similarity';
  readonly evaluation_metric: SimilarityMetric;
}

/** One message to a judge; `content` is text or parts with text, all of them templates. */
export interface JudgeMessage {
  readonly role: string;
  readonly content: unknown;
}

export interface ScoreModelSpec extends Named {
  readonly type: 'score_model';
  readonly model: string;
  readonly input: readonly JudgeMessage[];
  /** Lowest and highest score. */
  readonly range: readonly [number, number];
  /** As the endpoint names them. */
  readonly sampling_params: Readonly<Record<string, unknown>>;
}

export interface LabelModelSpec extends Named {
  readonly type: 'label_model';
  readonly model: string;
  readonly input: readonly JudgeMessage[];
  readonly labels: readonly string[];
  readonly passing_labels: readonly string[];
}

export interface PythonSpec extends Named {
  readonly type: 'python';
  /** Defines `grade(sample, item)`. */
  readonly source: string;
}

export interface MathEquivalenceSpec extends ComparedSpec {
  readonly type: 'math_equivalence';
}

export interface MultiSpec extends Named {
  readonly type: 'multi';
  /** By the name that `calculate_output` uses. */
  readonly graders: Readonly<Record<string, GraderSpec>>;
  readonly calculate_output: string;
}

export type GraderSpec =
  | StringCheckSpec
  | TextSimilaritySpec
  | ScoreModelSpec
  | LabelModelSpec
  | PythonSpec
  | MathEquivalenceSpec
  | MultiSpec;

/** Types of a grader and its parts. */
export function graderTypes(spec: GraderSpec): ReadonlySet<GraderSpec['type']> {
  if (spec.type !== 'multi') return new Set([spec.type]);
  const parts = Object.values(spec.graders).flatMap((part) => [...graderTypes(part)]);
  return new Set([spec.type, ...parts]);
}
