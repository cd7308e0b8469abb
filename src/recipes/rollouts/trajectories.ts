/** Completions → trajectory rows: answers read; and, once a question has all of its rows, their scores and rewards. */
import type { RolloutsConfig } from '../../config/index.js';
import {
  type AnswerGrader,
  answerGroups,
  mathGrader,
  numericGrader,
} from '../../evaluate/index.js';
import {
  type CoherenceScores,
  coherenceReward,
  coherenceScores,
  type RewardWeights,
  type ScoreWeights,
  statedValues,
} from '../../preferences/index.js';
import { parseNumber } from '../../rewards/index.js';
import { mean } from '../../util/numbers.js';
import { tagsOf } from '../inputs/answer-tags.js';
import type { StoredRow } from '../outputs/row-store.js';
import type { Pulled } from './sample-round.js';

/** What a trajectory is by itself: the row of one whose question has others that are not there yet. */
export interface PulledRow extends StoredRow {
  readonly question: string;
  readonly gold: string | null;
  readonly arm: string;
  readonly full_text: string;
  readonly answer: string | null;
  readonly reasoning: string;
  readonly num_tokens: number;
  /** Null without a gold answer. */
  readonly correct: boolean | null;
  /** Answers of the same arm to the other wordings. */
  readonly perturbed_answers: readonly (string | null)[];
  readonly finish_reason: string;
  readonly logprob_mean: number | null;
}

/** A row of the finished file. */
export interface TrajectoryRow extends PulledRow {
  /** Null without a gold answer. */
  readonly reward: number | null;
  readonly s_end: number;
  readonly s_path: number;
  readonly s_cf: number | null;
  readonly s_wm: number;
  /** Correct, with `s_wm` at least `coherent_at`. */
  readonly coherent_correct: boolean | null;
}

export const isScored = (row: PulledRow): row is TrajectoryRow => 's_wm' in row;

export const rewardWeights = (config: RolloutsConfig): RewardWeights => ({
  alpha: config.alpha_correct,
  beta: config.beta_coherence,
  lengthPenalty: config.length_penalty,
});

/** The way answers are read and compared. */
interface Reader {
  readonly grade: AnswerGrader;
  /** For the answers to one question: a text that equal ones share. */
  readonly groups: () => (answer: string) => string | null;
}

function readerOf(config: RolloutsConfig): Reader {
  const options = { tags: tagsOf(config) };
  if (config.grader === 'math') return { grade: mathGrader(options), groups: answerGroups };
  const groups = () => (answer: string) => String(parseNumber(answer) ?? answer.trim());
  return { grade: numericGrader(options), groups };
}

export interface TrajectoryMaker {
  readonly pulledRow: (pulled: Pulled) => PulledRow;
  /** With scores and rewards: all rows of one question. */
  readonly scoredRows: (rows: readonly PulledRow[]) => TrajectoryRow[];
}

export function trajectoryMaker(
  config: RolloutsConfig,
  requestHash: (question: string) => string,
): TrajectoryMaker {
  const reader = readerOf(config);
  return {
    pulledRow: (pulled) => readPull(pulled, reader.grade, requestHash),
    scoredRows(rows) {
      const groupOf = reader.groups();
      const keyOf = (answer: string | null) => (answer === null ? null : groupOf(answer));
      const { end, path, cf } = config.score_weights;
      const scores = coherenceScores(
        rows.map(({ answer, reasoning, question, perturbed_answers: others }) => ({
          answer: keyOf(answer),
          values: statedValues(reasoning, question),
          perturbed: others.map(keyOf),
        })),
        { end, path, cf } satisfies ScoreWeights,
      );
      return rows.map((row, i) => withScores(row, scores[i]!, config));
    },
  };
}

function withScores(row: PulledRow, scores: CoherenceScores, config: RolloutsConfig) {
  const { prompt_id, sample_index, request_hash, adapter, ...columns } = row;
  const { correct, num_tokens: tokens } = row;
  const { s_wm } = scores;
  return {
    ...columns,
    reward: rewardOf({ correct, s_wm, tokens }, config),
    ...scores,
    coherent_correct: correct === null ? null : correct && s_wm >= config.coherent_at,
    ...{ prompt_id, sample_index, request_hash, adapter },
  } as TrajectoryRow;
}

function rewardOf(
  own: { readonly correct: boolean | null; readonly s_wm: number; readonly tokens: number },
  config: RolloutsConfig,
): number | null {
  const { correct, s_wm, tokens } = own;
  if (correct === null) return null;
  const length = tokens / config.max_new_tokens;
  return coherenceReward({ correct, s_wm, length }, rewardWeights(config));
}

function readPull(
  { question, arm, sample, completion, perturbed }: Pulled,
  grade: AnswerGrader,
  requestHash: (question: string) => string,
): PulledRow {
  const { text, ids, logprobs, finishReason, adapter } = completion;
  const { gold, answer, correct, reasoning } = grade(text, question.row);
  return {
    id: question.id,
    question: question.text,
    gold,
    arm,
    full_text: text,
    answer,
    reasoning: reasoning ?? text,
    num_tokens: ids.length,
    correct,
    perturbed_answers: perturbed.map((other) => grade(other.text, {}).answer),
    finish_reason: finishReason,
    logprob_mean: mean(logprobs),
    prompt_id: question.id,
    sample_index: sample,
    request_hash: requestHash(question.text),
    adapter,
  };
}
