/** The CUDA provider where ONNX Runtime has none: refused with the reason, never computed elsewhere. */
import { expect, it } from 'vitest';
import { SetupError } from '../../../../src/util/errors.js';
import { goldenCase } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';

it('is refused, with what to do', async () => {
  const device = { type: 'bfloat16', device: 'cuda', memoryLimit: 2 ** 30 } as const;
  const opened = goldenSampler(goldenCase('llama'), device);
  await expect(opened).rejects.toThrow(SetupError);
  await expect(opened).rejects.toThrow(/^rollout device cuda: .*use rollout_device=cpu$/);
});
