import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/util/rng.js';
import type { WriteCheckpointOptions } from '../../../src/weights/checkpoint-writer.js';
import {
  fromFloat32,
  type HostTensor,
  openCheckpoint,
  weightsFingerprint,
  writeCheckpoint,
} from '../../../src/weights/index.js';
import { temporaryFolder } from '../../support/temporary.js';

/** The second is larger than what is hashed of it. */
const SHAPES = { norm: [64], linear: [200, 300], embed: [50, 8] } as const;
type Name = keyof typeof SHAPES;

/** @param change Added to every value of a tensor. */
function tensors(change: Partial<Record<Name, number>> = {}): Map<string, HostTensor> {
  const rng = Rng.of('fingerprint');
  return new Map(
    (Object.keys(SHAPES) as Name[]).map((name) => {
      const shape = SHAPES[name];
      const length = shape.reduce<number>((product, size) => product * size, 1);
      const values = Float32Array.from({ length }, () => rng.uniform() + (change[name] ?? 0));
      return [name, fromFloat32(values, shape, 'bfloat16')];
    }),
  );
}

function fingerprint(
  written: ReadonlyMap<string, HostTensor>,
  options?: WriteCheckpointOptions,
  whole?: readonly string[],
): string {
  const dir = temporaryFolder();
  writeCheckpoint(dir, new Map(written), options);
  const checkpoint = openCheckpoint(dir);
  try {
    return weightsFingerprint(checkpoint, checkpoint.names(), whole);
  } finally {
    checkpoint.close();
  }
}

describe('weightsFingerprint', () => {
  it('is that of the tensors, however they lie in files', () => {
    const one = fingerprint(tensors());
    expect(fingerprint(tensors(), { maxShardBytes: 1000 })).toBe(one);
    expect(fingerprint(new Map([...tensors()].reverse()))).toBe(one);
  });

  it.each(['norm', 'linear', 'embed'] as const)('changes with %s alone', (name) => {
    expect(fingerprint(tensors({ [name]: 0.01 }))).not.toBe(fingerprint(tensors()));
  });

  it.each([0, 59_999])('sees the end of a large tensor, value %i', (index) => {
    const other = tensors();
    const linear = other.get('linear')!;
    const bytes = Uint8Array.from(linear.bytes);
    bytes[2 * index] = bytes[2 * index]! ^ 1;
    expect(fingerprint(other.set('linear', { ...linear, bytes }))).not.toBe(fingerprint(tensors()));
  });

  it('sees each value of what is hashed whole, also where no block lies', () => {
    const other = tensors();
    const linear = other.get('linear')!;
    const bytes = Uint8Array.from(linear.bytes);
    bytes[5000] = bytes[5000]! ^ 1;
    other.set('linear', { ...linear, bytes });
    const whole = ['linear'];
    expect(fingerprint(other, {}, whole)).not.toBe(fingerprint(tensors(), {}, whole));
    expect(fingerprint(other)).toBe(fingerprint(tensors()));
  });

  it('changes with a shape of equal bytes', () => {
    const other = tensors();
    const linear = other.get('linear')!;
    expect(fingerprint(other.set('linear', { ...linear, shape: [300, 200] }))).not.toBe(
      fingerprint(tensors()),
    );
  });
});
