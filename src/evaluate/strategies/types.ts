/** What an inference strategy takes and gives: problems, a writer, candidates, and a solution each. */
import type { SampledCompletion } from '../../report/index.js';
import type { RewardRow } from '../../rewards/index.js';
import type { FinishReason } from '../../rollout/index.js';
import type { Budget } from './budget.js';

type StrategyName = 'greedy' | 'majority_vote' | 'weighted_vote' | 'tir' | 'genselect';

export interface Problem {
  /** Unique in a call. */
  readonly id: string;
  readonly question: string;
  /** The question as the model reads it. */
  readonly promptIds: readonly number[];
  readonly row: RewardRow;
}

export interface WriteRequest {
  readonly id: string;
  readonly promptIds: readonly number[];
  readonly n: number;
  readonly maxNewTokens: number;
}

/** A model that continues prompts, with its tokenizer. */
export interface Writer {
  /** Longest sequence, tokens. */
  readonly context: number;
  /** Ids that ask a question as a user would. */
  readonly ask: (question: string) => readonly number[];
  /** Ids of a text that goes on a prompt. */
  readonly encode: (text: string) => readonly number[];
  readonly decode: (ids: readonly number[]) => string;
  readonly isEnd: (id: number) => boolean;
  /** `n` completions for each request, in their order; those of `next` behind them. */
  readonly write: (
    requests: readonly WriteRequest[],
    options: WriteOptions,
  ) => Promise<readonly WrittenCompletion[]>;
}

interface WriteOptions {
  readonly signal?: AbortSignal;
  /** Stop strings beside the usual ones. */
  readonly stop?: readonly string[];
  /** As `GenerateOptions.next` of samplers. */
  readonly next?: (completion: WrittenCompletion) => Promise<WriteRequest | null>;
}

export interface WrittenCompletion extends SampledCompletion {
  readonly finishReason: FinishReason;
  /** As of `Completion`. */
  readonly policyLogprobs?: Float32Array;
}

/** Runs blocks of code; those of one session share their variables. */
export interface CodeExecutor {
  readonly open: () => Promise<CodeSession>;
}

export interface CodeSession {
  readonly run: (code: string) => Promise<CodeResult>;
  readonly close: () => Promise<void>;
}

interface CodeResult {
  /** What the block printed, or its error. */
  readonly output: string;
  readonly isError: boolean;
}

export interface StrategyOptions {
  readonly strategy: StrategyName;
  /** Solutions tried for each problem. */
  readonly samples: number;
  /** Longest completion, tokens; with `tir` of all rounds together. */
  readonly maxNewTokens: number;
  /** New tokens for each problem in all its solutions; null for no limit. */
  readonly tokenBudget: number | null;
  /** Wall seconds for the whole call; null for no limit. */
  readonly timeBudget: number | null;
  /** Final answer in a response; null when it has none. */
  readonly answerOf: (text: string, row: RewardRow) => string | null;
  /** Weight of a candidate in `weighted_vote`; null: exp of its mean log-probability. */
  readonly rewardOf:
    | ((text: string, row: RewardRow) => number | null | Promise<number | null>)
    | null;
  /** Longest reply of a selection, tokens; with `genselect`. */
  readonly selectionTokens: number;
  /** Rounds of code and output, and the longest output in characters, with `tir`. */
  readonly maxRounds: number;
  readonly maxOutputLength: number;
  /** Solutions under way at once, with `tir`, each with a session. */
  readonly maxSessions: number;
  readonly executor: CodeExecutor | null;
  readonly signal?: AbortSignal;
}

/** What a strategy works with. */
export interface Means {
  readonly writer: Writer;
  readonly options: StrategyOptions;
  readonly budget: Budget;
}

export interface Candidate {
  readonly text: string;
  readonly answer: string | null;
  /** Sampled tokens, and with `tir` those of the outputs between them. */
  readonly ids: readonly number[];
  readonly logprobs: Float32Array;
  readonly finishReason: string;
  readonly adapter: string | null;
  /** Sampled tokens. */
  readonly tokens: number;
  readonly weight: number;
  readonly seconds: number;
  /** Blocks of code that were run, and those of them that failed; with `tir`. */
  readonly executions: number;
  readonly failedExecutions: number;
}

/** `tokens`, `time`: a budget ended it before all was done. */
export type StopReason = 'done' | 'tokens' | 'time';

export interface Solution {
  readonly problem: Problem;
  readonly candidates: readonly Candidate[];
  /** Index of the chosen candidate; null when there is none at all. */
  readonly chosen: number | null;
  readonly answer: string | null;
  /** Share of the winning answer among all weights; of a selection, null. */
  readonly agreement: number | null;
  /** New tokens of candidates and selections. */
  readonly tokens: number;
  readonly stopped: StopReason;
  /** Selections asked for, and those whose reply named no candidate, with `genselect`. */
  readonly selections: number;
  readonly invalidSelections: number;
}
