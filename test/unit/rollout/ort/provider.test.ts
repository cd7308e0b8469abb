/** The CUDA provider where ONNX Runtime has none: refused with the reason, never computed elsewhere. */
import { expect, it } from 'vitest';
import { createOnnxSampler } from '../../../../src/rollout/index.js';
import { SetupError } from '../../../../src/util/errors.js';
import { goldenCase, goldenSpec, goldenWeights, letterTokenizer } from '../golden.js';

it('is refused, with what to do', async () => {
  const golden = goldenCase('llama');
  const opened = createOnnxSampler({
    spec: goldenSpec(golden),
    weights: goldenWeights(golden),
    tokenizer: letterTokenizer(golden.eos),
    maxContext: 32,
    type: 'bfloat16',
    device: 'cuda',
    memoryLimit: 2 ** 30,
  });
  await expect(opened).rejects.toThrow(SetupError);
  await expect(opened).rejects.toThrow(/^rollout device cuda: .*use rollout_device=cpu$/);
});
