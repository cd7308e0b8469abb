import { expect, test } from 'vitest';
import { Routers } from '../../../src/model/routers.js';
import { tf } from '../../../src/tensor/index.js';

const experts = {
  count: 3,
  perToken: 2,
  normalized: true,
  auxLossCoef: 0,
  stacked: false,
  inTurns: false,
  biased: false,
  module: 'mlp.experts',
};

/** The likeliest of the tokens: 2 and 0, 1 and 0, 1 and 2. */
const LOGITS = [
  [1, 0, 2],
  [1, 3, 0],
  [0, 2, 1],
];

test('rows of an expert stand together, in the order of tokens', async () => {
  const routers = new Routers(experts, null);
  const { counts, chosen, ...indices } = routers.routing(0, tf.tensor2d(LOGITS));
  expect(counts).toEqual([2, 2, 2]);
  expect([...chosen]).toEqual([2, 0, 1, 0, 1, 2]);
  const read = async (name: keyof typeof indices) => [...(await indices[name].data())];
  expect(await read('tokens')).toEqual([0, 1, 1, 2, 0, 2]);
  expect(await read('order')).toEqual([1, 3, 2, 4, 0, 5]);
  expect(await read('rows')).toEqual([4, 0, 2, 1, 3, 5]);
  expect(await read('choices')).toEqual([2, 0, 4, 3, 7, 8]);
  routers.dispose();
});

test('a layer that is computed again goes the way it went before; nothing is left', () => {
  const before = tf.memory().numTensors;
  const routers = new Routers(experts, null);
  tf.tidy(() => {
    const logits = tf.tensor2d(LOGITS);
    const first = routers.routing(0, logits);
    expect(routers.routing(0, logits.neg())).toBe(first);
    expect(routers.routing(1, logits.neg()).counts).toEqual([3, 1, 2]);
  });
  expect(tf.memory().numTensors).toBe(before + 2 * 4);
  routers.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
