/** Log-probabilities by the sampler and by the trainer, of the same tokens, for every family. */
import { expect, test } from 'vitest';
import { collate, loraFromAdapter, Policy, planLora } from '../../src/model/index.js';
import { linearModules } from '../../src/model/spec.js';
import { createOnnxSampler } from '../../src/rollout/index.js';
import { Rng } from '../../src/util/rng.js';
import { goldenAdapter, goldenCases, goldenSpec, goldenWeights } from '../unit/rollout/golden.js';

const LIMIT = 1e-4;

test.each(goldenCases)('$case: score by ONNX Runtime is score by TensorFlow', async (golden) => {
  const spec = goldenSpec(golden);
  const weights = goldenWeights(golden, spec);
  const adapter = goldenAdapter(golden, spec);
  const rng = Rng.of('score parity', golden.case);
  const sequences = [2, 9, 26, 40].map((length) =>
    Array.from({ length }, () => rng.int(0, spec.vocabSize - 1)),
  );
  const sampler = await createOnnxSampler({
    spec,
    weights,
    tokenizer: { eosIds: [], decode: () => '' },
    maxContext: 64,
    threads: 1,
    loraModules: linearModules(spec)
      .map(({ module }) => module)
      .filter((module) => adapter.tensors.has(module)),
  });
  sampler.setAdapter(adapter);
  const sampled = await sampler.score(sequences);
  sampler.dispose();
  const lora = planLora(spec, adapter.config);
  const policy = new Policy({
    spec,
    weights,
    lora,
    initialLora: loraFromAdapter(lora, adapter),
    checkpointedLayers: 0,
  });
  const batch = collate(sequences.map((ids) => ({ ids, trained: ids.map(() => true) })));
  const scores = await policy.score(batch);
  policy.dispose();
  const trained = sequences.map((): number[] => []);
  for (const [i, row] of batch.sequences.entries()) trained[row]!.push(scores[3 * i]!);
  for (const [i, logprobs] of sampled.entries()) {
    expect(trained[i]!.length).toBe(logprobs.length);
    for (const [t, logprob] of logprobs.entries()) {
      expect(Math.abs(logprob - trained[i]![t]!)).toBeLessThanOrEqual(LIMIT);
    }
  }
});
