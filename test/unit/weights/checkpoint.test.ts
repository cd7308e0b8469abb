import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/util/errors.js';
import {
  checkShapes,
  fromFloat32,
  type HostTensor,
  openCheckpoint,
  toFloat32,
  writeCheckpoint,
} from '../../../src/weights/index.js';
import { temporaryFolder } from '../../support/temporary.js';

const ramp = (length: number, start: number): HostTensor =>
  fromFloat32(
    Float32Array.from({ length }, (_, i) => start + i),
    [length],
  );

const TENSORS = new Map([
  ['embed', ramp(6, 0)],
  ['norm', ramp(2, 10)],
  ['head', ramp(4, 20)],
]);
const SHAPES = new Map([...TENSORS].map(([name, { shape }]) => [name, shape]));

function withCheckpoint<T>(
  dir: string,
  use: (checkpoint: ReturnType<typeof openCheckpoint>) => T,
): T {
  const checkpoint = openCheckpoint(dir);
  try {
    return use(checkpoint);
  } finally {
    checkpoint.close();
  }
}

describe('openCheckpoint', () => {
  it('reads a single file', () => {
    const dir = temporaryFolder();
    writeCheckpoint(dir, TENSORS);
    withCheckpoint(dir, (checkpoint) => {
      expect(checkpoint.names().sort()).toEqual(['embed', 'head', 'norm']);
      expect(checkpoint.shape('embed')).toEqual([6]);
      expect([...toFloat32(checkpoint.tensor('head'))]).toEqual([20, 21, 22, 23]);
      expect(checkpoint.has('none')).toBe(false);
      expect(() => checkpoint.tensor('none')).toThrow(/tensor "none" is missing/);
    });
  });

  it('reads shards through their index, with the same values', () => {
    const dir = temporaryFolder();
    writeCheckpoint(dir, TENSORS, { maxShardBytes: 32 });
    // 24 + 8 bytes fill the first shard; the last 16 take the second.
    expect(readdirSync(dir).sort()).toEqual([
      'model-00001-of-00002.safetensors',
      'model-00002-of-00002.safetensors',
      'model.safetensors.index.json',
    ]);
    const index = JSON.parse(readFileSync(join(dir, 'model.safetensors.index.json'), 'utf8'));
    expect(index.metadata.total_size).toBe(48);
    expect(index.weight_map.head).toBe('model-00002-of-00002.safetensors');
    withCheckpoint(dir, (checkpoint) => {
      for (const [name, tensor] of TENSORS) {
        const { place, ...read } = checkpoint.tensor(name);
        expect(read).toEqual(tensor);
        const file = readFileSync(place!.path);
        const bytes = file.subarray(place!.offset, place!.offset + tensor.bytes.length);
        expect(new Uint8Array(bytes)).toEqual(tensor.bytes);
      }
    });
  });

  it('never leaves the files of an earlier form to shadow the new ones', () => {
    const dir = temporaryFolder();
    writeCheckpoint(dir, new Map([['old', ramp(1, 0)]]));
    writeCheckpoint(dir, TENSORS, { maxShardBytes: 32 });
    withCheckpoint(dir, (checkpoint) => expect(checkpoint.has('old')).toBe(false));
    writeCheckpoint(dir, TENSORS);
    expect(readdirSync(dir)).not.toContain('model.safetensors.index.json');
  });

  it('names the missing, cut or foreign file', () => {
    const dir = temporaryFolder();
    expect(() => openCheckpoint(dir)).toThrow(/neither model\.safetensors nor .*init-model/);
    writeFileSync(join(dir, 'pytorch_model.bin'), '');
    expect(() => openCheckpoint(dir)).toThrow(/only pytorch_model\.bin.*safetensors/);
    writeCheckpoint(dir, TENSORS, { maxShardBytes: 32 });
    const second = join(dir, 'model-00002-of-00002.safetensors');
    truncateSync(second, 100);
    expect(() => openCheckpoint(dir)).toThrow(/00002-of-00002\.safetensors: truncated/);
    rmSync(second);
    expect(() => openCheckpoint(dir)).toThrow(/00002-of-00002\.safetensors: no such file/);
    const index = join(dir, 'model.safetensors.index.json');
    writeFileSync(index, '{"weight_map": {"w": "../model.safetensors"}}');
    expect(() => openCheckpoint(dir)).toThrow(/is not a plain file name/);
    writeFileSync(index, '{"weight_map": {"ghost": "model-00001-of-00002.safetensors"}}');
    expect(() => openCheckpoint(dir)).toThrow(/tensor "ghost" of .* is missing/);
    writeFileSync(index, '{}');
    expect(() => openCheckpoint(dir)).toThrow(/no "weight_map"/);
  });
});

describe('checkShapes', () => {
  const check = (expected: ReadonlyMap<string, readonly number[]>): string[] => {
    const dir = temporaryFolder();
    writeCheckpoint(dir, TENSORS);
    return withCheckpoint(dir, (checkpoint) => checkShapes(checkpoint, expected));
  };

  it('returns the tensors that are not used', () => {
    expect(check(SHAPES)).toEqual([]);
    expect(check(new Map([['norm', [2]]])).sort()).toEqual(['embed', 'head']);
  });

  it('names a missing tensor, and one of another shape with both shapes', () => {
    const missing = () => check(new Map([...SHAPES, ['bias', [2]]]));
    expect(missing).toThrow(InputError);
    expect(missing).toThrow(/1 of 4 tensors missing: "bias"/);
    const wrong = () => check(new Map([...SHAPES, ['embed', [3, 2]]]));
    expect(wrong).toThrow(/model\.safetensors: tensor "embed" has shape \[6\], expected \[3, 2\]/);
  });
});
