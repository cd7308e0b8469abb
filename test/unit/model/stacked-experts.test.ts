import { expect, test } from 'vitest';
import { fromStored, storedShapes, toStored } from '../../../src/model/index.js';
import { parameterShapes } from '../../../src/model/spec-modules.js';
import { goldenCase, goldenWeights } from '../../support/golden-models.js';

const { spec } = goldenCase('granitemoe');
const weights = goldenWeights('granitemoe', spec);
const names = [...parameterShapes(spec).keys()];
const stored = toStored(spec, new Map(names.map((name) => [name, weights(name)])));
const mlp = 'model.layers.1.block_sparse_moe';

test('a checkpoint has two tensors for the experts of a layer, in order', () => {
  // Five experts, 16 wide and 12 inside.
  const shapes = storedShapes(spec);
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

test('each matrix is read by itself, from its place', () => {
  const checkpoint = {
    tensor: (name: string) => ({ ...stored.get(name)!, place: { path: name, offset: 100 } }),
    readPart: (name: string, { offset, bytes }: { offset: number; bytes: number }) =>
      stored.get(name)!.bytes.subarray(offset, offset + bytes),
  };
  const read = fromStored(spec, checkpoint);
  for (const name of names) {
    const { dtype, shape, bytes } = read(name);
    expect({ dtype, shape, bytes }, name).toEqual({ ...weights(name) });
  }
  const place = { path: `${mlp}.output_linear.weight`, offset: 100 + 3 * 16 * 12 * 4 };
  expect(read(`${mlp}.experts.3.down_proj.weight`).place).toEqual(place);
});

test('other families are stored as they are', () => {
  const { spec: olmoe } = goldenCase('olmoe');
  expect(storedShapes(olmoe)).toEqual(parameterShapes(olmoe));
});
