/**
 * `lorikeet grpo`: rollouts on ONNX Runtime, rewards, group-relative advantages, updates on TensorFlow.
 * Each generation begins with a sync of the adapter and the probe that proves it.
 */
import type { GrpoConfig } from '../config/index.js';
import type { PythonSandbox } from '../sandbox/index.js';
import { DataOrder, generationPeriod, grpoStep } from '../train/index.js';
import type { RecipeContext } from './context.js';
import { Collector } from './grpo/collector.js';
import { checkLogNames, GrpoLogs } from './grpo/logs.js';
import { truncations } from './grpo/policy-logprobs.js';
import { openTools, toolSampler } from './grpo/tool-sampler.js';
import { tagsOf } from './inputs/dataset.js';
import type { ModelSource } from './inputs/model-source.js';
import { unbroken } from './interrupt.js';
import { type OpenRewards, openRewards } from './rewards/open-rewards.js';
import type { PromptedRow } from './sampling/graded-rollouts.js';
import { checkRelease, checkRolloutDevice, resolveRollouts } from './sampling/rollout-engine.js';
import { PROBE_TOLERANCE } from './sampling/rollout-precision.js';
import { openSampler } from './sampling/sampling.js';
import { trainingPrompts } from './sampling/training-prompts.js';
import { trainerJudge } from './training/evaluate-trained.js';
import type { PreparedTraining, TrainingSession } from './training/loop.js';
import { type Preview, type PreviewRequest, previewTraining } from './training/preview.js';
import { type TrainingRecipe, type TrainingResult, trainingRun } from './training/run.js';

interface GrpoInputs {
  readonly prompts: readonly PromptedRow[];
  readonly rewards: OpenRewards;
  /** Runs the code of completions; null without tools. */
  readonly sandbox: PythonSandbox | null;
}

async function inputsOf(
  config: GrpoConfig,
  { tokenizer, spec }: ModelSource,
  context: RecipeContext,
): Promise<Omit<GrpoInputs, 'sandbox'>> {
  checkLogNames(config);
  const { maxPositions: longest } = spec;
  const overlong = config.overlong_prompts;
  const prompts = await trainingPrompts(config, { tokenizer, longest, overlong }, context);
  return { prompts, rewards: await rewardsOf(config, context) };
}

/** An interrupt waits for the end of the step, and so for the judges of its completions. */
function rewardsOf(config: GrpoConfig, context: RecipeContext): Promise<OpenRewards> {
  const options = { tags: tagsOf(config) };
  return openRewards(config.rewards, { keys: config, context: unbroken(context), options });
}

/** Optimizer steps and prompts of one generation, by TRL's batch rule. */
function generationSize(config: GrpoConfig) {
  const accumulation = config.gradient_accumulation_steps;
  const microBatches = config.steps_per_generation ?? accumulation;
  const completions = config.per_device_train_batch_size * microBatches;
  return {
    stepsPerGeneration: microBatches / accumulation,
    prompts: completions / config.num_generations,
    completions,
  };
}

async function prepare(
  config: GrpoConfig,
  inputs: GrpoInputs,
  session: TrainingSession,
): Promise<PreparedTraining> {
  const { prompts, sandbox } = inputs;
  const { trained, source, run } = session;
  const size = generationSize(config);
  const order = new DataOrder({
    examples: prompts.length,
    batchSize: size.prompts,
    seed: config.seed,
  });
  const schedule = {
    stepsPerGeneration: size.stepsPerGeneration,
    numIterations: config.num_iterations,
  };
  const period = generationPeriod(schedule);
  const resolved = resolveRollouts(config, session.context.log);
  if (config.rollout_release_memory) checkRelease(resolved);
  const maxPromptLength = Math.max(...prompts.map(({ promptIds }) => promptIds.length));
  const sampler = await run.phases.time('load', () =>
    openSampler(source, {
      ...resolved,
      threads: config.threads,
      maxBatch: size.completions,
      maxPromptLength,
      maxNewTokens: config.max_completion_length,
      loraModules: [...(trained.policy.lora?.targets.keys() ?? [])],
      ...(trained.policy.lora && { replaced: trained.policy.lora.replaced }),
    }),
  );
  const { tokenizer } = source;
  const context = maxPromptLength + config.max_completion_length;
  const writer =
    sandbox === null ? sampler : toolSampler(sampler, { config, sandbox, tokenizer, context });
  const logs = new GrpoLogs(config, {
    ...{ run, tokenizer, judge: trainerJudge(config) },
    resumeStep: session.startStep === 0 ? null : session.startStep,
  });
  const cut = truncations(config);
  if (cut.length > 0) {
    session.context.log(
      `sampling: ${cut.join(' ')} draws from a part of the policy, the loss takes it for the whole`,
    );
  }
  const totalSteps = config.max_steps ?? period * order.stepsFor(config.num_train_epochs);
  const collector = new Collector({
    ...{ config, prompts, session, sampler, writer, order, logs, period },
    rewards: inputs.rewards,
    generations: Math.ceil(totalSteps / period),
    tolerance: config.max_logprob_difference ?? PROBE_TOLERANCE[resolved.precision],
  });
  return {
    totalSteps,
    epochsAt: (step) => order.epochsAt(step / period),
    savePeriod: period,
    shown: ['reward', 'completions/mean_length', 'loss'],
    rewards: inputs.rewards,
    flush: () => logs.flush(),
    dispose: async () => {
      await collector.settle();
      logs.close();
      sampler.dispose();
    },
    step: grpoStep({
      trainer: trained.trainer,
      collect: (step) => collector.collect(Math.floor(step / period), step),
      microBatchSize: config.per_device_train_batch_size,
      ...schedule,
      temperature: config.temperature,
      lossType: config.loss_type,
      loss: {
        importanceSamplingLevel: config.importance_sampling_level,
        epsilon: config.epsilon,
        epsilonHigh: config.epsilon_high ?? config.epsilon,
        delta: config.delta,
        beta: config.beta,
        klEstimator: config.kl_estimator,
        entropyCoef: config.entropy_coef,
        topEntropyQuantile: config.top_entropy_quantile,
        sapo: { positive: config.sapo_temperature_pos, negative: config.sapo_temperature_neg },
      },
      reference: trained.reference,
      maxCompletionLength: config.max_completion_length,
      correction: config.rollout_correction
        ? { mode: config.rollout_correction_mode, cap: config.rollout_correction_cap }
        : null,
    }),
  };
}

const recipeOf = (
  config: GrpoConfig,
  sandbox: PythonSandbox | null,
): TrainingRecipe<GrpoConfig, GrpoInputs> => ({
  command: 'grpo',
  keepReference: config.beta > 0,
  inputs: async (...from) => ({ ...(await inputsOf(...from)), sandbox }),
  close: ({ rewards }) => rewards.close(),
  sequences: ({ prompts }) =>
    prompts.map(({ promptIds }, row) => ({
      row,
      part: `prompt of completions up to ${config.max_completion_length} tokens`,
      ids: promptIds,
      trained: promptIds.map(() => false),
    })),
  prepare,
});

export async function runGrpo(config: GrpoConfig, context: RecipeContext): Promise<TrainingResult> {
  checkRolloutDevice(config.rollout_device);
  const sandbox = await openTools(config, context.log);
  try {
    return await trainingRun(recipeOf(config, sandbox), config, context);
  } finally {
    sandbox?.dispose();
  }
}

export const previewGrpo = (config: GrpoConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipeOf(config, null), config, request);
