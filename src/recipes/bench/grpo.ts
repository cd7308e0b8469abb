/** `lorikeet bench grpo`: whole steps, rollouts of full length by the sampler and the update of the trainer. */
import type { BenchGrpoConfig } from '../../config/index.js';
import { PLAIN_SAMPLING, type PromptRequest, type RolloutSampler } from '../../rollout/index.js';
import { type Generation, grpoStep } from '../../train/index.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import type { ModelSource } from '../inputs/model-source.js';
import { openSampler } from '../sampling/open-sampler.js';
import { resolveRollouts } from '../sampling/rollout-engine.js';
import type { TrainedPolicy } from '../training/trained-policy.js';
import { endless, randomTokens } from './full-length.js';
import { round } from './numbers.js';
import { benchTraining } from './training.js';

function requestsOf(config: BenchGrpoConfig, vocabulary: number, step: number): PromptRequest[] {
  return Array.from({ length: config.prompts }, (_, row) => {
    const rng = Rng.of(config.seed, 'bench', step, row);
    const promptIds = randomTokens(rng, config.prompt_tokens, vocabulary);
    return { id: String(row), promptIds, n: config.num_generations };
  });
}

interface Opened {
  readonly sampler: RolloutSampler;
  readonly trained: TrainedPolicy;
  readonly source: ModelSource;
}

/** Rollouts with the current adapter; advantages are ±1 by turns, so that there is something to learn. */
async function rollouts(
  config: BenchGrpoConfig,
  { sampler, trained, source }: Opened,
  step: number,
): Promise<Generation> {
  await sampler.setAdapter(await trained.adapter());
  const requests = requestsOf(config, source.spec.vocabSize, step);
  const params = {
    ...PLAIN_SAMPLING,
    temperature: 1,
    maxNewTokens: config.max_completion_length,
    seed: config.seed + step,
  };
  const completions = await sampler.generate(requests, params);
  return {
    completions: completions.map(({ promptIds, ids, logprobs }, i) => ({
      promptIds,
      ids,
      logprobs: Float32Array.from(logprobs),
      advantage: i % 2 === 0 ? 1 : -1,
    })),
    metrics: {},
  };
}

export async function benchGrpo(config: BenchGrpoConfig, context: RecipeContext) {
  const rows = config.prompts * config.num_generations;
  const longest = config.prompt_tokens + config.max_completion_length;
  const shared = { length: config.prompt_tokens, generations: config.num_generations };
  const figures = await benchTraining(config, context, {
    name: 'grpo',
    shape: { rows, longest, ...(config.share_prompts && { shared }) },
    samplers: [{ keys: config, rows, context: longest }],
    stepOf: async (trained, source) => {
      const resolved = resolveRollouts(config, context.log);
      const sampler = await openSampler(endless(source), {
        threads: config.threads,
        maxBatch: rows,
        maxPromptLength: config.prompt_tokens,
        maxNewTokens: config.max_completion_length,
        loraModules: [...(trained.policy.lora?.targets.keys() ?? [])],
        ...resolved,
      });
      let seconds = 0;
      const collect = async (step: number) => {
        const start = performance.now();
        const generation = await rollouts(config, { sampler, trained, source }, step);
        seconds = (performance.now() - start) / 1000;
        return generation;
      };
      return {
        step: grpoStep({
          trainer: trained.trainer,
          collect,
          microBatchSize: rows,
          stepsPerGeneration: 1,
          numIterations: 1,
          temperature: 1,
          lossType: 'dapo',
          loss: {
            importanceSamplingLevel: 'token',
            epsilon: 0.2,
            epsilonHigh: 0.2,
            delta: null,
            beta: 0,
            klEstimator: 'k3',
            klWeighed: true,
            entropyCoef: 0,
            sapo: { positive: 1, negative: 1.05 },
          },
          reference: 'off',
          sharePrompts: config.share_prompts,
          maxCompletionLength: config.max_completion_length,
          correction: { mode: 'token_truncate', cap: 2, floor: null },
        }),
        extra: () => ({ rollout_s: seconds }),
        dispose: () => sampler.dispose(),
      };
    },
  });
  const update = figures.step_s - Number(figures.rollout_s);
  return { ...figures, update_s: round(update, 3) };
}
