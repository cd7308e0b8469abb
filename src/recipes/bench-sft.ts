/** `lorikeet bench sft`: training steps on random tokens, all of them in the loss. */
import type { BenchSftConfig } from '../config/index.js';
import { sftStep } from '../train/index.js';
import { Rng } from '../util/rng.js';
import { benchTraining, randomTokens } from './bench-training.js';
import type { RecipeContext } from './context.js';

export function benchSft(config: BenchSftConfig, context: RecipeContext) {
  return benchTraining(config, context, {
    name: 'sft',
    shape: { rows: config.batch, longest: config.seq },
    stepOf: async ({ trainer }, { spec }) => ({
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
    }),
  });
}
