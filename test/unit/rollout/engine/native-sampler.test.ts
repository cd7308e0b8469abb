/** The engine on our own operators: a completion does not depend on the others, in any precision. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createOnnxSampler, PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { fromFloat32, toFloat32 } from '../../../../src/weights/index.js';
import {
  goldenAdapter,
  goldenCase,
  goldenCases,
  goldenSpec,
  goldenWeights,
  letterTokenizer,
} from '../golden.js';
import { testOperators } from '../operators.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
let library: string;
beforeAll(async () => {
  library = await testOperators();
}, 120_000);

const create = (precision: 'float32' | 'bfloat16' | 'int8', maxRunTokens = 2048) =>
  createOnnxSampler({
    spec,
    weights: goldenWeights(golden),
    tokenizer: letterTokenizer(golden.eos),
    loraModules: golden.lora.modules,
    maxContext: 128,
    maxBatch: 40,
    maxRunTokens,
    threads: 2,
    kernels: { library, precision },
  });

const requests = Array.from({ length: 48 }, (_, i) => ({
  id: `prompt ${i}`,
  promptIds: Array.from(
    { length: 1 + ((i * 7) % 40) },
    (_, j) => (i * 31 + j * 17) % spec.vocabSize,
  ),
  n: 1,
}));
const params = { ...PLAIN_SAMPLING, maxNewTokens: 24, seed: 11 };

describe.each(['float32', 'bfloat16', 'int8'] as const)('in %s', (precision) => {
  it('gives the same bits alone, in a batch and in another order', async () => {
    const sampler = await create(precision);
    sampler.setAdapter(goldenAdapter(golden));
    const together = await sampler.generate(requests, params);
    const reordered = (await sampler.generate([...requests].reverse(), params)).reverse();
    for (const [i, { ids, logprobs }] of together.entries()) {
      expect(reordered[i]!.ids).toEqual(ids);
      expect(reordered[i]!.logprobs).toEqual(logprobs);
    }
    for (const i of [0, 5, 33, 47]) {
      const [alone] = await sampler.generate([requests[i]!], params);
      expect(alone!.ids).toEqual(together[i]!.ids);
      expect(alone!.logprobs).toEqual(together[i]!.logprobs);
    }
    sampler.dispose();
  });

  it('computes a long prompt in pieces as in one', async () => {
    const [whole, pieces] = [await create(precision), await create(precision, 16)];
    const long = [
      { id: 'long', promptIds: requests.flatMap(({ promptIds }) => promptIds).slice(0, 90), n: 2 },
    ];
    const [a, b] = [await whole.generate(long, params), await pieces.generate(long, params)];
    expect(b.map(({ ids }) => ids)).toEqual(a.map(({ ids }) => ids));
    for (const sampler of [whole, pieces]) sampler.dispose();
  });

  it('forgets the adapter that is taken off', async () => {
    const sampler = await create(precision);
    const before = await sampler.score([requests[5]!.promptIds]);
    sampler.setAdapter(goldenAdapter(golden));
    expect(await sampler.score([requests[5]!.promptIds])).not.toEqual(before);
    sampler.setAdapter(null);
    expect(await sampler.score([requests[5]!.promptIds])).toEqual(before);
    sampler.dispose();
  });
});

describe('float32 on the weights of a bfloat16 checkpoint', () => {
  it.each(goldenCases)('$case: is what ONNX Runtime computes', async (each) => {
    const weights = goldenWeights(each);
    const base = {
      spec: goldenSpec(each),
      weights: (name: string) => {
        const tensor = weights(name);
        return fromFloat32(toFloat32(tensor), tensor.shape, 'bfloat16');
      },
      tokenizer: letterTokenizer(each.eos),
      loraModules: each.lora.modules,
      maxContext: 64,
      threads: 2,
    };
    const own = await createOnnxSampler({ ...base, kernels: { library, precision: 'float32' } });
    const stock = await createOnnxSampler(base);
    const sequences = requests.slice(0, 35).map(({ promptIds }) => promptIds);
    const wanted = sequences.filter(({ length }) => length > 1);
    for (const adapter of [null, goldenAdapter(each)]) {
      for (const sampler of [own, stock]) sampler.setAdapter(adapter);
      const [ours, theirs] = [await own.score(wanted), await stock.score(wanted)];
      for (const [i, row] of ours.entries())
        for (const [t, logprob] of row.entries())
          expect(Math.abs(logprob - theirs[i]![t]!)).toBeLessThanOrEqual(2e-5);
    }
    for (const sampler of [own, stock]) sampler.dispose();
  });
});
