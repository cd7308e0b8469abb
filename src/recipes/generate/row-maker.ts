/** The rows that completions are written as. */
import type { GenerateConfig } from '../../config/index.js';
import { gradeColumns } from '../../report/index.js';
import type { Completion, RemoteCompletion } from '../../rollout/index.js';
import type { JsonRow } from '../../util/files.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import type { StoredRow } from '../outputs/row-store.js';
import type { OpenRewards } from '../rewards/open-rewards.js';
import { verdictOf } from '../rewards/verdict.js';
import type { HashPrompt } from './request-hash.js';

interface RowMakerOptions {
  readonly config: GenerateConfig;
  readonly requestHash: HashPrompt;
  /** Null when nothing is graded. */
  readonly rewards: OpenRewards | null;
}

/** A completion → the row's own columns, the completion, and its grades when there are any. */
export function rowMaker({ config, requestHash, rewards }: RowMakerOptions) {
  const verdict = verdictOf(config);
  return async (completion: Completion, prompt: PromptedRow): Promise<StoredRow> => {
    const row: StoredRow = {
      ...prompt.row,
      prompt_id: prompt.id,
      sample_index: completion.sampleIndex,
      request_hash: requestHash(prompt),
      ...(prompt.cut !== undefined && { prompt_tokens_cut: prompt.cut }),
      completion: completion.text,
      completion_ids: completion.ids,
      logprobs: Array.from(completion.logprobs),
      finish_reason: completion.finishReason,
      adapter: completion.adapter,
      seconds: completion.seconds,
      ...remoteColumns(completion),
    };
    if (rewards === null) return row;
    const { ids } = completion;
    const grade = await rewards.grade(completion.text, prompt.row, { ids });
    const graded = { ...row, reward: grade.total, ...gradeColumns(grade) };
    if (verdict === null) return graded;
    return { ...graded, correct: verdict(completion.text, prompt.row, grade) };
  };
}

/** What only servers tell. */
function remoteColumns({ reasoning, usage }: Completion & Partial<RemoteCompletion>): JsonRow {
  if (usage === undefined) return {};
  return {
    reasoning,
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    reasoning_tokens: usage.reasoningTokens,
  };
}
