/**
 * `lorikeet grpo`: rollouts on ONNX Runtime, rewards, group-relative advantages, updates on TensorFlow.
 * Each generation begins with a sync of the adapter and the probe that proves it.
 */
import type { GrpoConfig } from '../config/index.js';
import { type AnswerGrader, numericGrader } from '../evaluate/index.js';
import { groupAdvantages } from '../losses/index.js';
import { openSampleLog, type SampleLog, sampleRow } from '../report/index.js';
import type { AsyncGrader } from '../rewards/index.js';
import type { OnnxSampler } from '../rollout/index.js';
import { DataOrder, type Generation, generationPeriod, grpoStep } from '../train/index.js';
import { Rng } from '../util/rng.js';
import type { RecipeContext } from './context.js';
import { loadDataset, renderOptions, tagsOf } from './dataset.js';
import {
  type GradedRollout,
  gradedRollouts,
  type PromptedRow,
  promptRows,
} from './graded-rollouts.js';
import { generationMetrics } from './grpo-metrics.js';
import type { ModelSource } from './model-source.js';
import { type OpenRewards, openRewards } from './open-rewards.js';
import { type ProbeResult, probePolicy, probeSequences } from './policy-probe.js';
import { type Preview, type PreviewRequest, previewTraining } from './preview.js';
import { PROBE_TOLERANCE, resolvePrecision } from './rollout-precision.js';
import { openSampler, samplingParams } from './sampling.js';
import { type Synced, syncSampler } from './sync-sampler.js';
import {
  type PreparedTraining,
  type TrainingRecipe,
  type TrainingResult,
  type TrainingSession,
  trainingRun,
} from './training-run.js';

interface GrpoInputs {
  readonly prompts: readonly PromptedRow[];
  readonly rewards: OpenRewards;
}

