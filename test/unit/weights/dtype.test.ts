import { describe, expect, it } from 'vitest';
import { fromFloat32, type HostDtype, toFloat32 } from '../../../src/weights/index.js';

const words = (values: number[], dtype: HostDtype): number[] => {
  const { bytes } = fromFloat32(Float32Array.from(values), [values.length], dtype);
  return Array.from(new Uint16Array(bytes.buffer, bytes.byteOffset, values.length));
};

const widen = (halves: Uint16Array, dtype: HostDtype): Float32Array =>
  toFloat32({ dtype, shape: [halves.length], bytes: new Uint8Array(halves.buffer) });

describe('bfloat16', () => {
  it('rounds to nearest, ties to even', () => {
    // 1 + 2^-7 is the next bfloat16 after 1, so 1 + 2^-8 and 1 + 3·2^-8 are ties: the first goes down
    // to the even 0x3f80, the second up to the even 0x3f82.
    const tie = 2 ** -8;
    expect(
      words([1, 1 + tie, 1 + tie + 2 ** -23, 1 + 3 * tie, -(1 + 3 * tie)], 'bfloat16'),
    ).toEqual([0x3f80, 0x3f80, 0x3f81, 0x3f82, 0xbf82]);
  });

  it('keeps zeros, infinities and NaN, and overflows to infinity', () => {
    const largest = 3.4028234663852886e38;
    expect(words([0, -0, Infinity, -Infinity, NaN, largest], 'bfloat16')).toEqual([
      0, 0x8000, 0x7f80, 0xff80, 0x7fc0, 0x7f80,
    ]);
  });

  it('widens every number exactly and comes back', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const wide = widen(all, 'bfloat16');
    expect(wide[0x4049]).toBe(3.140625);
    const back = new Uint16Array(fromFloat32(wide, [65536], 'bfloat16').bytes.buffer);
    const changed = [...all].filter((half, i) => !Number.isNaN(wide[i]) && back[i] !== half);
    expect(changed).toEqual([]);
  });
});

describe('float16', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const wide = widen(all, 'float16');

  it('widens by the definition of IEEE 754', () => {
    // (−1)^s · 2^(e−15) · (1 + m/1024); e = 0: 2^−14 · m/1024; e = 31: infinity or NaN.
    const wrong = [...all].filter((half) => {
      const sign = half >> 15 ? -1 : 1;
      const exponent = (half >> 10) & 31;
      const fraction = (half & 1023) / 1024;
      const normal = 2 ** (exponent - 15) * (1 + fraction);
      const special = fraction === 0 ? Infinity : NaN;
      const size = exponent === 0 ? 2 ** -14 * fraction : exponent === 31 ? special : normal;
      return !Object.is(wide[half], Math.fround(sign * size)) && !Number.isNaN(size);
    });
    expect(wrong).toEqual([]);
    expect(wide.slice(0x7c01, 0x8000).every(Number.isNaN)).toBe(true);
  });

  it('narrows every half back to itself', () => {
    const back = new Uint16Array(fromFloat32(wide, [65536], 'float16').bytes.buffer);
    expect([...all].filter((half, i) => !Number.isNaN(wide[i]) && back[i] !== half)).toEqual([]);
  });

  it('rounds to nearest around every midpoint, ties to even', () => {
    const finite = Array.from({ length: 0x7bff }, (_, i) => i);
    const middles = finite.map((half) => (wide[half]! + wide[half + 1]!) / 2);
    const step = (value: number, direction: 1 | -1): number => {
      const bits = new Uint32Array(Float32Array.of(value).buffer);
      bits[0] = bits[0]! + direction;
      return new Float32Array(bits.buffer)[0]!;
    };
    expect(words(middles, 'float16')).toEqual(finite.map((half) => half + (half & 1)));
    expect(
      words(
        middles.map((middle) => step(middle, -1)),
        'float16',
      ),
    ).toEqual(finite);
    expect(
      words(
        middles.map((middle) => step(middle, 1)),
        'float16',
      ),
    ).toEqual(finite.map((half) => half + 1));
  });

  it('overflows from 65520 on and keeps NaN a NaN', () => {
    expect(words([65519.996, 65520, -1e9, 1e-9, -1e-9], 'float16')).toEqual([
      0x7bff, 0x7c00, 0xfc00, 0, 0x8000,
    ]);
    expect(words([NaN], 'float16')[0]! & 0x7fff).toBeGreaterThan(0x7c00);
  });
});

describe('float32', () => {
  it('shares memory where aligned and copies where not', () => {
    const data = Float32Array.of(1.5, -2.25);
    expect(toFloat32(fromFloat32(data, [2])).buffer).toBe(data.buffer);
    const shifted = new Uint8Array(9);
    shifted.set(new Uint8Array(data.buffer), 1);
    const tensor = { dtype: 'float32', shape: [2], bytes: shifted.subarray(1) } as const;
    expect([...toFloat32(tensor)]).toEqual([1.5, -2.25]);
  });

  it('refuses a shape that does not hold the values', () => {
    expect(() => fromFloat32(new Float32Array(5), [2, 3])).toThrow(/\[2, 3\] does not hold 5/);
  });
});
