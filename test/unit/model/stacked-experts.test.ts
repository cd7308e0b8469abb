import { describe, expect, test } from 'vitest';
import { fromStored, storedShapes, toStored } from '../../../src/model/index.js';
import type { DecoderSpec } from '../../../src/model/spec.js';
import { parameterShapes } from '../../../src/model/spec-modules.js';
import { type HostTensor, toFloat32 } from '../../../src/weights/index.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';

const { spec } = goldenCase('granitemoe');
const weights = goldenWeights('granitemoe', spec);
const storedOf = (of: DecoderSpec, tensors: (name: string) => HostTensor) =>
  toStored(of, new Map([...parameterShapes(of).keys()].map((name) => [name, tensors(name)])));
const stored = storedOf(spec, weights);
const mlp = 'model.layers.1.block_sparse_moe';

test('a checkpoint has two tensors for the experts of a layer, in order', () => {
  // Five experts, 16 wide and 12 inside.
  const shapes = storedShapes(spec, null);
  expect(shapes.get(`${mlp}.input_linear.weight`)).toEqual([5, 24, 16]);
  expect(shapes.get(`${mlp}.output_linear.weight`)).toEqual([5, 16, 12]);
  expect(shapes.get(`${mlp}.router.layer.weight`)).toEqual([5, 16]);
  expect([...shapes.keys()].filter((name) => name.includes('experts'))).toEqual([]);
  const found = [...stored].map(([name, { shape }]) => [name, shape]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(shapes));
  const up = weights(`${mlp}.experts.2.up_proj.weight`).bytes;
  const all = stored.get(`${mlp}.input_linear.weight`)!.bytes;
  expect(all.subarray(5 * up.length, 6 * up.length)).toEqual(up);
});

const checkpointOf = (tensors: ReadonlyMap<string, Pick<HostTensor, 'bytes'>>) => ({
  has: (name: string) => tensors.has(name),
  tensor: (name: string) => ({
    ...(tensors.get(name) as HostTensor),
    place: { path: name, offset: 100 },
  }),
  readPart: (name: string, { offset, bytes }: { offset: number; bytes: number }) =>
    tensors.get(name)!.bytes.subarray(offset, offset + bytes),
});

test.each(['granitemoe', 'gpt_oss'])('%s: each matrix is read by itself', (family) => {
  const own = goldenCase(family).spec;
  const tensors = goldenWeights(family, own);
  const read = fromStored(own, checkpointOf(storedOf(own, tensors)));
  for (const name of parameterShapes(own).keys()) {
    const { dtype, shape, bytes } = read(name);
    expect({ dtype, shape, bytes }, name).toEqual({ ...tensors(name) });
  }
});

test('a matrix that stands as it is has a place', () => {
  const read = fromStored(spec, checkpointOf(stored));
  const place = { path: `${mlp}.output_linear.weight`, offset: 100 + 3 * 16 * 12 * 4 };
  expect(read(`${mlp}.experts.3.down_proj.weight`).place).toEqual(place);
});

describe('gpt_oss', () => {
  const { spec: own } = goldenCase('gpt_oss');
  const tensors = goldenWeights('gpt_oss', own);
  const experts = 'model.layers.1.mlp.experts';

  test('a checkpoint has matrices transposed, gate and up in turns', () => {
    // Five experts, 16 wide and 12 inside.
    const files = storedOf(own, tensors);
    const shapes = storedShapes(own, null);
    const inExperts = [...shapes].filter(([name]) => name.startsWith(experts));
    expect(Object.fromEntries(inExperts)).toEqual({
      [`${experts}.gate_up_proj`]: [5, 16, 24],
      [`${experts}.gate_up_proj_bias`]: [5, 24],
      [`${experts}.down_proj`]: [5, 12, 16],
      [`${experts}.down_proj_bias`]: [5, 16],
    });
    const found = [...files].map(([name, { shape }]) => [name, shape]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(shapes));
    const valueAt = (name: string, at: number) => toFloat32(files.get(name)!)[at];
    const own3 = (matrix: string) => toFloat32(tensors(`${experts}.3.${matrix}`));
    // Input 7 of the third expert's output 5.
    const at = (3 * 16 + 7) * 24 + 2 * 5;
    expect(valueAt(`${experts}.gate_up_proj`, at)).toBe(own3('gate_proj.weight')[5 * 16 + 7]);
    expect(valueAt(`${experts}.gate_up_proj`, at + 1)).toBe(own3('up_proj.weight')[5 * 16 + 7]);
    expect(valueAt(`${experts}.gate_up_proj_bias`, 3 * 24 + 11)).toBe(own3('up_proj.bias')[5]);
    expect(valueAt(`${experts}.down_proj`, (3 * 12 + 7) * 16 + 5)).toBe(
      own3('down_proj.weight')[5 * 12 + 7],
    );
  });

  test('those in MXFP4 have a row of blocks for each output', () => {
    const wide = { ...own, hiddenSize: 64, intermediateSize: 32 };
    const packed = [5, 64, 2, 16];
    const files = new Map([
      [`${experts}.gate_up_proj_blocks`, { bytes: new Uint8Array(5 * 64 * 32) }],
      [`${experts}.gate_up_proj_scales`, { bytes: new Uint8Array(5 * 64 * 2).fill(127) }],
    ]);
    const checkpoint = checkpointOf(files);
    const shapes = storedShapes(wide, checkpoint);
    expect(shapes.get(`${experts}.gate_up_proj_blocks`)).toEqual(packed);
    expect(shapes.get(`${experts}.gate_up_proj_scales`)).toEqual(packed.slice(0, 3));
    expect(shapes.get(`${experts}.down_proj`)).toEqual([5, 32, 64]);
    expect(shapes.has(`${experts}.gate_up_proj`)).toBe(false);
    // Expert 3's up, output 9: row 2·9 + 1 of its 64. Value 32 + 6 is the first of byte 3 of the second block: −1.5 · 2³.
    const row = 3 * 64 + 19;
    files.get(`${experts}.gate_up_proj_blocks`)!.bytes[(row * 2 + 1) * 16 + 3] = 0xb;
    files.get(`${experts}.gate_up_proj_scales`)!.bytes[row * 2 + 1] = 130;
    const read = fromStored(wide, checkpoint);
    const up = read(`${experts}.3.up_proj.weight`);
    expect([up.dtype, up.shape]).toEqual(['bfloat16', [32, 64]]);
    const values = toFloat32(up);
    expect([...values.keys()].filter((i) => values[i] !== 0)).toEqual([9 * 64 + 38]);
    expect(values[9 * 64 + 38]).toBe(-12);
    expect(toFloat32(read(`${experts}.3.gate_proj.weight`)).every((value) => value === 0)).toBe(
      true,
    );
  });
});

test('other families are stored as they are', () => {
  const { spec: olmoe } = goldenCase('olmoe');
  expect(storedShapes(olmoe, null)).toEqual(parameterShapes(olmoe));
});
