import { expect, test } from 'vitest';
import { interleaved, valueHeadsTiled } from '../../../src/gguf/row-order.js';
import { asRead, ggufTensors } from '../../../src/gguf/tensors.js';
import type { GgufDtype } from '../../../src/gguf/types.js';
import type { RopeSpec } from '../../../src/model/spec.js';
import { sha256 } from '../../../src/util/files.js';
import { fromFloat32, toFloat32 } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';
import { architectureFor, CONVERTED, CONVERTER } from './converter.js';

const tensorsOf = (name: string, dtype: GgufDtype = 'float32') => {
  const { spec } = goldenCase(name);
  const weights = goldenWeights(name, spec);
  return ggufTensors({ spec, weights, architecture: architectureFor(spec), dtype });
};

/** Softmax scale of the golden decoder over 1/√head_dim, which llama.cpp computes: in the queries. */
const FOLDED: Readonly<Record<string, readonly [end: string, factor: number]>> = {
  gemma2: ['attn_q.weight', Math.sqrt(16 / 24)],
  gemma3: ['attn_q_norm.weight', Math.sqrt(8 / 12)],
};

test.each(CONVERTED)("%s: the tensors of llama.cpp's converter", (name) => {
  const { tensors: expected } = CONVERTER.families[name]!;
  const found = tensorsOf(name);
  expect(found.map((tensor) => tensor.name).sort()).toEqual(Object.keys(expected).sort());
  const [end, factor] = FOLDED[name] ?? ['rope_freqs.weight', 1];
  for (const { name: tensor, shape, bytes } of found) {
    const [expectedShape, digest] = expected[tensor]!;
    expect([tensor, shape]).toEqual([tensor, expectedShape]);
    if (!tensor.endsWith(end)) {
      expect([tensor, sha256(bytes()).slice(0, 16)]).toEqual([tensor, digest]);
    }
  }
  if (factor !== 1) {
    const { spec } = goldenCase(name);
    const own = toFloat32(goldenWeights(name, spec)(SOURCES[end]!));
    const folded = found.find((tensor) => tensor.name === `blk.0.${end}`)!;
    const values = toFloat32({ dtype: 'float32', shape: folded.shape, bytes: folded.bytes() });
    const offset = name === 'gemma3' ? 1 : 0;
    expect(values).toBeAllclose([...own].map((value) => (value + offset) * factor));
  }
});

const SOURCES: Readonly<Record<string, string>> = {
  'attn_q.weight': 'model.layers.0.self_attn.q_proj.weight',
  'attn_q_norm.weight': 'model.layers.0.self_attn.q_norm.weight',
};

test('the divisors of llama3 make the scaled frequencies', () => {
  const [{ invFreq, theta }] = goldenCase('llama-llama3').spec.ropes as [RopeSpec];
  const { shape, bytes } = tensorsOf('llama-llama3').find(
    ({ name }) => name === 'rope_freqs.weight',
  )!;
  const divisors = toFloat32({ dtype: 'float32', shape, bytes: bytes() });
  expect(divisors.map((divisor, i) => theta ** (-i / 4) / divisor)).toBeAllclose([...invFreq]);
});

test('rows of each head: halves become neighbours', () => {
  // Two heads of four dimensions: 0 1 | 2 3 and 4 5 | 6 7.
  const rows = fromFloat32(Float32Array.from([0, 1, 2, 3, 4, 5, 6, 7]), [8]);
  expect([...toFloat32(interleaved(rows, 4))]).toEqual([0, 2, 1, 3, 4, 6, 5, 7]);
});

test('value heads of a delta rule: those of the same key head come apart', () => {
  const mixer = { ...DELTA, keyHeads: 2, valueHeads: 6, keyDim: 1, valueDim: 2 };
  const row = (count: number) => fromFloat32(Float32Array.from(Array(count).keys()), [count]);
  const tiled = (count: number, part: string) => [
    ...toFloat32(valueHeadsTiled(row(count), mixer, part)),
  ];
  // Key head 0 has the values 0, 1, 2, key head 1 the values 3, 4, 5.
  expect(tiled(6, 'A_log')).toEqual([0, 3, 1, 4, 2, 5]);
  // Two rows of queries and two of keys stay in front; then two rows a value head.
  expect(tiled(16, 'conv1d')).toEqual([0, 1, 2, 3, 4, 5, 10, 11, 6, 7, 12, 13, 8, 9, 14, 15]);
  expect(tiled(2, 'norm')).toEqual([0, 1]);
});

const DELTA = {
  mixer: 'gated_delta',
  taps: 4,
  keyHeads: 1,
  valueHeads: 1,
  keyDim: 1,
  valueDim: 1,
} as const;

test('experts are one tensor, in their order', () => {
  const { spec } = goldenCase('olmoe');
  const own = goldenWeights('olmoe', spec);
  const { shape, bytes } = tensorsOf('olmoe').find(
    ({ name }) => name === 'blk.1.ffn_down_exps.weight',
  )!;
  expect(shape).toEqual([6, 16, 24]);
  const experts = Array.from({ length: 6 }, (_, i) => [
    ...toFloat32(own(`model.layers.1.mlp.experts.${i}.down_proj.weight`)),
  ]);
  expect([...toFloat32({ dtype: 'float32', shape, bytes: bytes() })]).toEqual(experts.flat());
});

test.each(CONVERTED)('%s: the matrices that stay float32', (name) => {
  const matrices = tensorsOf(name, 'bfloat16').filter(({ shape }) => shape.length > 1);
  const kept = matrices.filter(({ dtype }) => dtype === 'float32').map((tensor) => tensor.name);
  expect(kept.sort()).toEqual(CONVERTER.families[name]!.float32);
  const others = matrices.filter(({ dtype }) => dtype === 'bfloat16');
  expect(kept.length + others.length).toBe(matrices.length);
});

test('a reader has routers as they are, and experts rounded', () => {
  const { spec } = goldenCase('olmoe');
  const read = asRead({ spec, weights: goldenWeights('olmoe', spec) }, 'bfloat16');
  const dtypeIn = (part: string) => read(`model.layers.0.mlp.${part}.weight`).dtype;
  expect([dtypeIn('gate'), dtypeIn('experts.0.up_proj')]).toEqual(['float32', 'bfloat16']);
});

test('rows of 40 do not divide into blocks of 32', () => {
  const dtypes = new Map(tensorsOf('llama', 'q8_0').map(({ name, dtype }) => [name, dtype]));
  expect(dtypes.get('blk.0.ffn_up.weight')).toBe('q8_0');
  expect(dtypes.get('blk.0.ffn_down.weight')).toBe('float16');
  expect(dtypes.get('blk.0.attn_norm.weight')).toBe('float32');
});

test('a head that OLMo 2 ties to its embeddings is written twice', () => {
  const { spec } = goldenCase('olmo2');
  const tied = { ...spec, tieWordEmbeddings: true };
  const weights = goldenWeights('olmo2', tied);
  const architecture = architectureFor(tied);
  const found = ggufTensors({ spec: tied, weights, architecture, dtype: 'float32' });
  const bytesOf = (name: string) => found.find((tensor) => tensor.name === name)!.bytes();
  expect(bytesOf('output.weight')).toEqual(bytesOf('token_embd.weight'));
});
