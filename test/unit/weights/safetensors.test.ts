import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/util/errors.js';
import {
  fromFloat32,
  type HostTensor,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../../../src/weights/index.js';
import { temporaryFolder } from '../../support/temporary.js';

interface Entry {
  dtype?: unknown;
  shape?: unknown;
  data_offsets?: unknown;
}

/** A file with this header and this many bytes of data. */
function craft(path: string, header: unknown, dataBytes: number): string {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  writeFileSync(path, Buffer.concat([length, json, Buffer.alloc(dataBytes)]));
  return path;
}

const entry = (start: number, end: number, more: Entry = {}): Entry => ({
  dtype: 'F32',
  shape: [(end - start) / 4],
  data_offsets: [start, end],
  ...more,
});

describe('writeSafetensors', () => {
  it('writes the layout of the format: length, padded JSON, wider dtypes first', () => {
    const path = join(temporaryFolder(), 'x.safetensors');
    const tensors = new Map<string, HostTensor>([
      ['a', fromFloat32(Float32Array.of(1, 2, 3), [3], 'bfloat16')],
      ['b', fromFloat32(Float32Array.of(0.5), [1, 1])],
      ['empty', fromFloat32(new Float32Array(0), [0, 4])],
    ]);
    writeSafetensors(path, tensors);
    const bytes = readFileSync(path);
    const length = Number(bytes.readBigUInt64LE());
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.subarray(8, 8 + length).toString())).toEqual({
      __metadata__: { format: 'pt' },
      b: { dtype: 'F32', shape: [1, 1], data_offsets: [0, 4] },
      empty: { dtype: 'F32', shape: [0, 4], data_offsets: [4, 4] },
      a: { dtype: 'BF16', shape: [3], data_offsets: [4, 10] },
    });
    // 0.5 = 0x3f000000; 1, 2, 3 in bfloat16 = 0x3f80, 0x4000, 0x4040, all little-endian.
    expect(bytes.subarray(8 + length).toString('hex')).toBe('0000003f803f00404040');
  });

  it('gives the same bytes whatever the order, and the same values back', () => {
    const dir = temporaryFolder();
    const one = fromFloat32(
      Float32Array.from({ length: 6 }, (_, i) => i / 3),
      [2, 3],
    );
    const half = fromFloat32(Float32Array.of(-1.5, 6e-8), [2], 'float16');
    writeSafetensors(
      join(dir, '1'),
      new Map([
        ['m', one],
        ['h', half],
      ]),
    );
    writeSafetensors(
      join(dir, '2'),
      new Map([
        ['h', half],
        ['m', one],
      ]),
    );
    expect(readFileSync(join(dir, '1'))).toEqual(readFileSync(join(dir, '2')));
    const back = readSafetensors(join(dir, '1'));
    expect(back.get('m')).toEqual({ dtype: 'float32', shape: [2, 3], bytes: one.bytes });
    expect([...toFloat32(back.get('h')!)]).toEqual([-1.5, 2 ** -24]);
  });

  it('leaves neither a file nor a part of one when a tensor does not fit its shape', () => {
    const dir = temporaryFolder();
    const bad: HostTensor = { dtype: 'float16', shape: [3], bytes: new Uint8Array(4) };
    expect(() => writeSafetensors(join(dir, 'x'), new Map([['bad', bad]]))).toThrow(
      /tensor "bad" has 4 bytes, but float16 \[3\] takes 6/,
    );
    expect(readdirSync(dir)).toEqual([]);
  });
});

describe('readSafetensors', () => {
  it('accepts a well-made file', () => {
    const path = craft(join(temporaryFolder(), 'ok'), { w: entry(0, 8), v: entry(8, 12) }, 12);
    expect([...readSafetensors(path).keys()]).toEqual(['w', 'v']);
  });

  const rejected: [string, unknown, number, RegExp][] = [
    ['cut short', { w: entry(0, 8) }, 4, /truncated: the header describes \d+ bytes, the file has/],
    ['with data after the end', { w: entry(0, 8) }, 9, /1 bytes after the last tensor/],
    ['with a gap', { w: entry(4, 8) }, 8, /"w" leaves a gap of 4 bytes/],
    ['with overlapping tensors', { w: entry(0, 8), v: entry(4, 12) }, 12, /"v" overlaps/],
    ['with an unknown dtype', { w: entry(0, 8, { dtype: 'F7' }) }, 8, /"w": unknown dtype "F7"/],
    [
      'with a shape that does not fit its bytes',
      { w: entry(0, 8, { shape: [3] }) },
      8,
      /"w": offsets \[0, 8\] hold 8 bytes, but F32 \[3\] takes 12/,
    ],
    ['with offsets backwards', { w: entry(0, 8, { data_offsets: [8, 0] }) }, 8, /"w": offsets/],
    ['with a negative size', { w: entry(0, 8, { shape: [-2] }) }, 8, /"w": needs dtype, shape/],
    ['without a shape', { w: { dtype: 'F32', data_offsets: [0, 8] } }, 8, /"w": needs dtype/],
    ['with integers where weights are read', { w: entry(0, 8, { dtype: 'I32' }) }, 8, /dtype I32/],
    ['whose header is no JSON', '{"w": ', 0, /header is not JSON/],
    ['whose header is a list', '[]', 0, /header is not a JSON object/],
    ['with metadata that is no text', { __metadata__: { a: 1 } }, 0, /__metadata__/],
  ];

  it.each(rejected)('rejects a file %s', (_, header, dataBytes, message) => {
    const path = craft(join(temporaryFolder(), 'broken.safetensors'), header, dataBytes);
    expect(() => readSafetensors(path)).toThrow(InputError);
    expect(() => readSafetensors(path)).toThrow(/broken\.safetensors/);
    expect(() => readSafetensors(path)).toThrow(message);
  });

  it('rejects a missing file, a stub and something else', () => {
    const dir = temporaryFolder();
    expect(() => readSafetensors(join(dir, 'none'))).toThrow(/no such file/);
    expect(() => readSafetensors(dir)).toThrow(/: is a folder, expected a file$/);
    writeFileSync(join(dir, 'stub'), 'abc');
    expect(() => readSafetensors(join(dir, 'stub'))).toThrow(/truncated: 3 bytes/);
    writeFileSync(join(dir, 'pointer'), 'version https://git-lfs.github.com/spec/v1\n');
    expect(() => readSafetensors(join(dir, 'pointer'))).toThrow(/pointer of Git LFS/);
    const long = Buffer.alloc(20);
    long.writeBigUInt64LE(1000n);
    writeFileSync(join(dir, 'long'), long);
    expect(() => readSafetensors(join(dir, 'long'))).toThrow(/truncated: header of 1000 bytes/);
  });
});
