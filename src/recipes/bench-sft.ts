/** `lorikeet bench sft`: training steps on random tokens, all of them in the loss. */
import type { BenchSftConfig } from '../config/index.js';
import { trainingFlops } from '../model/index.js';
import { sftStep } from '../train/index.js';
import { Rng } from '../util/rng.js';
import { round } from './bench-numbers.js';
import { benchTraining, randomTokens } from './bench-training.js';
import type { RecipeContext } from './context.js';

export async function benchSft(config: BenchSftConfig, context: RecipeContext) {
  let flops = 0;
  const figures = await benchTraining(config, context, {
    name: 'sft',
    shape: { rows: config.batch, longest: config.seq },
    stepOf: async ({ trainer, policy }, { spec }) => {
      flops = trainingFlops({
        spec,
        lengths: Array.from({ length: config.batch }, () => config.seq),
        lora: policy.parameters.size,
      });
      return {
        step: sftStep({
          trainer,
          microBatchSize: config.batch,
          loss: { lossType: 'nll', labelSmoothing: 0 },
          examples: (step) =>
            Array.from({ length: config.batch }, (_, row) => {
              const rng = Rng.of(config.seed, 'bench', step, row);
              const ids = randomTokens(rng, config.seq, spec.vocabSize);
              return { ids, trained: ids.map(() => true) };
            }),
        }),
      };
    },
  });
  const rate = flops / figures.step_s / 1e9;
  return {
    ...figures,
    // Of the rate of products alone: what the model asks for, without recomputed layers.
    model_gflops: Math.round(rate),
    utilisation: round(rate / figures.gemm_gflops, 3),
  };
}
