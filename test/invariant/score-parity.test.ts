/** Log-probabilities by the sampler and by the trainer, of the same tokens, for every family. */
import { expect, test } from 'vitest';
import { Rng } from '../../src/util/rng.js';
import { goldenAdapter, goldenSpec, goldenWeights, onnxCases } from '../support/golden-rollouts.js';
import { samplerScores, trainerScores } from './adapter-scores.js';

const LIMIT = 1e-4;

test.each(onnxCases)('$case: score by ONNX Runtime is score by TensorFlow', async (golden) => {
  const spec = goldenSpec(golden);
  const model = {
    spec,
    weights: goldenWeights(golden, spec),
    adapter: goldenAdapter(golden, spec),
  };
  const rng = Rng.of('score parity', golden.case);
  // The last one is longer than a chunk of a gated delta rule.
  const rows = [2, 9, 26, Math.min(100, spec.maxPositions)].map((length) =>
    Array.from({ length }, () => rng.int(0, spec.vocabSize - 1)),
  );
  const sampled = await samplerScores(model, rows);
  const { adapted } = await trainerScores(model, rows);
  for (const [i, logps] of sampled.entries()) {
    expect(logps).toBeAllclose(adapted[i]!, { rtol: 0, atol: LIMIT });
  }
});
