/** One optimizer step at Tinker: of supervised rows, and of completions that are graded here. */
import type { TinkerConfig } from '../../config/index.js';
import {
  type AdamParams,
  crossEntropyData,
  forwardBackward,
  type LossOutput,
  type MaskedTokens,
  policyGradientData,
  type TinkerModel,
  trainedTokens,
} from '../../remote/index.js';
import type { PhaseClock } from '../../report/index.js';
import type { DataOrder, StepOutcome } from '../../train/index.js';
import { prefixed } from '../../util/prefixed.js';
import type { Generates } from '../evaluation/evaluate-model.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import { judgeCounts } from '../judge/counts.js';
import { advantagesOf } from '../reinforcement/advantages.js';
import type { GrpoLogs } from '../reinforcement/logs.js';
import { generationMetrics } from '../reinforcement/metrics.js';
import { gradedGuard } from '../rewards/failures.js';
import type { OpenRewards } from '../rewards/open-rewards.js';
import { type GradedRollout, gradedRollouts } from '../sampling/graded-rollouts.js';
import { samplingParams } from '../sampling/sampling-params.js';

export type TinkerStep = (step: number, learningRate: number) => Promise<StepOutcome>;

export interface SftStepOptions {
  readonly config: TinkerConfig;
  readonly model: TinkerModel;
  readonly order: DataOrder;
  readonly rows: readonly MaskedTokens[];
}

export const sftStepAt =
  ({ config, model, order, rows }: SftStepOptions): TinkerStep =>
  async (step, learningRate) => {
    const batch = order.batch(step).map((index) => rows[index]!);
    const data = crossEntropyData(batch);
    const output = await forwardBackward(model, { data, loss: 'cross_entropy' });
    const optimizer = await model.optimStep(adamOf(config, learningRate));
    const loss = sumOver(data, output, (logprob, i, { weights = [] }) => -logprob * weights[i]!);
    return {
      tokens: batch.reduce((sum, { ids }) => sum + ids.length, 0),
      metrics: {
        ...(loss !== null && { loss }),
        ...gradNormOf(optimizer),
        trained_tokens: trainedTokens(batch),
        ...prefixed('tinker/', { ...output.metrics, ...optimizer }),
      },
    };
  };

export interface GrpoStepOptions extends Omit<SftStepOptions, 'rows'> {
  readonly prompts: readonly PromptedRow[];
  readonly rewards: Pick<OpenRewards, 'grade' | 'stats'>;
  /** What samples from the weights before a step. */
  readonly sampler: (step: number) => Promise<Generates>;
  readonly logs: GrpoLogs;
  readonly phases: PhaseClock;
  readonly log: (line: string) => void;
}

/** Its steps throw GuardError while rewards fail on all completions. */
export function grpoStepAt(options: GrpoStepOptions): TinkerStep {
  const checkGraded = gradedGuard(options.log);
  return async (step, learningRate) => {
    const { config, model, logs } = options;
    const { rollouts, seconds, syncMs } = await rolloutsOf(options, step);
    checkGraded(rollouts.map(({ grade }) => grade));
    const judge = options.rewards.stats();
    const advantages = advantagesOf(rollouts, config);
    const logged = logs.write({ rollouts, advantages }, step);
    const tokens = rollouts.reduce((sum, { completion }) => sum + completion.ids.length, 0);
    const learnt = rollouts.flatMap(({ completion: { promptIds, ids, logprobs } }, i) =>
      advantages[i] === 0 || ids.length === 0
        ? []
        : [{ promptIds, ids, logprobs, advantage: advantages[i]! }],
    );
    const data = policyGradientData(learnt, tokens);
    const metrics = data.length === 0 ? {} : await learn(config, { model, data, learningRate });
    return {
      tokens: rollouts.reduce((sum, { completion }) => sum + completion.promptIds.length, tokens),
      metrics: {
        ...generationMetrics(rollouts, config),
        ...logged,
        ...judgeCounts(judge === null ? [] : [judge], 'judge/'),
        sync_ms: syncMs,
        rollout_time: seconds,
        learnt_completions: learnt.length,
        ...metrics,
      },
    };
  };
}

