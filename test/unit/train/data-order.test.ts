import { describe, expect, it } from 'vitest';
import { DataOrder } from '../../../src/train/data-order.js';

describe('DataOrder', () => {
  const order = () => new DataOrder({ examples: 10, batchSize: 4, seed: 3 });

  it('sees every example once an epoch, in another order each epoch', () => {
    const all = Array.from({ length: 5 }, (_, step) => order().batch(step)).flat();
    const first = all.slice(0, 10);
    const second = all.slice(10, 20);
    expect([...first].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([...second].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(second).not.toEqual(first);
  });

  it('is a function of seed and step, whatever was asked before', () => {
    const fresh = order().batch(3);
    const used = order();
    used.batch(0);
    used.batch(4);
    expect(used.batch(3)).toEqual(fresh);
    expect(new DataOrder({ examples: 10, batchSize: 4, seed: 4 }).batch(3)).not.toEqual(fresh);
  });

  it('counts steps and epochs', () => {
    expect(order().stepsFor(3)).toBe(8);
    const rows = new DataOrder({ examples: 100, batchSize: 10, seed: 1 });
    expect([1.1, 1.101, 0.001].map((epochs) => rows.stepsFor(epochs))).toEqual([11, 12, 1]);
    expect(order().epochsAt(5)).toBe(2);
  });

  it('keeps the order of the file when it does not shuffle', () => {
    const plain = new DataOrder({ examples: 3, batchSize: 2, seed: 1, shuffle: false });
    expect([plain.batch(0), plain.batch(1)]).toEqual([
      [0, 1],
      [2, 0],
    ]);
  });
});
