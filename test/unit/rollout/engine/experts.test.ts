/** Experts on our own operators: a completion does not depend on the others, whose tokens share its experts. */
import { describe, expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { EXPERT_CASES } from '../../../support/golden-models.js';
import { goldenAdapter, goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { testOperators } from '../../../support/operators.js';
import { expectSameBits, PRECISIONS, promptsOf } from './same-bits.js';

const kernels = testOperators();

const CASES = EXPERT_CASES.flatMap((name) => PRECISIONS.map((precision) => ({ name, precision })));

const params = { ...PLAIN_SAMPLING, maxNewTokens: 20, seed: 11 };

describe.each(CASES)('$name in $precision', ({ name, precision }) => {
  const golden = goldenCase(name);
  const { vocabSize } = goldenSpec(golden);
  const requests = promptsOf(vocabSize, 40);

  it('gives the same bits alone, in a batch and in another order', async () => {
    const sampler = await goldenSampler(golden, {
      ...{ maxContext: 128, maxBatch: 32, threads: 2 },
      kernels: kernels(precision),
    });
    sampler.setAdapter(goldenAdapter(golden));
    await expectSameBits(sampler, { requests, params, alone: [0, 5, 33] });
    sampler.dispose();
  });
});

it.each(['webgpu', 'cuda'] as const)('rollouts on %s refuse experts', async (device) => {
  await expect(goldenSampler(goldenCase('olmoe'), { device })).rejects.toThrow(
    `rollout device ${device}: the model has experts, which rollouts compute on the CPU only`,
  );
});
