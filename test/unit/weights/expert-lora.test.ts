import { expect, test } from 'vitest';
import {
  eachExpert,
  fileModule,
  fromFileModule,
  rowsOfLora,
} from '../../../src/weights/expert-lora.js';
import { fromFloat32, toFloat32 } from '../../../src/weights/index.js';

const numbers = (count: number) => Float32Array.from({ length: count }, (_, i) => i);

test('A has its rows expert by expert, B its columns rank by rank', () => {
  // Two experts of rank 2 on three inputs and two outputs.
  const lora = {
    a: fromFloat32(numbers(12), [4, 3]),
    b: fromFloat32(numbers(8), [2, 4]),
    scale: 3,
  };
  const each = eachExpert(lora, { count: 2, inTurns: false });
  expect(each.map(({ a }) => [...toFloat32(a)])).toEqual([
    [0, 1, 2, 3, 4, 5],
    [6, 7, 8, 9, 10, 11],
  ]);
  expect(each.map(({ b }) => [...toFloat32(b)])).toEqual([
    [0, 2, 4, 6],
    [1, 3, 5, 7],
  ]);
  expect(each[1]!.b.shape).toEqual([2, 2]);
  const { a, b, scale } = rowsOfLora(each[1]!, 1, 2);
  expect([...toFloat32(b)]).toEqual([5, 7]);
  expect(b.shape).toEqual([1, 2]);
  expect([a, scale]).toEqual([each[1]!.a, 3]);
});

test('rows of gate and up in turns come apart', () => {
  // One expert of rank 1: g₀ u₀ g₁ u₁.
  const lora = { a: fromFloat32(numbers(3), [1, 3]), b: fromFloat32(numbers(4), [4, 1]), scale: 1 };
  const [own] = eachExpert(lora, { count: 1, inTurns: true });
  expect([...toFloat32(own!.b)]).toEqual([0, 2, 1, 3]);
});

const EXPERTS = 'model.layers.1.mlp.experts';

test.each([
  {
    targetParameters: ['gate_up_proj', 'down_proj'],
    gateUp: `${EXPERTS}.base_layer`,
    down: EXPERTS,
  },
  { targetParameters: ['mlp.experts.gate_up_proj'], gateUp: EXPERTS, down: null },
  { targetParameters: [`${EXPERTS}.down_proj`], gateUp: null, down: EXPERTS },
])('files name what is wrapped last by the module itself: $targetParameters', (named) => {
  const targets = { root: 'model', targetParameters: named.targetParameters } as const;
  for (const [name, stored] of [
    [`${EXPERTS}.gate_up_proj`, named.gateUp],
    [`${EXPERTS}.down_proj`, named.down],
  ] as const) {
    if (stored === null) continue;
    expect(fileModule(targets, name)).toBe(stored);
    expect(fromFileModule(targets, stored)).toBe(name);
  }
  const deeper = `${EXPERTS}.base_layer.base_layer`;
  expect(fromFileModule(targets, deeper)).toBe(deeper);
  expect(fileModule(targets, 'model.layers.1.mlp.gate')).toBe('model.layers.1.mlp.gate');
});
