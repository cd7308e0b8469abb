/** `lorikeet bench sft`: training steps on random tokens, all of them in the loss. */
import type { BenchSftConfig } from '../../config/index.js';
import { trainingFlops } from '../../model/index.js';
import { sftStep } from '../../train/index.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import { randomTokens } from './full-length.js';
import { benchTraining } from './training.js';

export function benchSft(config: BenchSftConfig, context: RecipeContext) {
  const { batch, seq } = config;
  return benchTraining(config, context, {
    name: 'sft',
    shape: { rows: batch, longest: seq },
    stepOf: async ({ trainer, policy }, { spec }) => ({
      flops: trainingFlops({
        spec,
        lengths: Array.from({ length: batch }, () => seq),
        lora: policy.parameters.size,
      }),
      step: sftStep({
        trainer,
        microBatchSize: batch,
        loss: { lossType: 'nll', labelSmoothing: 0 },
        examples: (step) =>
          Array.from({ length: batch }, (_, row) => {
            const rng = Rng.of(config.seed, 'bench', step, row);
            const ids = randomTokens(rng, seq, spec.vocabSize);
            return { ids, trained: ids.map(() => true) };
          }),
      }),
    }),
  });
}
