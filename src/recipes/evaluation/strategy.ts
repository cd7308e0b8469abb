/** The strategy that the keys of `eval` and `solve` name, on a sampler and its tokenizer. */
import { type StrategyConfig, samplesOf } from '../../config/index.js';
import type { AnswerGrader, StrategyOptions, Writer } from '../../evaluate/index.js';
import type { AsyncGrader } from '../../rewards/index.js';
import type { Completion, Sampler, SamplingParams } from '../../rollout/index.js';
import type { PythonSandbox } from '../../sandbox/index.js';
import { type RenderOptions, renderPrompt, type Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { RecipeContext } from '../context.js';
import type { TagKeys } from '../inputs/answer-tags.js';
import { type OpenRewards, openTaggedRewards } from '../rewards/open-rewards.js';
import { codeExecutor, codeSandbox } from './code-executor.js';

/** Tokens of an output that a context is made for: about four characters each, and the fences. */
const outputTokens = ({ max_tool_output_length: characters }: StrategyKeys): number =>
  Math.ceil(characters / 4) + 12;

/** Tokens of what a selection says beside the problem and its solutions. */
const SELECTION_WORDS = 256;

export type StrategyKeys = StrategyConfig &
  TagKeys & { readonly temperature: number; readonly max_new_tokens: number };

/** @throws InputError where several solutions would be one, and on a weight without rewards */
export function checkStrategy(keys: StrategyKeys): void {
  if (samplesOf(keys) > 1 && keys.strategy !== 'greedy' && keys.temperature === 0) {
    throw new InputError({
      where: 'temperature',
      problem: `at 0 the ${samplesOf(keys)} solutions of ${keys.strategy} are all the same`,
      remedy: 'Give temperature=0.7, or strategy=greedy',
    });
  }
  if (keys.strategy === 'greedy' && samplesOf(keys) > 1) {
    throw new InputError({
      where: 'strategy_samples',
      problem: `greedy gives one solution, not ${samplesOf(keys)}`,
      remedy: 'Give strategy=majority_vote and temperature=0.7, or leave strategy_samples out',
    });
  }
  if (keys.vote_weight === 'reward' && keys.vote_rewards.length === 0) {
    throw new InputError({
      where: 'vote_rewards',
      problem: 'votes are to be weighed by a reward, but none is named',
      remedy: 'Name rewards that need no gold answer, e.g. vote_rewards=[{name: format}]',
    });
  }
}

/** Longest sequence that the strategy makes of a prompt, tokens. */
export function contextOf(keys: StrategyKeys, promptLength: number): number {
  const { strategy, max_new_tokens: completion, max_rounds: rounds } = keys;
  if (strategy === 'tir') return promptLength + completion + rounds * outputTokens(keys);
  if (strategy !== 'genselect') return promptLength + completion;
  const selection = 2 * promptLength + samplesOf(keys) * completion + SELECTION_WORDS;
  return selection + (keys.selection_tokens ?? completion);
}

/** @param grade - says what the answer of a response is */
export function strategyOptions(
  keys: StrategyKeys,
  {
    grade,
    sandbox,
    voteGrade,
    signal,
  }: {
    readonly grade: AnswerGrader;
    readonly sandbox: PythonSandbox | null;
    /** The opened `vote_rewards`; null where votes are not weighed by them. */
    readonly voteGrade: AsyncGrader | null;
    readonly signal?: AbortSignal;
  },
): StrategyOptions {
  return {
    strategy: keys.strategy,
    samples: samplesOf(keys),
    maxNewTokens: keys.max_new_tokens,
    tokenBudget: keys.token_budget,
    timeBudget: keys.time_budget,
    answerOf: (text) => {
      const { answer, flexible_answer: last } = grade(text, {});
      return answer ?? last;
    },
    rewardOf:
      voteGrade === null
        ? null
        : async (text, { question }) => (await voteGrade(text, { question })).total,
    selectionTokens: keys.selection_tokens ?? keys.max_new_tokens,
    maxRounds: keys.max_rounds,
    maxOutputLength: keys.max_tool_output_length,
    maxSessions: keys.max_tool_sessions,
    executor: sandbox === null ? null : codeExecutor(sandbox, keys),
    ...(signal && { signal }),
  };
}

/** The rewards that weigh votes, opened; null where the keys weigh none. */
export async function openVoteRewards(
  keys: StrategyKeys & { readonly threads: number | null },
  context: RecipeContext,
): Promise<OpenRewards | null> {
  if (keys.vote_weight !== 'reward') return null;
  return await openTaggedRewards(keys.vote_rewards, keys, context);
}

/** The sandbox that the strategy needs; null when it runs no code. @throws SetupError without one */
export async function strategySandbox(keys: StrategyConfig): Promise<PythonSandbox | null> {
  if (keys.strategy !== 'tir') return null;
  return codeSandbox(keys);
}

/** A sampler as strategies write with it. */
export function writerOf(
  sampler: Pick<Sampler, 'generate'>,
  {
    tokenizer,
    params,
    context,
    render,
    onCompletion,
  }: {
    readonly tokenizer: Tokenizer;
    readonly params: SamplingParams;
    readonly context: number;
    readonly render: RenderOptions;
    readonly onCompletion?: (completion: Completion) => void;
  },
): Writer {
  const ends = new Set(tokenizer.eosIds);
  return {
    context,
    ask: (question) =>
      renderPrompt(tokenizer, { prompt: [{ role: 'user', content: question }] }, render),
    encode: (text) => tokenizer.encode(text, { addSpecialTokens: false }),
    decode: (ids) => tokenizer.decode(ids, { skipSpecialTokens: true }),
    isEnd: (id) => ends.has(id),
    write: (requests, { signal, stop = [], next }) =>
      sampler.generate(
        requests,
        { ...params, stopStrings: [...params.stopStrings, ...stop] },
        { signal, next, ...(onCompletion && { onCompletion }) },
      ),
  };
}
