/** Experts on our own operators: a completion does not depend on the others, whose tokens share its experts. */
import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { goldenAdapter, goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { testOperators } from '../operators.js';

const kernels = testOperators();

const PRECISIONS = ['float32', 'bfloat16', 'int8', 'int8_weight_only', 'int4_weight_only'] as const;
const CASES = ['qwen3_moe', 'olmoe', 'granitemoe'].flatMap((name) =>
  PRECISIONS.map((precision) => ({ name, precision })),
);

const params = { ...PLAIN_SAMPLING, maxNewTokens: 20, seed: 11 };

describe.each(CASES)('$name in $precision', ({ name, precision }) => {
  const golden = goldenCase(name);
  const { vocabSize } = goldenSpec(golden);
  const requests = Array.from({ length: 40 }, (_, i) => ({
    id: `prompt ${i}`,
    promptIds: Array.from({ length: 1 + ((i * 7) % 40) }, (_, j) => (i * 31 + j * 17) % vocabSize),
    n: 1,
  }));

  it('gives the same bits alone, in a batch and in another order', async () => {
    const sampler = await goldenSampler(golden, {
      ...{ maxContext: 128, maxBatch: 32, threads: 2 },
      kernels: kernels(precision),
    });
    sampler.setAdapter(goldenAdapter(golden));
    const together = await sampler.generate(requests, params);
    const reordered = (await sampler.generate([...requests].reverse(), params)).reverse();
    for (const [i, { ids, logprobs }] of together.entries()) {
      expect(reordered[i]!.ids).toEqual(ids);
      expect(reordered[i]!.logprobs).toEqual(logprobs);
    }
    for (const i of [0, 5, 33]) {
      const [alone] = await sampler.generate([requests[i]!], params);
      expect(alone!.ids).toEqual(together[i]!.ids);
      expect(alone!.logprobs).toEqual(together[i]!.logprobs);
    }
    sampler.dispose();
  });
});

it.each(['webgpu', 'cuda'] as const)('rollouts on %s refuse experts', async (device) => {
  await expect(goldenSampler(goldenCase('olmoe'), { device })).rejects.toThrow(
    `rollout device ${device}: the model has experts, which rollouts compute on the CPU only`,
  );
});
