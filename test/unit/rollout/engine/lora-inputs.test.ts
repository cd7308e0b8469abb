import { describe, expect, it } from 'vitest';
import type { DecoderSpec } from '../../../../src/model/spec.js';
import { LoraInputs } from '../../../../src/rollout/engine/lora-inputs.js';
import type { HostTensor } from '../../../../src/rollout/ort/tensor.js';
import { InputError } from '../../../../src/util/errors.js';
import {
  type Adapter,
  adapterHash,
  fromFloat32,
  loraConfig,
} from '../../../../src/weights/index.js';
import { goldenCase, goldenSpec } from '../../../support/golden-rollouts.js';

const Q = 'model.layers.0.self_attn.q_proj';
const V = 'model.layers.0.self_attn.v_proj';
const DOWN = 'model.layers.1.mlp.down_proj';

/** Hidden 2, one head of 2, so that whole matrices can be written down. */
const spec: DecoderSpec = {
  ...goldenSpec(goldenCase('llama')),
  hiddenSize: 2,
  intermediateSize: 3,
  numHeads: 1,
  numKvHeads: 1,
  headDim: 2,
};

function pair(a: number[], b: number[], shapes: { r: number; in: number; out: number }, scale = 1) {
  return {
    a: fromFloat32(Float32Array.from(a), [shapes.r, shapes.in]),
    b: fromFloat32(Float32Array.from(b), [shapes.out, shapes.r]),
    scale,
  };
}

function adapterOf(tensors: [string, ReturnType<typeof pair>][]): Adapter {
  const config = loraConfig({ r: 1, loraAlpha: 1, targetModules: tensors.map(([name]) => name) });
  return { config, baseModel: 'base', tensors: new Map(tensors) };
}

function values(inputs: LoraInputs, name: string) {
  const tensor = inputs.inputs().get(name)!;
  return { shape: tensor.shape, data: [...((tensor as HostTensor).data as Float32Array)] };
}

describe('LoraInputs', () => {
  it('stacks A and lays scaled B along the diagonal, ranks as they come', () => {
    const inputs = new LoraInputs(spec, [Q, V, DOWN]);
    const adapter = adapterOf([
      [Q, pair([1, 2], [3, 4], { r: 1, in: 2, out: 2 }, 10)],
      [V, pair([5, 6, 7, 8], [1, 2, 3, 4], { r: 2, in: 2, out: 2 }, 0.5)],
    ]);
    expect(inputs.write(adapter)).toBe(true);
    expect(values(inputs, 'lora_a.layers.0.qkv')).toEqual({
      shape: [3, 2],
      data: [1, 2, 5, 6, 7, 8],
    });
    // Rows: q (2), k (2, without an adapter), v (2). Columns: rank 1 of q, rank 2 of v.
    expect(values(inputs, 'lora_b.layers.0.qkv')).toEqual({
      shape: [6, 3],
      data: [30, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1, 0, 1.5, 2],
    });
    expect(values(inputs, 'lora_a.layers.1.down')).toEqual({ shape: [0, 3], data: [] });
    expect([...inputs.inputs().keys()]).toEqual([
      'lora_a.layers.0.qkv',
      'lora_b.layers.0.qkv',
      'lora_a.layers.1.down',
      'lora_b.layers.1.down',
    ]);
    inputs.dispose();
  });

  it('keeps the tensors for a new version of the same ranks, and has the hash of the version', () => {
    const inputs = new LoraInputs(spec, [DOWN]);
    const version = (x: number) =>
      adapterOf([[DOWN, pair([x, 0, 0], [1, 1], { r: 1, in: 3, out: 2 })]]);
    expect(inputs.write(version(1))).toBe(true);
    expect(inputs.hash).toBe(adapterHash(version(1)));
    const before = inputs.inputs().get('lora_a.layers.1.down');
    expect(inputs.write(version(2))).toBe(false);
    expect(inputs.inputs().get('lora_a.layers.1.down')).toBe(before);
    expect(values(inputs, 'lora_a.layers.1.down').data).toEqual([2, 0, 0]);
    expect(inputs.hash).toBe(adapterHash(version(2)));
    expect(inputs.write(null)).toBe(true);
    expect(inputs.hash).toBe(null);
    inputs.dispose();
  });

  it('cuts B where the checkpoint stores projections as one that are computed apart', () => {
    const fused = { ...spec, fusedProjections: { qkv: true, gateUp: true } };
    const module = 'model.layers.0.mlp.gate_up_proj';
    const inputs = new LoraInputs(fused, [module]);
    const b = [1, 2, 3, 4, 5, 6];
    inputs.write(adapterOf([[module, pair([7, 8], b, { r: 1, in: 2, out: 6 })]]));
    expect(values(inputs, 'lora_b.layers.0.gate').data).toEqual([1, 2, 3]);
    expect(values(inputs, 'lora_b.layers.0.up').data).toEqual([4, 5, 6]);
    expect(values(inputs, 'lora_a.layers.0.gate').data).toEqual([7, 8]);
    expect(values(inputs, 'lora_a.layers.0.up').data).toEqual([7, 8]);
    inputs.dispose();
  });

  it.each([
    ['a module that is not set up', V, { r: 1, in: 2, out: 2 }, 'was not among the modules'],
    [
      'a module of another model',
      'model.layers.9.mlp.down_proj',
      { r: 1, in: 3, out: 2 },
      'no lin',
    ],
    ['another input width', DOWN, { r: 1, in: 4, out: 2 }, 'expected [r, 3] and [2, r]'],
    ['another output width', DOWN, { r: 1, in: 3, out: 5 }, 'expected [r, 3] and [2, r]'],
  ])('refuses %s and keeps what it has', (_, module, shapes, message) => {
    const inputs = new LoraInputs(spec, [Q, DOWN]);
    inputs.write(adapterOf([[Q, pair([1, 2], [3, 4], { r: 1, in: 2, out: 2 })]]));
    const { hash } = inputs;
    const a = Array(shapes.r * shapes.in).fill(1);
    const b = Array(shapes.out * shapes.r).fill(1);
    const write = () => inputs.write(adapterOf([[module, pair(a, b, shapes)]]));
    expect(write).toThrow(InputError);
    expect(write).toThrow(message);
    expect(inputs.hash).toBe(hash);
    expect(values(inputs, 'lora_a.layers.0.qkv').data).toEqual([1, 2]);
    inputs.dispose();
  });

  it('refuses A and B of different ranks', () => {
    const inputs = new LoraInputs(spec, [DOWN]);
    const { a } = pair([1, 1, 1], [1, 1], { r: 1, in: 3, out: 2 });
    const { b } = pair([1, 1, 1, 1, 1, 1], [1, 1, 1, 1], { r: 2, in: 3, out: 2 });
    const write = () => inputs.write(adapterOf([[DOWN, { a, b, scale: 1 }]]));
    expect(write).toThrow('"model.layers.1.mlp.down_proj" has A [1, 3] and B [2, 2]');
    inputs.dispose();
  });
});
