/** The engine on our own operators: a completion does not depend on the others, in any precision. */
import { describe, expect, it } from 'vitest';
import { type KernelOptions, PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { fromFloat32, toFloat32 } from '../../../../src/weights/index.js';
import {
  goldenAdapter,
  goldenCase,
  goldenCases,
  goldenSpec,
  goldenWeights,
  onnxCases,
} from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { testOperators } from '../../../support/operators.js';
import { expectSameBits, PRECISIONS, promptsOf } from './same-bits.js';

const golden = goldenCase('llama');
const spec = goldenSpec(golden);
const kernels = testOperators();

const create = (
  precision: KernelOptions['precision'],
  { maxRunTokens = 2048, weights = goldenWeights(golden) } = {},
) =>
  goldenSampler(golden, {
    ...{ weights, maxContext: 128, maxBatch: 40, maxRunTokens, threads: 2 },
    kernels: kernels(precision),
  });

const requests = promptsOf(spec.vocabSize, 48);
const params = { ...PLAIN_SAMPLING, maxNewTokens: 24, seed: 11 };

describe.each(PRECISIONS)('in %s', (precision) => {
  it('gives the same bits alone, in a batch and in another order', async () => {
    const sampler = await create(precision);
    sampler.setAdapter(goldenAdapter(golden));
    await expectSameBits(sampler, { requests, params, alone: [0, 5, 33, 47] });
    sampler.dispose();
  });

  it('computes a long prompt in pieces as in one', async () => {
    const [whole, pieces] = [
      await create(precision),
      await create(precision, { maxRunTokens: 16 }),
    ];
    const long = [
      { id: 'long', promptIds: requests.flatMap(({ promptIds }) => promptIds).slice(0, 90), n: 2 },
    ];
    const [a, b] = [await whole.generate(long, params), await pieces.generate(long, params)];
    expect(b.map(({ ids }) => ids)).toEqual(a.map(({ ids }) => ids));
    for (const sampler of [whole, pieces]) sampler.dispose();
  });

  it('shares weights with a sampler of the same, and not with one of others', async () => {
    const weights = goldenWeights(golden);
    const name = `model.layers.${spec.layers.length - 1}.mlp.down_proj.weight`;
    const changed = (wanted: string) => {
      const tensor = weights(wanted);
      if (wanted !== name) return tensor;
      const values = toFloat32(tensor);
      values[values.length - 1]! += 1;
      return fromFloat32(values, tensor.shape, 'float32');
    };
    const ids = [requests[5]!.promptIds];
    const first = await create(precision);
    const other = await create(precision, { weights: changed });
    const alone = await first.score(ids);
    const different = await other.score(ids);
    expect(different).not.toEqual(alone);
    const second = await create(precision);
    first.dispose();
    expect(await second.score(ids)).toEqual(alone);
    second.dispose();
    expect(await other.score(ids)).toEqual(different);
    other.dispose();
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
  it.each(onnxCases)('$case: is what ONNX Runtime computes', async (each) => {
    const weights = goldenWeights(each);
    const short = (name: string) => {
      const tensor = weights(name);
      return fromFloat32(toFloat32(tensor), tensor.shape, 'bfloat16');
    };
    const base = { weights: short, threads: 2 };
    const own = await goldenSampler(each, { ...base, kernels: kernels('float32') });
    const stock = await goldenSampler(each, base);
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

const halfToEven = (x: number): number => {
  const whole = Math.floor(x);
  if (x - whole !== 0.5) return Math.round(x);
  return whole % 2 === 0 ? whole : whole + 1;
};

/** Groups of 128 inputs of an output in whole steps, in 4 bits with the largest magnitude at −8; in float32. */
function rounded(values: Float32Array, [, inputs = 1]: readonly number[], bits: 4 | 8) {
  const out = new Float32Array(values.length);
  for (let row = 0; row < values.length; row += inputs)
    for (let start = row; start < row + inputs; start += 128) {
      const group = values.subarray(start, Math.min(start + 128, row + inputs));
      const largest = group.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
      const step = Math.fround(bits === 8 ? Math.abs(largest) / 127 : largest / -8);
      const inverse = step === 0 ? 0 : Math.fround(1 / step);
      for (const [i, value] of group.entries()) {
        const whole = halfToEven(Math.fround(value * inverse));
        out[start + i] = step * (bits === 8 ? whole : Math.max(-8, Math.min(7, whole)));
      }
    }
  return out;
}

describe('weights in fewer bits', () => {
  const mistral = goldenCase('mistral');
  // Several groups, the last one of another length, and a block that is not full.
  const wide = { ...goldenSpec(mistral), hiddenSize: 144, intermediateSize: 296 };
  const models = [
    ...goldenCases.map((each) => ({ name: each.case, each, spec: goldenSpec(each) })),
    { name: 'mistral, wide', each: mistral, spec: wide },
  ].filter(({ spec }) => !spec.tieWordEmbeddings);

  it.each(
    models.flatMap((model) => [
      { ...model, bits: 8 as const },
      { ...model, bits: 4 as const },
    ]),
  )('$name in $bits bits: as with the rounded weights in bfloat16', async (model) => {
    const { each, spec, bits } = model;
    const weights = goldenWeights(each, spec);
    const isLinear = (name: string) =>
      /(proj(?:_[a-z]+)?|w[123]|c_fc|dense|fc[12]|lm_head)[.]weight$/.test(name);
    const coarse = (name: string) => {
      const tensor = weights(name);
      if (!isLinear(name)) return tensor;
      const within = name.startsWith('lm_head') ? 8 : bits;
      return fromFloat32(rounded(toFloat32(tensor), tensor.shape, within), tensor.shape);
    };
    const base = { spec, threads: 2 };
    const precision = `int${bits}_weight_only` as const;
    const own = await goldenSampler(each, { ...base, kernels: kernels(precision) });
    const half = await goldenSampler(each, {
      ...{ ...base, weights: coarse },
      kernels: kernels('bfloat16'),
    });
    const sequences = requests
      .slice(0, 35)
      .map(({ promptIds }) => promptIds)
      .filter(({ length }) => length > 1);
    for (const sampler of [own, half]) sampler.setAdapter(goldenAdapter(each, spec));
    expect(await own.score(sequences)).toEqual(await half.score(sequences));
    for (const sampler of [own, half]) sampler.dispose();
  });
});
