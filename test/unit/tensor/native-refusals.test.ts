/** Our own operations refuse inputs that do not fit, by a message that names them; they read nothing of them. */
import { describe, expect, test } from 'vitest';
import { attr, executeOp, type OpAttr } from '../../../src/tensor/execute.js';
import { hasNativeOps, type Tensor, tf } from '../../../src/tensor/index.js';

const ones = (...shape: number[]): Tensor => tf.ones(shape);
const whole = (...values: number[]): Tensor => tf.tensor1d(values, 'int32');
const segments = (...rows: [number, number, number][]): Tensor =>
  tf.tensor2d(rows.flat(), [rows.length, 3], 'int32');

interface Call {
  readonly attrs: readonly OpAttr[];
  readonly inputs: () => Tensor[];
  readonly outputs: number;
}

const ATTENTION = [
  ...[attr.int('heads', 4), attr.int('kv_heads', 2), attr.int('window', 0)],
  ...[attr.float('scale', 1), attr.float('softcap', 0)],
];
const RUNS = () => segments([0, 3, -1], [3, 2, 0]);
const delta = () => [...[ones(5, 1, 4), ones(5, 1, 4), ones(5, 2, 3), ones(5, 2), ones(5, 2)]];
const product = (...factors: Tensor[]) => [
  ...factors,
  ...Array.from({ length: 6 - factors.length / 2 }, () => factors.slice(0, 2)).flat(),
];
const NORM = [attr.type('Y', 'float32'), attr.float('eps', 1), attr.float('offset', 0)];

/** Each on inputs that fit. */
const CALLS = {
  LorikeetAttention: {
    attrs: ATTENTION,
    inputs: () => [ones(5, 32), ones(5, 16), ones(5, 16), RUNS(), ones(4)],
    outputs: 2,
  },
  LorikeetAttentionGrad: {
    attrs: ATTENTION,
    inputs: () => [
      ...[ones(5, 32), ones(5, 16), ones(5, 16), ones(5, 32), ones(4, 5), ones(5, 32), RUNS()],
    ],
    outputs: 3,
  },
  LorikeetDeltaRule: { attrs: [], inputs: () => [...delta(), RUNS()], outputs: 1 },
  LorikeetDeltaRuleGrad: { attrs: [], inputs: () => [...delta(), ones(5, 6), RUNS()], outputs: 5 },
  LorikeetHead: {
    attrs: [
      ...[attr.float('logit_scale', 1), attr.float('softcap', 0), attr.float('temperature', 1)],
      attr.bool('jacobian', true),
    ],
    inputs: () => [ones(2, 4), ones(7, 4), whole(0, 6)],
    outputs: 2,
  },
  LorikeetRmsNorm: { attrs: NORM, inputs: () => [ones(2, 4), ones(4)], outputs: 1 },
  LorikeetRmsNormGrad: {
    attrs: NORM,
    inputs: () => [ones(2, 4), ones(4), ones(2, 4), ones(2, 4)],
    outputs: 1,
  },
  LorikeetRope: {
    attrs: [attr.int('head_dim', 4), attr.bool('neighbours', false), attr.float('sign', 1)],
    inputs: () => [ones(2, 8), whole(0, 9), ones(10, 2), ones(10, 2)],
    outputs: 1,
  },
  LorikeetGated: {
    attrs: [attr.int('kind', 0)],
    inputs: () => [ones(2, 4), ones(2, 4)],
    outputs: 1,
  },
  LorikeetGatedGrad: {
    attrs: [attr.int('kind', 0)],
    inputs: () => [ones(2, 4), ones(2, 4), ones(2, 4)],
    outputs: 2,
  },
  LorikeetDropout: {
    attrs: [attr.float('rate', 0.5), attr.bool('adds', true)],
    inputs: () => [ones(2, 4), tf.scalar(1, 'int32'), ones(2, 4)],
    outputs: 1,
  },
  LorikeetConvolution: {
    attrs: [attr.int('N', 1)],
    inputs: () => [ones(3, 4), ones(4, 1, 2), whole(3, 0, 1)],
    outputs: 1,
  },
  LorikeetConvolutionGrad: {
    attrs: [attr.int('N', 1), attr.bool('of_kernel', true)],
    inputs: () => [ones(3, 4), ones(4, 1, 2), ones(3, 4), whole(3, 0, 1)],
    outputs: 2,
  },
  LorikeetFourBit: {
    attrs: [
      ...[attr.type('Y', 'float32'), attr.int('rows', 2), attr.int('columns', 64)],
      attr.float('offset', 0),
    ],
    inputs: () => [ones(16), ones(256, 2), ones(2), ones(0), ones(0)],
    outputs: 1,
  },
  LorikeetGemm: {
    attrs: [
      ...[attr.type('Y', 'float32'), attr.float('alpha', [1, 1]), attr.int('transpose', [1, 0])],
      ...[attr.int('offset', [0, 1]), attr.float('out_scale', 1)],
    ],
    inputs: () => [...product(ones(2, 4), ones(3, 4), ones(2, 5), ones(4, 3)), ones(3), ones(2, 3)],
    outputs: 1,
  },
  LorikeetGatedGemm: {
    attrs: [
      ...[attr.int('counts', [1, 2]), attr.int('offset', [0, 0, 0, 0])],
      ...[attr.float('alpha', [1, 1, 1, 1]), attr.int('kind', 0), attr.bool('keeps', true)],
    ],
    inputs: () => [
      ...[ones(2, 4), ones(3, 4), ones(2, 4), ones(3, 4)],
      ...[ones(2, 4), ones(3, 4), ones(2, 2), ones(3, 2)],
    ],
    outputs: 3,
  },
  LorikeetGemmOverRows: {
    attrs: [
      ...[attr.int('offset', 1), attr.int('columns', 2), attr.float('alpha', 1)],
      attr.bool('transpose_out', false),
    ],
    inputs: () => [ones(5, 3), ones(5, 4)],
    outputs: 1,
  },
} satisfies Record<string, Call>;

