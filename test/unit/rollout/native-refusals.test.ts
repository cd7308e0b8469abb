/** Our own operators refuse inputs that do not fit, by a message, and say where memory ran out; they read nothing of them. */
import { describe, expect, it } from 'vitest';
import { type Attributes, GraphBuilder } from '../../../src/rollout/onnx/graph-builder.js';
import { encodeGraph } from '../../../src/rollout/onnx/model-files.js';
import type { ElementType } from '../../../src/rollout/onnx/schema.js';
import { loadKernels } from '../../../src/rollout/ort/kernels.js';
import { OrtSession } from '../../../src/rollout/ort/session.js';
import { tensorOver } from '../../../src/rollout/ort/tensor.js';
import { elementCount } from '../../../src/util/shape.js';
import { testOperators } from '../../support/operators.js';

const kernels = testOperators();
const LENGTHS = 'lengths';

interface Operator {
  readonly name: 'Linear' | 'Experts' | 'Attention';
  readonly attributes: Attributes;
  /** Shapes in the order of the operator's inputs; null for one that is absent. */
  readonly inputs: Readonly<Record<string, readonly number[] | null>>;
  /** Constants of ones behind them. */
  readonly weights?: readonly (readonly number[])[];
  readonly types?: Readonly<Record<string, ElementType>>;
  readonly lengths?: readonly number[];
}

/** Runs a graph of one node on inputs of ones. @returns its output of [rows, columns]; null: the largest of it */
async function outputOf(
  { name, attributes, inputs, weights = [], types = {}, lengths = [] }: Operator,
  size: readonly [number, number] | null,
): Promise<number[]> {
  const graph = new GraphBuilder();
  const given = Object.entries(inputs).flatMap(([key, shape]) => (shape ? [{ key, shape }] : []));
  const typeOf = (key: string) => types[key] ?? (key === LENGTHS ? 'int32' : 'float32');
  for (const { key, shape } of given)
    graph.input(
      key,
      typeOf(key),
      shape.map((_, axis) => `${key}.${axis}`),
    );
  const constants = weights.map((shape, i) =>
    graph.constant(`w${i}`, new Float32Array(elementCount(shape)).fill(1), shape),
  );
  const values = Object.entries(inputs).map(([key, shape]) => (shape ? key : ''));
  const all = [...values, ...constants];
  const y = graph.node(name, all, { domain: 'lorikeet', attributes });
  const result = size ? y : graph.node('ReduceMax', [y], { attributes: { keepdims: 0 } });
  graph.output(result, 'float32', size ? ['rows', 'columns'] : []);
  const session = OrtSession.create(encodeGraph(graph.build(name)), {
    threads: 1,
    kernels: loadKernels(kernels('float32').library),
  });
  const binding = session.createBinding();
  for (const { key, shape } of given) {
    const type = typeOf(key);
    const size = elementCount(shape);
    const ones =
      type === 'bfloat16' ? new Uint16Array(size).fill(0x3f80) : new Float32Array(size).fill(1);
    binding.bindInput(
      key,
      tensorOver(key === LENGTHS ? Int32Array.from(lengths) : ones, shape, type),
    );
  }
  const found = new Float32Array(size ? elementCount(size) : 1);
  binding.bindOutput(result, tensorOver(found, size ?? []));
  try {
    await session.run(binding);
    return [...found];
  } finally {
    binding.dispose();
    session.dispose();
  }
}

const LINEAR: Operator = {
  name: 'Linear',
  attributes: { kind: 0, parts: 2 },
  inputs: {
    ...{ x: [2, 4], norm: [4], addend: [2, 3], factor: [2, 1], bias: [3] },
    ...{ a: [32, 4], b: [32, 32] },
  },
  weights: [
    [1, 4],
    [2, 4],
  ],
};

const EXPERTS: Operator = {
  name: 'Experts',
  attributes: { kind: 0, experts: 2, per_token: 1, gated: 1 },
  inputs: {
    ...{ x: [3, 4], norm: [4], logits: [3, 2] },
    ...{ gate_a: null, gate_b: null, down_a: null, down_b: null },
    ...{ gate_bias: [20], down_bias: [8] },
  },
  weights: [
    ...[
      [5, 4],
      [5, 4],
      [4, 5],
    ],
    ...[
      [5, 4],
      [5, 4],
      [4, 5],
    ],
  ],
};

