/**
 * `lorikeet grpo`: rollouts on ONNX Runtime, rewards, group-relative advantages, updates on TensorFlow.
 * Each generation begins with a sync of the adapter and the probe that proves it.
 */
import type { GrpoConfig } from '../config/index.js';
import type { PythonSandbox } from '../sandbox/index.js';
import { type GrpoStepOptions, grpoStep } from '../train/index.js';
import { opening } from '../util/close-stack.js';
import type { RecipeContext } from './context.js';
import { Collector } from './grpo/collector.js';
import { grpoSize } from './grpo/memory.js';
import { grpoSchedule } from './grpo/schedule.js';
import { openTools, toolEvaluation, toolSampler } from './grpo/tool-sampler.js';
import type { ModelSource } from './inputs/model-source.js';
import { longestPrompt, type PromptedRow } from './inputs/prompted-rows.js';
import { unbroken } from './interrupt.js';
import { checkLogNames, GrpoLogs } from './reinforcement/logs.js';
import { truncations } from './reinforcement/policy-logprobs.js';
import { type OpenRewards, openTaggedRewards } from './rewards/open-rewards.js';
import { checkRollouts } from './sampling/check-rollouts.js';
import { openSampler } from './sampling/open-sampler.js';
import { checkRolloutDevice, resolveRollouts } from './sampling/rollout-engine.js';
import { PROBE_TOLERANCE } from './sampling/rollout-precision.js';
import { trainingPrompts } from './sampling/training-prompts.js';
import { trainerJudge } from './training/evaluate-trained.js';
import { type Preview, type PreviewRequest, previewTraining } from './training/preview.js';
import type { PreparedTraining, TrainingRecipe, TrainingSession } from './training/recipe.js';
import { trainingRun } from './training/run.js';
import type { TrainingResult } from './training/session.js';

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
  return openTaggedRewards(config.rewards, config, unbroken(context));
}

/** The sampler of the rollouts, of the size that they need, and what they compute in. */
async function openRollouts(
  config: GrpoConfig,
  {
    prompts,
    completions,
  }: { readonly prompts: readonly PromptedRow[]; readonly completions: number },
  { trained, source, run, context }: TrainingSession,
) {
  const resolved = resolveRollouts(config, context.log);
  const { lora } = trained.policy;
  const sampler = await run.phases.time('load', () =>
    openSampler(source, {
      ...resolved,
      threads: config.threads,
      maxBatch: completions,
      maxPromptLength: longestPrompt(prompts),
      maxNewTokens: config.max_completion_length,
      loraModules: [...(lora?.targets.keys() ?? [])],
      ...(lora && { replaced: lora.replaced }),
    }),
  );
  const tolerance = config.max_logprob_difference ?? PROBE_TOLERANCE[resolved.precision];
  return { sampler, tolerance };
}

const lossOf = (config: GrpoConfig): Pick<GrpoStepOptions, 'lossType' | 'loss' | 'correction'> => ({
  lossType: config.loss_type,
  loss: {
    importanceSamplingLevel: config.importance_sampling_level,
    epsilon: config.epsilon,
    epsilonHigh: config.epsilon_high ?? config.epsilon,
    delta: config.delta,
    beta: config.beta,
    klEstimator: config.kl_estimator,
    klWeighed: config.use_bias_correction_kl,
    offPolicyThreshold: config.off_policy_mask_threshold,
    entropyCoef: config.entropy_coef,
    topEntropyQuantile: config.top_entropy_quantile,
    sapo: { positive: config.sapo_temperature_pos, negative: config.sapo_temperature_neg },
  },
  correction: config.rollout_correction
    ? {
        mode: config.rollout_correction_mode,
        cap: config.rollout_correction_cap,
        floor: config.rollout_correction_floor,
      }
    : null,
});

function sayTruncations(config: GrpoConfig, { log }: RecipeContext): void {
  const cut = truncations(config);
  if (cut.length === 0) return;
  log(
    `sampling: ${cut.join(' ')} draws from a part of the policy, the loss takes it for the whole`,
  );
}

function prepare(
  config: GrpoConfig,
  { prompts, sandbox, rewards }: GrpoInputs,
  session: TrainingSession,
): Promise<PreparedTraining> {
  return opening(async (stack) => {
    const { trained, source, run, startStep, context } = session;
    const schedule = grpoSchedule(config, prompts.length);
    const { period, totalSteps } = schedule;
    const { completions } = schedule;
    const { sampler, tolerance } = await openRollouts(config, { prompts, completions }, session);
    stack.defer(() => sampler.dispose());
    const { tokenizer } = source;
    const tools = sandbox === null ? null : { config, sandbox };
    const longest = longestPrompt(prompts) + config.max_completion_length;
    const logs = new GrpoLogs(config, {
      run,
      tokenizer,
      judge: trainerJudge(config),
      resumeStep: startStep === 0 ? null : startStep,
    });
    stack.defer(() => logs.close());
    sayTruncations(config, context);
    const collector = new Collector({
      config,
      prompts,
      rewards,
      session,
      sampler,
      logs,
      schedule,
      tolerance,
      writer:
        tools === null ? sampler : toolSampler(sampler, { ...tools, tokenizer, context: longest }),
    });
    stack.defer(() => collector.settle());
    return {
      totalSteps,
      epochsAt: (step) => schedule.order.epochsAt(step / period),
      savePeriod: period,
      shown: ['reward', 'completions/mean_length', 'loss'],
      rewards,
      ...(tools !== null && { writer: toolEvaluation(tools) }),
      flush: () => logs.flush(),
      rest: async () => {
        if (sampler.release === undefined) return;
        await collector.settle();
        await sampler.release();
      },
      dispose: () => stack.close(),
      step: grpoStep({
        trainer: trained.trainer,
        collect: (step) => collector.collect(Math.floor(step / period), step),
        microBatchSize: config.per_device_train_batch_size,
        stepsPerGeneration: schedule.stepsPerGeneration,
        numIterations: schedule.numIterations,
        temperature: config.temperature,
        reference: trained.reference,
        maxCompletionLength: config.max_completion_length,
        ...lossOf(config),
      }),
    };
  });
}

const recipeOf = (
  config: GrpoConfig,
  sandbox: PythonSandbox | null,
): TrainingRecipe<GrpoConfig, GrpoInputs> => ({
  command: 'grpo',
  size: grpoSize,
  inputs: async (...from) => ({ ...(await inputsOf(...from)), sandbox }),
  close: ({ rewards }) => rewards.close(),
  check: (own, { spec }) => checkRollouts(own, spec),
  heldOutMetrics: () => null,
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
  checkRolloutDevice(config.rollout_device, { device: config.device });
  const sandbox = await openTools(config, context.log);
  try {
    return await trainingRun(recipeOf(config, sandbox), config, context);
  } finally {
    await sandbox?.dispose();
  }
}

export const previewGrpo = (config: GrpoConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipeOf(config, null), config, request);
