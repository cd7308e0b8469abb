/**
 * Rotary positions in GGUF: the base and a scaling that llama.cpp computes anew (`linear`, `yarn`), or divisors
 * of the frequencies as a tensor (`llama3`, `longrope`), where the architecture reads one. `dynamic` is
 * unscaled up to the context length that is written.
 */
import type { RopeSpec } from '../model/spec.js';
import { fromFloat32, type HostTensor } from '../weights/index.js';
import { count, float, type Metadata, text } from './values.js';

export interface RopeInFile {
  /** Keys after `<architecture>.rope.`. */
  readonly metadata: Metadata;
  /** By GGUF's name, float32. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
}

export function ropeInFile(rope: RopeSpec): RopeInFile {
  const base = { freq_base: float(rope.theta), dimension_count: count(rope.rotaryDim) };
  return { metadata: { ...base, ...scalingKeys(rope) }, tensors: factorTensors(rope) };
}

function scalingKeys({ scaling, scale }: RopeSpec): Metadata {
  switch (scaling.type) {
    case 'linear':
      return { 'scaling.type': text('linear'), 'scaling.factor': float(scaling.factor) };
    case 'yarn':
      return {
        'scaling.type': text('yarn'),
        'scaling.factor': float(scaling.factor),
        'scaling.original_context_length': count(scaling.originalLength),
        'scaling.yarn_beta_fast': float(scaling.betaFast),
        'scaling.yarn_beta_slow': float(scaling.betaSlow),
        'scaling.attn_factor': float(scale / ownYarnScale(scaling.factor)),
      };
    case 'longrope':
      return {
        'scaling.type': text('longrope'),
        'scaling.original_context_length': count(scaling.originalLength),
        'scaling.attn_factor': float(scale),
      };
    default:
      return {};
  }
}

/** What llama.cpp multiplies cosines and sines by itself, before `attn_factor` (`rope_yarn` in ggml). */
const ownYarnScale = (factor: number): number => 1 + 0.1 * Math.log(factor);

function factorTensors({ scaling, invFreq, theta, rotaryDim }: RopeSpec): Map<string, HostTensor> {
  const row = (values: readonly number[]) =>
    fromFloat32(Float32Array.from(values), [values.length]);
  if (scaling.type === 'longrope') {
    return new Map([
      ['rope_factors_long.weight', row(scaling.longFactors)],
      ['rope_factors_short.weight', row(scaling.shortFactors)],
    ]);
  }
  if (scaling.type !== 'llama3') return new Map();
  const divisors = invFreq.map((scaled, i) => theta ** ((-2 * i) / rotaryDim) / scaled);
  return new Map([['rope_freqs.weight', row(divisors)]]);
}
