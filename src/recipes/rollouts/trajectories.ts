/** Completions of one question → its trajectory rows: answers read, scores, rewards. */

import type { RolloutsConfig } from '../../config/index.js';
import {
  type AnswerGrader,
  answerGroups,
  mathGrader,
  numericGrader,
} from '../../evaluate/index.js';
import {
  coherenceReward,
  coherenceScores,
  type RewardWeights,
  type ScoreWeights,
  statedValues,
} from '../../preferences/index.js';
import { parseNumber } from '../../rewards/index.js';
import type { Completion } from '../../rollout/index.js';
import { mean } from '../../util/numbers.js';
import { tagsOf } from '../inputs/answer-tags.js';
import type { StoredRow } from '../outputs/row-store.js';
import type { Pulled } from './sample-round.js';

/** A row of the file. */
export interface TrajectoryRow extends StoredRow {
  readonly question: string;
  readonly gold: string | null;
  readonly arm: string;
  readonly full_text: string;
  readonly answer: string | null;
  readonly reasoning: string;
  readonly num_tokens: number;
  /** Null without a gold answer. */
  readonly reward: number | null;
  readonly correct: boolean | null;
  readonly s_end: number;
  readonly s_path: number;
  readonly s_cf: number | null;
  readonly s_wm: number;
  /** Correct, with `s_wm` at least `coherent_at`. */
  readonly coherent_correct: boolean | null;
  /** Answers of the same arm to the other wordings. */
  readonly perturbed_answers: readonly (string | null)[];
  readonly finish_reason: string;
  readonly logprob_mean: number | null;
}

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

/** @returns a function from the pulls of one question to its rows */
export function trajectoryMaker(
  config: RolloutsConfig,
  requestHash: (question: string) => string,
): (pulls: readonly Pulled[]) => TrajectoryRow[] {
  const reader = readerOf(config);
  const { end, path, cf } = config.score_weights;
  return (pulls) => {
    const groupOf = reader.groups();
    const read = pulls.map((pulled) => readPull(pulled, reader.grade, groupOf));
    const scores = coherenceScores(
      read.map(({ scored }) => scored),
      { end, path, cf } satisfies ScoreWeights,
    );
    return read.map(({ columns }, i) => {
      const { s_wm } = scores[i]!;
      const { question, sample, completion } = pulls[i]!;
      const { correct } = columns;
      return {
        ...columns,
        reward: rewardOf({ correct, s_wm, tokens: completion.ids.length }, config),
        ...scores[i]!,
        coherent_correct: correct === null ? null : correct && s_wm >= config.coherent_at,
        prompt_id: question.id,
        sample_index: sample,
        request_hash: requestHash(question.text),
        adapter: completion.adapter,
      };
    });
  };
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
  { question, arm, completion, perturbed }: Pulled,
  grade: AnswerGrader,
  groupOf: (answer: string) => string | null,
) {
  const keyOf = (answer: string | null) => (answer === null ? null : groupOf(answer));
  const answerOf = ({ text }: Completion) => grade(text, {}).answer;
  const { text, ids, logprobs, finishReason } = completion;
  const { gold, answer, correct, reasoning: marked } = grade(text, question.row);
  const reasoning = marked ?? text;
  const perturbedAnswers = perturbed.map(answerOf);
  return {
    scored: {
      answer: keyOf(answer),
      values: statedValues(reasoning, question.text),
      perturbed: perturbedAnswers.map(keyOf),
    },
    columns: {
      id: question.id,
      question: question.text,
      gold,
      arm,
      full_text: text,
      answer,
      reasoning,
      num_tokens: ids.length,
      correct,
      perturbed_answers: perturbedAnswers,
      finish_reason: finishReason,
      logprob_mean: mean(logprobs),
    },
  };
}