const ADAPTED_EXPERTS: Operator = {
  ...EXPERTS,
  inputs: {
    ...EXPERTS.inputs,
    ...{ gate_a: [64, 4], gate_b: [64, 32], down_a: [64, 5], down_b: [64, 32] },
  },
};

/** Two rows of three tokens, of which the first has ten before them; two heads that share keys. */
const ATTENTION: Operator = {
  name: 'Attention',
  attributes: { num_heads: 2, kv_num_heads: 1, scale: 0.25, norm: 1 },
  inputs: {
    ...{ qkv: [6, 64], keys: [2, 1, 16, 16], values: [2, 1, 16, 16], lengths: [2] },
    ...{ cos: [13, 8], sin: [13, 8], query_norm: [16], key_norm: [16], sinks: [2] },
  },
  lengths: [12, 2],
};

type Change = Partial<Omit<Operator, 'name'>>;

const changed = (operator: Operator, change: Change): Operator => ({
  ...operator,
  ...change,
  attributes: { ...operator.attributes, ...change.attributes },
  inputs: { ...operator.inputs, ...change.inputs },
});

const REFUSED: readonly (readonly [string, Operator, Change, RegExp])[] = [
  ['rows of another length', LINEAR, { inputs: { x: [2, 5] } }, /rows are not as long/],
  ['rows of three axes', LINEAR, { inputs: { x: [2, 2, 2] } }, /rows are not as long/],
  ['rows of five axes', LINEAR, { inputs: { x: [2, 1, 1, 1, 4] } }, /more axes/],
  ['a short norm', LINEAR, { inputs: { norm: [3] } }, /norm is not as long/],
  ['a small addend', LINEAR, { inputs: { addend: [1, 3] } }, /addend is not as large/],
  ['factors of other rows', LINEAR, { inputs: { factor: [1, 1] } }, /not one factor/],
  ['a short bias', LINEAR, { inputs: { bias: [2] } }, /not one bias/],
  ['half an adapter', LINEAR, { inputs: { b: null } }, /half an adapter/],
  ['an adapter of other inputs', LINEAR, { inputs: { a: [32, 3] } }, /not packed/],
  ['an adapter of other outputs', LINEAR, { inputs: { b: [64, 32] } }, /not packed/],
  ['an adapter of another rank', LINEAR, { inputs: { b: [32, 64] } }, /not packed/],
  ['an adapter of another type', LINEAR, { types: { a: 'bfloat16' } }, /another type/],
  [
    'weights of other inputs',
    LINEAR,
    {
      weights: [
        [1, 4],
        [2, 5],
      ],
    },
    /matrices of as many/,
  ],
  ['a weight that is no matrix', LINEAR, { weights: [[4], [2, 4]] }, /matrices of as many/],
  ['no weights', LINEAR, { attributes: { parts: 0 } }, /no weights/],
  ['a weight that is missing', LINEAR, { attributes: { parts: 3 } }, /./],
  ['half a gate', LINEAR, { attributes: { gated: 1 } }, /as many gates/],
  ['a kind that there is none of', LINEAR, { attributes: { kind: 3 } }, /there are none of/],
  ['bits that there are none of', LINEAR, { attributes: { weight_bits: 2 } }, /there are none of/],
  ['rows of another length', EXPERTS, { inputs: { x: [3, 3] } }, /rows are not as long/],
  ['a short norm', EXPERTS, { inputs: { norm: [3] } }, /norm is not as long/],
  ['logits of other rows', EXPERTS, { inputs: { logits: [2, 2] } }, /not one logit/],
  ['more experts than there are', EXPERTS, { attributes: { per_token: 3 } }, /more than there are/],
  ['no experts', EXPERTS, { attributes: { experts: 0 } }, /more than there are/],
  ['gates without biases', EXPERTS, { inputs: { gate_bias: [10] } }, /not one bias for each gate/],
  [
    'results without biases',
    EXPERTS,
    { inputs: { down_bias: [4] } },
    /not one bias for each result/,
  ],
  ['half an adapter', ADAPTED_EXPERTS, { inputs: { down_b: null } }, /half an adapter/],
  ['adapters of one expert', ADAPTED_EXPERTS, { inputs: { gate_a: [32, 4] } }, /not packed/],
  ['adapters of half a rank', ADAPTED_EXPERTS, { inputs: { down_a: [65, 5] } }, /not packed/],
  [
    'experts of different widths',
    EXPERTS,
    {
      weights: [
        [5, 4],
        [5, 4],
        [4, 5],
        [6, 4],
        [6, 4],
        [4, 6],
      ],
    },
    /shapes of weights/,
  ],
  ['sinks of other heads', ATTENTION, { inputs: { sinks: [1] } }, /not one sink/],
  ['heads that do not share', ATTENTION, { attributes: { kv_num_heads: 3 } }, /share keys evenly/],
  ['no heads', ATTENTION, { attributes: { kv_num_heads: 0 } }, /share keys evenly/],
  ['values of another length', ATTENTION, { inputs: { values: [2, 1, 32, 16] } }, /one shape/],
  ['values of another type', ATTENTION, { types: { values: 'bfloat16' } }, /one shape/],
  ['projections of other rows', ATTENTION, { inputs: { qkv: [7, 64] } }, /do not fit/],
  ['narrow projections', ATTENTION, { inputs: { qkv: [6, 48] } }, /do not fit/],
  [
    'one length for two rows',
    ATTENTION,
    { inputs: { lengths: [1] }, lengths: [12] },
    /not one length/,
  ],
  ['a row beyond the cache', ATTENTION, { lengths: [16, 2] }, /longer than the cache/],
  ['a row shorter than the run', ATTENTION, { lengths: [12, 1] }, /shorter than the run/],
  [
    'rotations of fewer positions',
    ATTENTION,
    { inputs: { cos: [12, 8], sin: [12, 8] } },
    /rotations do not fit/,
  ],
  [
    'rotations wider than heads',
    ATTENTION,
    { inputs: { cos: [13, 9], sin: [13, 9] } },
    /rotations do not fit/,
  ],
  ['fewer sines', ATTENTION, { inputs: { sin: [12, 8] } }, /as many sines/],
  ['no sines', ATTENTION, { inputs: { sin: null } }, /lack their sines/],
  ['a short norm', ATTENTION, { inputs: { key_norm: [8] } }, /as long as what it is of/],
  ['no norm', ATTENTION, { inputs: { query_norm: null } }, /lacks its weights/],
];

