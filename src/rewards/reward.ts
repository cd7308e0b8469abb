/** What a reward is: a pure, total function of a completion and its row. */
import type { AnswerTags } from '../util/answer-tags.js';
import type { RewardSettings } from './settings.js';

/** Columns of the data set row that the completion answers. */
export type RewardRow = Readonly<Record<string, unknown>>;

/** What is known of a completion beside its text. */
export interface CompletionInfo {
  /** Token ids as sampled, end-of-sequence and what tools put out included. */
  readonly ids: readonly number[];
}

/**
 * A bounded number, or null for "does not apply to this row" (no gold answer, another task, no token
 * ids). A malformed completion scores 0; a reward never throws on one and takes time linear in its length.
 */
export type Reward = (completion: string, row: RewardRow, info?: CompletionInfo) => number | null;

export interface RewardOptions {
  readonly tags: AnswerTags;
  /** Of this reward alone. */
  readonly settings: RewardSettings;
}

export type RewardFactory = (options: RewardOptions) => Reward;
