/** How a problem is solved: one answer, a vote, code with its outputs, or a selection. */
import { z } from 'zod';
import { optionalWhole, orNull, seconds, whole } from './fields.js';
import { graderKeys } from './grader-keys.js';
import { rewardsKey } from './groups.js';

/** Limits of blocks of code, in strategies and in GRPO. */
export const codeKeys = {
  tool_timeout_s: seconds().default(10).describe('Longest time of one block of code, seconds'),
  max_tool_output_length: whole(1)
    .default(2000)
    .describe('Longest output of a block that the model reads, characters'),
  max_tool_sessions: whole(1)
    .default(64)
    .describe('Completions that may run code under way at once, each with a Python of its own'),
};

const codeSchema = z.strictObject(codeKeys);
export type CodeConfig = z.output<typeof codeSchema>;

export const strategyKeys = {
  strategy: z
    .enum(['greedy', 'majority_vote', 'weighted_vote', 'tir', 'genselect'])
    .default('greedy')
    .describe('One answer, a vote over several, code with outputs (tir), or the model selects'),
  strategy_samples: optionalWhole(1, 'Solutions tried for each problem; null is 8, with tir 1'),
  vote_weight: z
    .enum(['logprob', 'reward'])
    .default('logprob')
    .describe('Weight of a weighted_vote: exp of the mean log-probability, or vote_rewards'),
  vote_rewards: rewardsKey
    .default([])
    .describe('Rewards that weigh votes; they see no gold answer'),
  token_budget: optionalWhole(1, 'New tokens for one problem in all its solutions; null: no limit'),
  time_budget: orNull(seconds(), 'Seconds for all; null: no limit'),
  selection_tokens: optionalWhole(1, 'Longest reply of a genselect; null is max_new_tokens'),
  max_rounds: whole(1).default(4).describe('Blocks of code run for one solution, with tir'),
  ...codeKeys,
  ...graderKeys,
};

/** Solutions tried where the config does not say. */
const SAMPLES = { greedy: 1, tir: 1, majority_vote: 8, weighted_vote: 8, genselect: 8 } as const;

const strategySchema = z.strictObject(strategyKeys);
export type StrategyConfig = z.output<typeof strategySchema>;

/** Solutions tried for each problem. */
export const samplesOf = ({
  strategy,
  strategy_samples: samples,
}: Pick<StrategyConfig, 'strategy' | 'strategy_samples'>): number => samples ?? SAMPLES[strategy];