async function inputsOf(
  config: GrpoConfig,
  { tokenizer, spec }: ModelSource,
  context: RecipeContext,
): Promise<GrpoInputs> {
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const prompts = promptRows(tokenizer, rows, {
    render: (index) => renderOptions(config, where(index)),
    context: spec.maxPositions,
    completion: config.max_completion_length,
  });
  const options = { tags: tagsOf(config) };
  return { prompts, rewards: await openRewards(config.rewards, { keys: config, options }) };
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

class Collector {
  private readonly config: GrpoConfig;
  private readonly prompts: readonly PromptedRow[];
  private readonly session: TrainingSession;
  private readonly sampler: OnnxSampler;
  private readonly order: DataOrder;
  private readonly grade: AsyncGrader;
  private readonly judge: AnswerGrader;
  private readonly samples: SampleLog;
  private readonly tolerance: number;
  private readonly probe: readonly (readonly number[])[];

  constructor(args: {
    readonly config: GrpoConfig;
    readonly inputs: GrpoInputs;
    readonly session: TrainingSession;
    readonly sampler: OnnxSampler;
    readonly order: DataOrder;
    readonly samples: SampleLog;
    /** Largest difference of log-probabilities that the probe lets pass. */
    readonly tolerance: number;
  }) {
    this.config = args.config;
    this.prompts = args.inputs.prompts;
    this.session = args.session;
    this.sampler = args.sampler;
    this.order = args.order;
    this.samples = args.samples;
    this.tolerance = args.tolerance;
    this.grade = args.inputs.rewards.grade;
    this.judge = numericGrader({ tags: tagsOf(args.config) });
    this.probe = probeSequences(this.prompts.map(({ promptIds }) => promptIds));
  }

  /** @param generation Index of the generation; `step` is the optimizer step it begins. */
  async collect(generation: number, step: number): Promise<Generation> {
    const { config, session } = this;
    const probe = await this.sync();
    const started = performance.now();
    const chosen = this.order.batch(generation).map((index, place) => {
      const prompt = this.prompts[index]!;
      return { ...prompt, id: `${step + 1}/${place}/${prompt.id}` };
    });
    const graded = await session.run.phases.time('rollout', () =>
      gradedRollouts(chosen, {
        sampler: this.sampler,
        n: config.num_generations,
        grade: this.grade,
        params: samplingParams(config, config.max_completion_length),
        expectedAdapter: probe.hash,
      }),
    );
    const rollouts = config.shuffle_rewards ? shuffled(graded, config.seed, step) : graded;
    const advantages = groupAdvantages(
      rollouts.map(({ grade }) => grade.total),
      { groupSize: config.num_generations, scale: config.scale_rewards },
    );
    this.log(rollouts, advantages, step);
    return {
      completions: rollouts.map(({ prompt, completion }, i) => ({
        promptIds: prompt.promptIds,
        ids: completion.ids,
        logprobs: completion.logprobs,
        advantage: advantages[i]!,
      })),
      metrics: {
        ...generationMetrics(rollouts, config.num_generations),
        'probe/max_logprob_difference': probe.max,
        'probe/mean_logprob_difference': probe.mean,
        sync_ms: probe.syncMs,
        rollout_time: (performance.now() - started) / 1000,
      },
    };
  }

  private async sync(): Promise<ProbeResult & Synced> {
    const { trained, run } = this.session;
    const { hash, syncMs } = await run.phases.time('sync', () =>
      syncSampler(trained, this.sampler),
    );
    const probe = await run.phases.time('probe', () =>
      probePolicy({
        policy: trained.policy,
        sampler: this.sampler,
        sequences: this.probe,
        expectedHash: hash,
        tolerance: this.tolerance,
      }),
    );
    return { ...probe, hash, syncMs };
  }

  private log(
    rollouts: readonly GradedRollout[],
    advantages: readonly number[],
    step: number,
  ): void {
    const { tokenizer } = this.session.source;
    const rows = rollouts.map(({ prompt, completion, grade }, i) =>
      sampleRow(completion, {
        step: step + 1,
        prompt: tokenizer.decode(prompt.promptIds),
        grade,
        ...(typeof prompt.row.question === 'string' && { question: prompt.row.question }),
        ...(typeof prompt.row.answer === 'string' && { gold: prompt.row.answer }),
        correct: this.judge(completion.text, prompt.row).correct,
        advantage: advantages[i]!,
      }),
    );
    this.samples.append(...rows);
  }
}

/** The control experiment: the same rewards, dealt to other completions. */
function shuffled(rollouts: readonly GradedRollout[], seed: number, step: number): GradedRollout[] {
  const grades = Rng.of(seed, 'shuffle-rewards', step).shuffle(rollouts.map(({ grade }) => grade));
  return rollouts.map((rollout, i) => ({ ...rollout, grade: grades[i]! }));
}

async function prepare(
  config: GrpoConfig,
  inputs: GrpoInputs,
  session: TrainingSession,
): Promise<PreparedTraining> {
  const { prompts } = inputs;
  const { trained, source, run, startStep } = session;
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
  const resolved = resolvePrecision(config.rollout_precision, session.context.log);
  const sampler = await run.phases.time('load', () =>
    openSampler(source, {
      ...resolved,
      threads: config.threads,
      maxBatch: size.completions,
      maxPromptLength: Math.max(...prompts.map(({ promptIds }) => promptIds.length)),
      maxNewTokens: config.max_completion_length,
      loraModules: [...(trained.policy.lora?.targets.keys() ?? [])],
    }),
  );
  const samples = openSampleLog(run.paths.samples, {
    resumeStep: startStep === 0 ? null : startStep,
  });
  const collector = new Collector({
    ...{ config, inputs, session, sampler, order, samples },
    tolerance: config.max_logprob_difference ?? PROBE_TOLERANCE[resolved.precision],
  });
  return {
    totalSteps: config.max_steps ?? period * order.stepsFor(config.num_train_epochs),
    epochsAt: (step) => order.epochsAt(step / period),
    savePeriod: period,
    shown: ['reward', 'completions/mean_length', 'loss'],
    flush: () => samples.flush(),
    dispose: async () => {
      samples.close();
      sampler.dispose();
      await inputs.rewards.close();
    },
    step: grpoStep({
      trainer: trained.trainer,
      collect: (step) => collector.collect(Math.floor(step / period), step),
      microBatchSize: config.per_device_train_batch_size,
      ...schedule,
      temperature: config.temperature,
      lossType: config.loss_type,
      epsilon: config.epsilon,
      epsilonHigh: config.epsilon_high ?? config.epsilon,
      beta: config.beta,
      reference: trained.reference,
      maxCompletionLength: config.max_completion_length,
      correction: config.rollout_correction
        ? { mode: config.rollout_correction_mode, cap: config.rollout_correction_cap }
        : null,
    }),
  };
}

const recipeOf = (config: GrpoConfig): TrainingRecipe<GrpoConfig, GrpoInputs> => ({
  command: 'grpo',
  keepReference: config.beta > 0,
  inputs: inputsOf,
  sequences: ({ prompts }) =>
    prompts.map(({ promptIds }, row) => ({
      row,
      part: `prompt of completions up to ${config.max_completion_length} tokens`,
      ids: promptIds,
      trained: promptIds.map(() => false),
    })),
  prepare,
});

export const runGrpo = (config: GrpoConfig, context: RecipeContext): Promise<TrainingResult> =>
  trainingRun(recipeOf(config), config, context);

export const previewGrpo = (config: GrpoConfig, request: PreviewRequest): Promise<Preview> =>
  previewTraining(recipeOf(config), config, request);
