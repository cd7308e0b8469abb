/** `lorikeet rollouts`: several trajectories of each question over arms, scored for coherence. */
import { z } from 'zod';
import { armProblem, armsKey } from './arms.js';
import { checkRows, datasetSchema } from './dataset.js';
import {
  nonNegative,
  optionalInput,
  optionalPath,
  otherPath,
  text,
  whole,
  within,
} from './fields.js';
import { adaptedKeys, fastSamplerKeys, overwriteKey, stopKey, tagKeys } from './groups.js';
import { inTurn } from './in-turn.js';
import { issueAt } from './issue-at.js';
import { checkQuantization } from './quantization.js';
import { resumeKey } from './resume.js';

const banditKeys = {
  bandit: z
    .enum(['uniform', 'thompson', 'ucb'])
    .default('uniform')
    .describe('How arms are chosen: each in turn, Thompson sampling, or upper confidence bounds'),
  bandit_reward: z
    .enum(['reward', 'correct'])
    .default('reward')
    .describe('What an arm is judged by: the reward scaled to [0, 1], or a correct answer'),
  bandit_file: optionalPath('File of the posterior; null is <output>.bandit.json'),
  bandit_from: optionalInput('Posterior of an earlier run to start from'),
  questions_per_update: whole(1).default(32).describe('Questions between updates of the posterior'),
  ucb_exploration: nonNegative().default(0.5).describe('Width of the bounds of ucb'),
};

/** First names that `rename` knows. */
const NAMES = [
  ...['Tom', 'Ann', 'Ben', 'Mia', 'Sam', 'Eva', 'Max', 'Zoe', 'James', 'Mary', 'John', 'Sarah'],
  ...['Emma', 'Jack', 'Lisa', 'David', 'Anna', 'Peter', 'Maria', 'Mark', 'Julia', 'Alice', 'Bob'],
  ...['Carlos', 'Jenny', 'Mike', 'Rachel', 'Paul', 'Kate', 'Daniel', 'Laura', 'George', 'Janet'],
  ...['Lily', 'Josh', 'Emily', 'Ryan', 'Amy', 'Steve', 'Nina'],
];

const scoreKeys = {
  perturbations: z
    .array(z.enum(['rename', 'distractor']))
    .default(['rename', 'distractor'])
    .describe('Other wordings of a question that each trajectory is asked too, for s_cf'),
  perturbation_names: z
    .array(text())
    .default(NAMES)
    .describe('First names that rename finds and puts in'),
  score_weights: z
    .strictObject({
      end: nonNegative().default(0.4).describe('Weight of s_end'),
      path: nonNegative().default(0.3).describe('Weight of s_path'),
      cf: nonNegative().default(0.3).describe('Weight of s_cf'),
    })
    .prefault({})
    .describe('Weights of the scores in s_wm'),
  alpha_correct: nonNegative().default(1).describe('Reward of a correct answer'),
  beta_coherence: nonNegative().default(0.5).describe('Reward of full coherence, s_wm = 1'),
  length_penalty: nonNegative().default(0.1).describe('What a completion of full length loses'),
  coherent_at: within(0, 1).default(0.5).describe('s_wm from which an answer counts as coherent'),
};

export const rolloutsSchema = z
  .strictObject({
    ...adaptedKeys,
    dataset: datasetSchema(),
    output: otherPath().describe('JSONL of trajectories; <output>.stats.json stands beside it'),
    ...overwriteKey,
    ...resumeKey('auto keeps the rounds that are there and makes the others'),
    trajectories: whole(2).default(8).describe('Trajectories of each question'),
    arms: armsKey,
    ...banditKeys,
    ...scoreKeys,
    grader: z
      .enum(['numeric', 'math'])
      .default('numeric')
      .describe('How answers are read: a number in the tags, or any marked mathematics'),
    ...tagKeys,
    batch_size: whole(1).default(32).describe('Completions sampled together'),
    max_new_tokens: whole(1).default(512).describe('Longest completion, tokens'),
    ...stopKey,
    ...fastSamplerKeys,
  })
  .superRefine(inTurn(checkRows, checkQuantization))
  .superRefine((config, context) => {
    const problem = armProblem(config.arms, config.trajectories);
    if (problem !== null) issueAt(context)('arms', problem);
  })
  .superRefine((config, context) => {
    const { end, path } = config.score_weights;
    if (end + path > 0) return;
    issueAt(context)('score_weights', 'end and path are both 0. Give one a weight');
  });

export type RolloutsConfig = z.output<typeof rolloutsSchema>;