interface Learning {
  readonly model: TinkerModel;
  readonly data: ReturnType<typeof policyGradientData>;
  readonly learningRate: number;
}

/** The metrics are those of the first pass, whose weights are those that have sampled. */
async function learn(config: TinkerConfig, { model, data, learningRate }: Learning) {
  const { loss_type: loss, epsilon, num_iterations } = config;
  const bounds = { clip_low_threshold: 1 - epsilon, clip_high_threshold: 1 + epsilon };
  const pass = { data, loss, ...(loss === 'ppo' && { config: bounds }) };
  let first: Record<string, number> | null = null;
  for (let iteration = 0; iteration < num_iterations; iteration++) {
    const output = await forwardBackward(model, pass);
    const optimizer = await model.optimStep(adamOf(config, learningRate));
    first ??= {
      ...lossOf(output),
      ...gradNormOf(optimizer),
      ...differenceOf(data, output),
      ...prefixed('tinker/', { ...output.metrics, ...optimizer }),
    };
  }
  return first ?? {};
}

/** Mean of |log p by the trainer − log p by the sampler| over sampled tokens. */
function differenceOf(data: Learning['data'], output: LossOutput): Record<string, number> {
  const isSampled = (advantages: readonly number[] | undefined, i: number) => advantages?.[i] !== 0;
  const count = sumOver(data, output, (_, i, { advantages }) => (isSampled(advantages, i) ? 1 : 0));
  const sum = sumOver(data, output, (logprob, i, { advantages, logprobs = [] }) =>
    isSampled(advantages, i) ? Math.abs(logprob - logprobs[i]!) : 0,
  );
  return sum === null || !count ? {} : { 'sampling/sampling_logp_difference/mean': sum / count };
}

type LossInputs = Learning['data'][number]['lossInputs'];

/** Null where the service has sent no log-probabilities. */
function sumOver(
  data: Learning['data'],
  { logprobs }: LossOutput,
  term: (logprob: number, index: number, inputs: LossInputs) => number,
): number | null {
  if (logprobs === null) return null;
  let sum = 0;
  for (const [row, { lossInputs }] of data.entries()) {
    for (const [i, logprob] of (logprobs[row] ?? []).entries()) sum += term(logprob, i, lossInputs);
  }
  return sum;
}

interface Sampled {
  readonly rollouts: readonly GradedRollout[];
  /** Wall time of sampling and grading. */
  readonly seconds: number;
  readonly syncMs: number;
}

async function rolloutsOf(options: GrpoStepOptions, step: number): Promise<Sampled> {
  const { config, order, prompts, rewards, phases } = options;
  const started = performance.now();
  const sampler = await phases.time('sync', () => options.sampler(step));
  const synced = performance.now();
  const chosen = order.batch(step).map((index, i) => {
    const prompt = prompts[index]!;
    return { ...prompt, id: `${step + 1}/${i}/${prompt.id}` };
  });
  const rollouts = await phases.time('rollout', () =>
    gradedRollouts(chosen, {
      sampler,
      n: config.num_generations,
      grade: rewards.grade,
      params: samplingParams({ ...config, stop: [] }, config.max_completion_length),
      expectedAdapter: sampler.adapterHash,
    }),
  );
  const seconds = (performance.now() - synced) / 1000;
  return { rollouts, seconds, syncMs: synced - started };
}

/** The service's losses are sums of terms that are divided by the tokens of the step. */
const lossOf = ({ metrics: { 'loss:sum': loss } }: LossOutput): Record<string, number> =>
  loss === undefined ? {} : { loss };

/** The norm before it is clipped, by the service's own name. */
function gradNormOf(optimizer: Readonly<Record<string, number>>): Record<string, number> {
  const norm = optimizer['unclipped_grad_l2:mean'];
  return norm === undefined ? {} : { grad_norm: norm };
}

const adamOf = (config: TinkerConfig, learningRate: number): AdamParams => ({
  learning_rate: learningRate,
  beta1: config.adam_beta1,
  beta2: config.adam_beta2,
  eps: config.adam_epsilon,
  weight_decay: config.weight_decay,
  grad_clip_norm: config.max_grad_norm,
});