describe('what fits is computed', () => {
  it('by Linear', async () => {
    // Rows of ones have the norm 1. (4 + bias 1 + 4 · 32 ranks) · 1 + 1.
    const y = await outputOf(LINEAR, [2, 3]);
    for (const value of y) expect(value).toBeCloseTo(134, 2);
  });

  it('by Experts', async () => {
    // silu(4 + 1) · (4 + 1) through five inner units, plus 1, and half of each token's probability.
    const y = await outputOf(EXPERTS, [3, 4]);
    for (const value of y) expect(value).toBeCloseTo(0.5 * ((5 * 25) / (1 + Math.exp(-5)) + 1), 2);
  });

  it('by Experts with adapters', async () => {
    // Gate and up are 4 + 1 + 4 · 32, down is that of five inner units, and 32 times as much, plus 1.
    const y = await outputOf(ADAPTED_EXPERTS, [3, 4]);
    for (const value of y) expect(value / (0.5 * (33 * 5 * 133 ** 2 + 1))).toBeCloseTo(1, 3);
  });

  it('by Attention', async () => {
    // The second row begins: its values are all ones. Heads turn to 0 and 2, half of each: scores are 8 · 4 / 4, sinks 1.
    const y = await outputOf(ATTENTION, [6, 32]);
    for (const [i, value] of y.slice(96).entries()) {
      const seen = 1 + Math.floor(i / 32);
      expect(value).toBeCloseTo(seen / (seen + Math.exp(1 - 8)), 5);
    }
  });
});

describe('what does not fit is refused', () => {
  it.each(REFUSED)('%s', async (_, operator, change, message) => {
    await expect(outputOf(changed(operator, change), [2, 3])).rejects.toThrow(message);
  });
});

it('memory that ran out is said to have', async () => {
  const [rows, columns] = [2 ** 24, 2 ** 22];
  const large: Operator = {
    ...{ name: 'Linear', attributes: { kind: 0, parts: 1 } },
    inputs: { x: [rows, 1], norm: null, addend: null, factor: null, bias: null, a: null, b: null },
    weights: [[columns, 1]],
  };
  // 2 ** 48 bytes, more than an address space holds.
  await expect(outputOf(large, null)).rejects.toThrow(/^rollouts: memory ran out/);
});
