import { describe, expect, it } from 'vitest';
import { ropeTables } from '../../../src/util/rope-tables.js';

describe('ropeTables', () => {
  it('holds scaled cosines and sines of position times frequency', () => {
    const { cos, sin, shape } = ropeTables({ invFreq: [1, 0.5], scale: 2 }, 3);
    expect(shape).toEqual([3, 2]);
    const angles = [0, 0, 1, 0.5, 2, 1];
    for (const [i, angle] of angles.entries()) {
      expect(cos[i]).toBeCloseTo(2 * Math.cos(angle), 6);
      expect(sin[i]).toBeCloseTo(2 * Math.sin(angle), 6);
    }
  });
});
