/** `lorikeet bench dpo`: training steps on random pairs; the reference is the model with its adapter off. */
import type { BenchDpoConfig } from '../../config/index.js';
import { dpoStep, type PreferencePair } from '../../train/index.js';
import { Rng } from '../../util/rng.js';
import type { RecipeContext } from '../context.js';
import { randomTokens } from './full-length.js';
import { benchTraining } from './training.js';

function randomPairs(config: BenchDpoConfig, vocabulary: number, step: number): PreferencePair[] {
  return Array.from({ length: config.pairs }, (_, row) => {
    const rng = Rng.of(config.seed, 'bench', step, row);
    const prompt = randomTokens(rng, config.prompt_tokens, vocabulary);
    const answered = () => {
      const answer = randomTokens(rng, config.response_tokens, vocabulary);
      const trained = [...prompt.map(() => false), ...answer.map(() => true)];
      return { ids: [...prompt, ...answer], trained };
    };
    return { chosen: answered(), rejected: answered() };
  });
}

/** Tokens are counted as TRL does: the prompt once for each side. */
export function benchDpo(config: BenchDpoConfig, context: RecipeContext) {
  const longest = config.prompt_tokens + config.response_tokens;
  return benchTraining(config, context, {
    name: 'dpo',
    shape: { rows: 2 * config.pairs, longest },
    stepOf: async ({ trainer }, { spec }) => ({
      step: dpoStep({
        trainer,
        microBatchSize: config.pairs,
        pairs: (step) => randomPairs(config, spec.vocabSize, step),
        reference: 'off',
        sharePrompts: config.share_prompts,
        losses: [{ type: 'sigmoid', weight: 1 }],
        settings: { beta: 0.1, labelSmoothing: 0, simpoGamma: 0.5, cpoAlpha: 1, discopopTau: 0.05 },
      }),
    }),
  });
}