type Name = keyof typeof CALLS;

/** An input in place of the one at an index, and what is said of it. */
const REFUSED: readonly (readonly [Name, string, number, () => Tensor, RegExp])[] = [
  ['LorikeetAttention', 'keys of other tokens', 1, () => ones(4, 16), /do not fit/],
  ['LorikeetAttention', 'wide values', 2, () => ones(5, 32), /do not fit/],
  ['LorikeetAttention', 'a run beyond the tokens', 3, () => segments([0, 6, -1]), /no runs/],
  ['LorikeetAttention', 'a run before them', 3, () => segments([-1, 6, -1]), /no runs/],
  ['LorikeetAttention', 'its own prefix', 3, () => segments([0, 5, 0]), /no runs/],
  ['LorikeetAttention', 'rows of two', 3, () => tf.zeros([2, 2], 'int32'), /no runs/],
  ['LorikeetAttention', 'sinks of other heads', 4, () => ones(2), /not one sink/],
  ['LorikeetAttentionGrad', 'narrow queries', 0, () => ones(5, 28), /do not fit/],
  ['LorikeetAttentionGrad', 'fewer outputs', 3, () => ones(4, 32), /outputs do not fit/],
  ['LorikeetAttentionGrad', 'sums of other heads', 4, () => ones(2, 5), /sums of scores/],
  ['LorikeetAttentionGrad', 'a narrow gradient', 5, () => ones(5, 16), /outputs do not fit/],
  ['LorikeetAttentionGrad', 'a later prefix', 6, () => segments([0, 3, 1], [3, 2, -1]), /no runs/],
  ['LorikeetDeltaRule', 'keys of other heads', 1, () => ones(5, 2, 4), /do not fit/],
  ['LorikeetDeltaRule', 'fewer rates', 4, () => ones(4, 2), /do not fit/],
  ['LorikeetDeltaRule', 'a run beyond the tokens', 5, () => segments([3, 3, -1]), /no runs/],
  ['LorikeetDeltaRuleGrad', 'a narrow gradient', 5, () => ones(5, 5), /do not fit/],
  ['LorikeetHead', 'a wider head', 1, () => ones(7, 5), /inner sizes/],
  ['LorikeetHead', 'a target beyond the vocabulary', 2, () => whole(0, 7), /targets/],
  ['LorikeetHead', 'a target below it', 2, () => whole(-100, 0), /targets/],
  ['LorikeetHead', 'fewer targets', 2, () => whole(0), /targets/],
  ['LorikeetRmsNorm', 'fewer weights', 1, () => ones(3), /no rows/],
  ['LorikeetRmsNorm', 'no weights', 1, () => ones(0), /no rows/],
  ['LorikeetRmsNormGrad', 'fewer gradients', 2, () => ones(1, 4), /gradient for each/],
  ['LorikeetRmsNormGrad', 'a small addend', 3, () => ones(1, 4), /another size/],
  ['LorikeetRope', 'a position beyond the tables', 1, () => whole(0, 10), /positions/],
  ['LorikeetRope', 'a position below them', 1, () => whole(-1, 0), /positions/],
  ['LorikeetRope', 'fewer positions', 1, () => whole(0), /positions/],
  ['LorikeetRope', 'fewer sines', 3, () => ones(9, 2), /tables/],
  ['LorikeetRope', 'heads that are cut', 0, () => ones(2, 6), /rotations do not fit/],
  ['LorikeetGated', 'other rows', 1, () => ones(1, 4), /differ in shape/],
  ['LorikeetGatedGrad', 'fewer gradients', 2, () => ones(1, 4), /differ in shape/],
  ['LorikeetDropout', 'a small addend', 2, () => ones(1, 4), /another size/],
  ['LorikeetConvolution', 'a tap more', 1, () => ones(4, 1, 3), /kernel or places/],
  ['LorikeetConvolution', 'a place beyond', 2, () => whole(4, 0, 1), /kernel or places/],
  ['LorikeetConvolution', 'a place below', 2, () => whole(3, -1, 1), /kernel or places/],
  ['LorikeetConvolutionGrad', 'fewer inputs', 2, () => ones(2, 4), /gradient for each/],
  ['LorikeetFourBit', 'fewer codes', 0, () => ones(15), /codes or magnitudes/],
  ['LorikeetFourBit', 'a short table', 1, () => ones(16, 2), /codes or magnitudes/],
  ['LorikeetFourBit', 'fewer magnitudes', 2, () => ones(1), /codes or magnitudes/],
  ['LorikeetGemm', 'another inner size', 1, () => ones(3, 5), /inner sizes/],
  ['LorikeetGemm', 'other rows', 2, () => ones(1, 5), /inner sizes/],
  ['LorikeetGemm', 'other columns', 3, () => ones(4, 2), /inner sizes/],
  ['LorikeetGemm', 'a factor of one axis', 3, () => ones(4), /no matrices/],
  ['LorikeetGemm', 'a short bias', 12, () => ones(2), /bias/],
  ['LorikeetGemm', 'a small residual', 13, () => ones(1, 3), /residual/],
  ['LorikeetGatedGemm', 'other columns', 7, () => ones(2, 2), /inner sizes/],
  ['LorikeetGatedGemm', 'another inner size', 5, () => ones(3, 5), /inner sizes/],
  ['LorikeetGemmOverRows', 'other rows', 0, () => ones(4, 3), /rows differ/],
  ['LorikeetGemmOverRows', 'fewer columns', 0, () => ones(5, 2), /no such columns/],
];

describe.skipIf(!hasNativeOps())('our own operations', () => {
  const run = (name: Name, inputs: readonly Tensor[]) =>
    executeOp(name, CALLS[name].attrs, inputs, CALLS[name].outputs).map((x) => x.dataSync());

  test.each(Object.keys(CALLS) as Name[])('%s computes what fits', (name) => {
    tf.tidy(() => {
      for (const values of run(name, CALLS[name].inputs()))
        expect([...values].every(Number.isFinite)).toBe(true);
    });
  });

  test.each(REFUSED)('%s refuses %s', (name, _, index, other, message) => {
    tf.tidy(() => {
      const inputs = CALLS[name].inputs();
      inputs[index] = other();
      expect(() => run(name, inputs)).toThrow(message);
      expect(() => run(name, inputs)).toThrow(name);
    });
  });

  test('heads that do not share keys are refused', () => {
    const attrs = [attr.int('heads', 3), ...ATTENTION.slice(1)];
    tf.tidy(() => {
      const inputs = CALLS.LorikeetAttention.inputs();
      expect(() => executeOp('LorikeetAttention', attrs, inputs, 2)).toThrow(/share keys evenly/);
    });
  });
});
