/** Heads of a gated delta rule in groups that take turns: the same numbers as all at once. */
import { expect, test } from 'vitest';
import { groupCount } from '../../../src/model/delta-groups.js';
import { DeltaCore } from '../../../src/model/fused/delta-core.js';
import { GeometryMaker } from '../../../src/model/geometry.js';
import { linearGroups } from '../../../src/model/spec-modules.js';
import { type Tensor, tf } from '../../../src/tensor/index.js';
import { toFloat32 } from '../../../src/weights/index.js';
import { relativeGap } from '../../support/gaps.js';
import { goldenCase, goldenTensor, goldenWeights } from '../../support/golden-models.js';
import { batchOf } from '../../support/token-rows.js';

const ids = (length: number) => Array.from({ length }, (_, t) => (t % 40) + 1);
const flat = (tensors: readonly Tensor[]) =>
  Float32Array.from(tensors.flatMap((tensor) => [...tensor.dataSync()]));

test('results and gradients by one group and by two', () => {
  const { name, spec } = goldenCase('qwen3_5');
  const weights = goldenWeights(name, spec);
  const maker = new GeometryMaker(spec);
  const batch = batchOf([ids(70), ids(9)]);
  const geometry = maker.of(batch);
  const tensorOf = (own: string, shape: readonly number[]) =>
    tf.tensor(toFloat32(goldenTensor(name, own, { shape, normMean: 0 })), shape as number[]);
  const context = {
    spec,
    geometry,
    routers: null,
    compute: 'float32' as const,
    float32: (own: string) => {
      const { shape } = weights(own);
      return tf.tensor(toFloat32(weights(own)), shape as number[]);
    },
    matrix: () => {
      throw new Error('no matrix without LoRA');
    },
    linears: () => [],
    expertLora: () => null,
  };
  const mixer = spec.layers[0]!;
  if (mixer.mixer !== 'gated_delta') throw new Error('another layer');
  tf.tidy(() => {
    const tokens = batch.ids.length;
    const outputs = linearGroups(spec, 0).mixerIn.map(({ module, outFeatures }) =>
      tensorOf(module, [tokens, outFeatures]).mul(8),
    );
    const dy = tensorOf('dy', [tokens, mixer.valueHeads * mixer.valueDim]);
    const [one, two] = [1, 2].map((groups) => {
      const core = new DeltaCore(context, { layer: 0, mixer, groups });
      return { y: flat([core.result(outputs)]), grads: flat(core.gradient(outputs, dy)) };
    });
    expect(relativeGap(two!.y, one!.y)).toBeLessThan(1e-5);
    expect(relativeGap(two!.grads, one!.grads)).toBeLessThan(1e-5);
  });
  geometry.dispose();
  maker.dispose();
});

test('as few groups as keep to the bytes, of equal size', () => {
  const mib = 2 ** 20;
  expect([1, 256, 257, 700, 1025, 9000].map((size) => groupCount(size * mib, 6))).toEqual([
    ...[1, 1, 2, 3, 6, 6],
  ]);
});
