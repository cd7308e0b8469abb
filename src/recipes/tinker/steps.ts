/** One optimizer step at Tinker: of supervised rows, and of completions that are graded here. */
import type { TinkerConfig } from '../../config/index.js';
import { groupAdvantages } from '../../losses/index.js';
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
import { type SampleLog, sampleRow } from '../../report/index.js';
import type { AsyncGrader } from '../../rewards/index.js';
import type { Completion } from '../../rollout/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import type { DataOrder, StepOutcome } from '../../train/index.js';
import { Rng } from '../../util/rng.js';
import { generationMetrics } from '../grpo/metrics.js';
import type { GradedRollout, PromptedRow } from '../sampling/graded-rollouts.js';

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
        trained_tokens: trainedTokens(batch),
        ...named('tinker', { ...output.metrics, ...optimizer }),
      },
    };
  };

export interface GrpoStepOptions extends Omit<SftStepOptions, 'rows'> {
  readonly prompts: readonly PromptedRow[];
  readonly tokenizer: Tokenizer;
  readonly grade: AsyncGrader;
  readonly samples: SampleLog;
}

export const grpoStepAt =
  (options: GrpoStepOptions): TinkerStep =>
  async (step, learningRate) => {
    const { config, model, samples } = options;
    const rollouts = await rolloutsOf(options, step);
    const rewards = rollouts.map(({ grade }) => grade.total);
    const advantages = groupAdvantages(rewards, {
      groupSize: config.num_generations,
      scale: config.scale_rewards,
    });
    samples.append(...rollouts.map((each, i) => rowOf(each, step + 1, advantages[i]!)));
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
        ...generationMetrics(rollouts, config.num_generations),
        learnt_completions: learnt.length,
        ...metrics,
      },
    };
  };

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
      ...differenceOf(data, output),
      ...named('tinker', { ...output.metrics, ...optimizer }),
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

async function rolloutsOf(options: GrpoStepOptions, step: number): Promise<GradedRollout[]> {
  const { config, model, order, prompts, tokenizer, grade } = options;
  const sampler = await model.sampler();
  const params = {
    ...{ max_tokens: config.max_completion_length, temperature: config.temperature },
    ...{ top_p: config.top_p, top_k: config.top_k === 0 ? -1 : config.top_k },
  };
  const groups = order.batch(step).map(async (index, place) => {
    const prompt = prompts[index]!;
    const seed = Rng.of(config.seed, 'tinker', step, place).int(0, 2 ** 31 - 1);
    const started = performance.now();
    const sampled = await sampler.sample(prompt.promptIds, config.num_generations, {
      ...params,
      seed,
    });
    const seconds = (performance.now() - started) / 1000;
    return await Promise.all(
      sampled.map(async ({ tokens: ids, logprobs, stopReason }, sampleIndex) => {
        const text = tokenizer.decode(ids, { skipSpecialTokens: true });
        const completion: Completion = {
          ...{ requestId: prompt.id, sampleIndex, promptIds: prompt.promptIds, text, seconds },
          ...{ ids: [...ids], logprobs: Float32Array.from(logprobs), finishReason: stopReason },
          adapter: model.modelId,
        };
        return { prompt, completion, grade: await grade(text, prompt.row, { ids: [...ids] }) };
      }),
    );
  });
  return (await Promise.all(groups)).flat();
}

function rowOf({ completion, grade, prompt }: GradedRollout, step: number, advantage: number) {
  const { question, answer } = prompt.row;
  return sampleRow(completion, {
    ...{ step, grade, advantage, prompt: String(question ?? prompt.id) },
    ...(answer !== undefined && { gold: String(answer) }),
  });
}

const adamOf = (config: TinkerConfig, learningRate: number): AdamParams => ({
  learning_rate: learningRate,
  beta1: config.adam_beta1,
  beta2: config.adam_beta2,
  eps: config.adam_epsilon,
  weight_decay: config.weight_decay,
  grad_clip_norm: config.max_grad_norm,
});

const named = (prefix: string, metrics: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(metrics).map(([name, value]) => [`${prefix}/${name}`, value]));
