import { expect, test } from 'vitest';
import { ggufTensors, interleaved } from '../../../src/gguf/tensors.js';
import type { RopeSpec } from '../../../src/model/spec.js';
import { sha256 } from '../../../src/util/files.js';
import { fromFloat32, toFloat32 } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';
import { architectureFor, CONVERTED, CONVERTER } from './converter.js';

const tensorsOf = (name: string, dtype: 'float32' | 'q8_0' = 'float32') => {
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
