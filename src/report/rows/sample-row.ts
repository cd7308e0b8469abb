/** `samples.jsonl`: one row a completion, with everything that was decided about it. */
import { mean } from '../../util/numbers.js';

/** What the rows of trainings and of evaluations say of a completion. */
export interface CompletionColumns {
  readonly sample_index: number;
  readonly completion: string;
  /** Sampled tokens, the end token included. */
  readonly tokens: number;
  readonly finish_reason: string;
  /** Weighted sum of the rewards; null when none were asked for, or the sample could not be graded. */
  readonly reward: number | null;
  readonly rewards: Readonly<Record<string, number | null>>;
  readonly statuses: Readonly<Record<string, string>>;
  /** Why a reward has no score; absent where all have one. */
  readonly reasons?: Readonly<Record<string, string>>;
  /** Mean log-probability of the sampled tokens under what they were drawn from, filters and penalties included. */
  readonly logprob_mean: number | null;
  /** Content hash of the adapter that sampled; null for the base model. */
  readonly adapter: string | null;
  readonly seconds: number;
  /** Of a completion that could use tools: calls, those that failed, and tokens of their outputs. */
  readonly tool_calls?: number;
  readonly tool_failures?: number;
  readonly tool_tokens?: number;
}

/** Keys are those of the file. */
export interface SampleRow extends CompletionColumns {
  readonly step: number;
  /** Groups the completions of one prompt. */
  readonly prompt_id: string;
  /** The data set's question, where the prompt is more than it. */
  readonly question?: string;
  readonly gold?: string;
  /** Prompt as the model saw it. */
  readonly prompt: string;
  readonly correct?: boolean | null;
  readonly advantage?: number | null;
  /** It is of a group that another has replaced (dynamic sampling): nothing was learnt from it. */
  readonly replaced?: boolean;
}

/** What a sampler gives for one completion. */
export interface SampledCompletion {
  readonly requestId: string;
  readonly sampleIndex: number;
  readonly promptIds: readonly number[];
  readonly ids: readonly number[];
  readonly text: string;
  readonly logprobs: Float32Array;
  readonly finishReason: string;
  readonly adapter: string | null;
  readonly seconds: number;
  /** Of a completion that could use tools; `logprobs` are those of sampled ids alone. */
  readonly tools?: { readonly calls: number; readonly failures: number };
}

/** Tokens that the policy has written, without those of tools. */
export const sampledTokens = ({
  ids,
  tools,
  logprobs,
}: Pick<SampledCompletion, 'ids' | 'tools' | 'logprobs'>): number =>
  tools === undefined ? ids.length : logprobs.length;

/** Columns of a completion that could use tools. */
export function toolColumns(
  completion: SampledCompletion,
): Pick<SampleRow, 'tool_calls' | 'tool_failures' | 'tool_tokens'> {
  const { tools, ids } = completion;
  if (tools === undefined) return {};
  const outputs = ids.length - sampledTokens(completion);
  return { tool_calls: tools.calls, tool_failures: tools.failures, tool_tokens: outputs };
}

/** What a grader gives for it. */
export interface SampleGrade {
  readonly total: number | null;
  readonly parts: Readonly<
    Record<
      string,
      { readonly score: number | null; readonly status: string; readonly reason?: string }
    >
  >;
}

/** `correct`: by the reward part `correctness` when left out. */
export interface SampleContext extends Omit<SampleRow, 'prompt_id' | keyof CompletionColumns> {
  readonly grade: SampleGrade;
}

/** The row of one completion. */
export function sampleRow(completion: SampledCompletion, context: SampleContext): SampleRow {
  const { grade, step, prompt, ...facts } = context;
  const correct = context.correct ?? isCorrect(grade);
  return {
    step,
    prompt_id: completion.requestId,
    sample_index: completion.sampleIndex,
    ...facts,
    prompt,
    completion: completion.text,
    tokens: sampledTokens(completion),
    finish_reason: completion.finishReason,
    reward: grade.total,
    ...gradeColumns(grade),
    correct,
    logprob_mean: mean(completion.logprobs),
    adapter: completion.adapter,
    seconds: completion.seconds,
    ...toolColumns(completion),
  };
}

/** The columns of a grade's parts. */
export function gradeColumns({
  parts,
}: Pick<SampleGrade, 'parts'>): Pick<SampleRow, 'rewards' | 'statuses' | 'reasons'> {
  const entries = Object.entries(parts);
  const reasons = entries.flatMap(([name, { score, reason }]) =>
    score === null && reason !== undefined ? [[name, reason] as const] : [],
  );
  return {
    rewards: Object.fromEntries(entries.map(([name, { score }]) => [name, score])),
    statuses: Object.fromEntries(entries.map(([name, { status }]) => [name, status])),
    ...(reasons.length > 0 && { reasons: Object.fromEntries(reasons) }),
  };
}

/** By the part named `correctness`; null where there is none or it has no score. */
function isCorrect({ parts }: SampleGrade): boolean | null {
  const score = parts.correctness?.score ?? null;
  return score === null ? null : score >= 1;
}
