import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/util/files.js';
import { Rng } from '../../../src/util/rng.js';
import { fromFourBit, toFourBit } from '../../../src/weights/four-bit.js';
import {
  fourBitTensor,
  fromFloat32,
  type Quantization,
  toFloat32,
} from '../../../src/weights/index.js';
import { nearestIn } from '../../../src/weights/nearest-code.js';
import { type NestedAbsmax, nestAbsmax } from '../../../src/weights/nested-absmax.js';
import { goldenTensor } from '../../support/golden-models.js';

interface Golden {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: Quantization['type'];
  readonly nested: boolean;
  readonly packed: string;
  readonly values: string;
  readonly first: readonly number[];
  readonly absmax: readonly number[];
  readonly codes?: string;
  readonly offset?: number;
}

// From scripts/golden/four_bit.py.
const FIXTURE = new URL('../../fixtures/weights/four-bit.json', import.meta.url);
const cases: readonly Golden[] = JSON.parse(readFileSync(FIXTURE, 'utf8'));
const named = cases.map((one) => [`${one.name} ${one.type}${one.nested ? ' nested' : ''}`, one]);

function valuesOf({ name, shape }: Golden): Float32Array {
  const values = toFloat32(goldenTensor('four-bit', name, { shape, normMean: 0 })).slice();
  return name === 'zeros' ? values.fill(0, 64, 128) : values;
}

const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer);

describe('as bitsandbytes', () => {
  test.each(named as [string, Golden][])('%s', (_, golden) => {
    const { type, nested: isNested } = golden;
    const values = valuesOf(golden);
    const matrix = toFourBit(values, { type, isNested });
    // fp4 has two codes for zero.
    if (type === 'nf4') expect(sha256(matrix.packed)).toBe(golden.packed);
    const back = fromFourBit(matrix, values.length);
    if (!isNested) {
      expect([...(matrix.absmax as Float32Array)]).toEqual(golden.absmax);
      expect(sha256(bytesOf(back.map((value) => value + 0)))).toBe(golden.values);
      return;
    }
    // The mean, and the table of 256 values, differ in their last bit.
    const nested = matrix.absmax as NestedAbsmax;
    expect(nested.offset).toBeCloseTo(golden.offset!, 6);
    expect([...nested.absmax]).toBeAllclose(golden.absmax, { rtol: 0, atol: 1e-6 });
    const codes = Buffer.from(golden.codes!, 'hex');
    const others = codes.filter((code, i) => code !== nested.codes[i]);
    expect(others.length).toBeLessThanOrEqual(codes.length / 100);
    expect([...back.slice(0, 70)]).toBeAllclose(golden.first, { rtol: 0, atol: 1e-6 });
  });
});

test('the two codes of a byte: the first in its upper half', () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => (i === 0 ? -2 : i === 1 ? 2 : 0));
  const { packed, absmax } = toFourBit(values, { type: 'nf4', isNested: false });
  expect([packed[0], packed[1], absmax]).toEqual([0x0f, 0x77, Float32Array.of(2)]);
});

test('what stands on codes comes back as it was', () => {
  const quantization = { type: 'nf4', isNested: false } as const;
  const weight = fromFloat32(valuesOf(cases[0]!), [16, 24], 'bfloat16');
  const once = fourBitTensor(weight, quantization);
  expect([once.dtype, once.shape]).toEqual(['float32', [16, 24]]);
  const again = fourBitTensor(fromFloat32(toFloat32(once), [16, 24]), quantization);
  expect(again.bytes).toEqual(once.bytes);
  expect(toFloat32(once)).not.toEqual(toFloat32(weight));
});

describe('the nearest value of a table', () => {
  const { table: nested } = nestAbsmax(Float32Array.of(1));
  const nf4 = toFourBit(Float32Array.of(1), { type: 'nf4', isNested: false }).table;
  const fp4 = toFourBit(Float32Array.of(1), { type: 'fp4', isNested: false }).table;

  test.each([
    ['nf4', nf4],
    ['fp4', fp4],
    ['nested', nested],
  ])('%s: as found by looking at all', (_, table) => {
    const sorted = [...new Set(table)].sort((a, b) => a - b);
    const middles = sorted.slice(1).map((value, i) => Math.fround(sorted[i]! + value) / 2);
    const rng = Rng.of('nearest');
    const random = Array.from({ length: 2000 }, (_, i) => (2 * rng.uniform() - 1) * 10 ** -(i % 8));
    const close = middles.flatMap((x) => [x, x * (1 + 2 ** -23), x * (1 - 2 ** -23)]);
    const nearest = nearestIn(table);
    for (const value of [...random, ...close, ...table, 1.0000001, -1.0000001, 1e-40, -1e-40]) {
      const x = Math.fround(value);
      // The lower of two at a border, which is in float32.
      const place = middles.filter((middle) => x > Math.fround(middle)).length;
      expect(table[nearest(x)], `${x}`).toBe(sorted[place]);
    }
  });
});
