import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { specFromConfig } from '../../../../src/model/index.js';
import type { JsonRow } from '../../../../src/util/files.js';

interface GoldenRope {
  readonly config: JsonRow;
  readonly invFreq: readonly number[];
  readonly scale: number;
}

const FILE = new URL('../../../fixtures/model/ropes.json', import.meta.url);
const golden = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, GoldenRope>;

test.each(Object.entries(golden))('%s: frequencies as in transformers', (_, expected) => {
  const [rope] = specFromConfig('config.json', expected.config).ropes;
  expect(rope!.invFreq).toBeAllclose(expected.invFreq, { rtol: 1e-5, atol: 0 });
  expect([rope!.scale]).toBeAllclose([expected.scale]);
  expect(rope!.rotaryDim).toBe(2 * expected.invFreq.length);
});

const specOf = (rope: JsonRow, modelType = 'llama') =>
  specFromConfig('config.json', {
    model_type: modelType,
    vocab_size: 96,
    hidden_size: 32,
    intermediate_size: 40,
    num_hidden_layers: 1,
    num_attention_heads: 4,
    max_position_embeddings: 128,
    ...rope,
  });

describe('the length that frequencies hold for', () => {
  test('dynamic and longrope change beyond it, so the context ends there', () => {
    const dynamic = specOf({ rope_scaling: { type: 'dynamic', factor: 4 } });
    expect([dynamic.ropes[0]!.maxLength, dynamic.maxPositions]).toEqual([128, 128]);
    const factors = { short_factor: [1, 1, 1, 1], long_factor: [2, 2, 2, 2] };
    const original = { original_max_position_embeddings: 32 };
    const longrope = specOf(
      { rope_scaling: { type: 'longrope', ...factors }, ...original },
      'phi3',
    );
    expect([longrope.ropes[0]!.maxLength, longrope.maxPositions]).toEqual([32, 32]);
  });

  test('the others hold for any', () => {
    const linear = specOf({ rope_scaling: { type: 'linear', factor: 4 } });
    expect([linear.ropes[0]!.maxLength, linear.maxPositions]).toEqual([undefined, 128]);
  });
});

test('a base inside rope_parameters comes before rope_theta', () => {
  const spec = specOf({
    rope_theta: 10,
    rope_parameters: { rope_theta: 16, rope_type: 'default' },
  });
  expect(spec.ropes[0]!.invFreq).toBeAllclose([1, 0.5, 0.25, 0.125]);
});

test('older Phi-3 checkpoints call longrope "su"', () => {
  const factors = { short_factor: [1, 2, 4, 8], long_factor: [2, 2, 2, 2] };
  const spec = specOf({ rope_theta: 16, rope_scaling: { type: 'su', ...factors } }, 'phi3');
  expect(spec.ropes[0]!.invFreq).toBeAllclose([1, 0.25, 0.0625, 0.015625]);
});

describe('what is refused, by the name of the field', () => {
  test.each([
    [{ rope_scaling: { type: 'mrope' } }, '"rope_scaling.rope_type" is "mrope"'],
    [{ rope_scaling: { type: 'linear' } }, '"rope_scaling.factor" is missing'],
    [{ rope_scaling: { type: 'linear', factor: 2, extra: 1 } }, '"rope_scaling.extra" (1)'],
    [{ rope_parameters: { rope_type: 'linear' } }, '"rope_parameters.factor" is missing'],
    [
      { rope_parameters: { partial_rotary_factor: 0.5 } },
      '"rope_parameters.partial_rotary_factor"',
    ],
    [{ partial_rotary_factor: 0.5 }, '"partial_rotary_factor" (0.5)'],
    [{ rope_scaling: 'linear' }, '"rope_scaling" is "linear", expected an object'],
    [
      { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: { rope_theta: 16 } },
      'null beside rope_parameters',
    ],
  ])('%o', (rope, message) => {
    expect(() => specOf(rope)).toThrow(message);
  });

  test('longrope with a list of the wrong length', () => {
    const factors = { short_factor: [1, 2], long_factor: [2, 2] };
    const values = { rope_scaling: { type: 'longrope', ...factors } };
    expect(() => specOf(values, 'phi3')).toThrow('"rope_scaling.short_factor" is [1,2]');
  });

  test.each([0.4, 0.01, 1.5])('%d of the head, which is no part that turns in pairs', (share) => {
    expect(() => specOf({ partial_rotary_factor: share }, 'phi3')).toThrow(
      `"partial_rotary_factor" is ${share}, expected an even part of head_dim (8)`,
    );
  });

  test.each([0.25, 1])('not %d of it', (share) => {
    const [rope] = specOf({ partial_rotary_factor: share }, 'phi3').ropes;
    expect(rope!.rotaryDim).toBe(8 * share);
  });
});
