/**
 * Rotary position embedding (Su et al. 2021, RoFormer) with the scalings that checkpoints use:
 * `linear` (Chen et al. 2023), `llama3` (Llama 3.1), `yarn` (Peng et al. 2023).
 */
import type { JsonRow } from '../../util/files.js';
import type { RopeSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';

interface RopeOptions {
  readonly headDim: number;
  readonly maxPositions: number;
  /** Rotated share of the head (Phi: `partial_rotary_factor`). */
  readonly partial?: number;
  readonly defaultTheta?: number;
}

/** Reads `rope_theta` and `rope_scaling`, or the newer `rope_parameters` that holds both. */
export function ropeFromConfig(fields: ConfigFields, options: RopeOptions): RopeSpec {
  const parameters = fields.object('rope_parameters') ?? fields.object('rope_scaling') ?? {};
  const oldTheta = fields.number('rope_theta', options.defaultTheta ?? 10_000);
  const theta = typeof parameters.rope_theta === 'number' ? parameters.rope_theta : oldTheta;
  const rotaryDim = Math.floor(options.headDim * (options.partial ?? 1));
  const base = Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim));
  const kind = String(parameters.rope_type ?? parameters.type ?? 'default');
  const number = (key: string, fallback?: number): number => {
    const value = parameters[key] ?? fallback;
    if (typeof value === 'number') return value;
    throw fields.wrong(`rope_scaling.${key}`, value, 'a number');
  };
  switch (kind) {
    case 'default':
      return { invFreq: base, rotaryDim, scale: 1 };
    case 'linear': {
      const factor = number('factor');
      return { invFreq: base.map((f) => f / factor), rotaryDim, scale: 1 };
    }
    case 'llama3':
      return { invFreq: base.map((f) => llama3Frequency(f, number)), rotaryDim, scale: 1 };
    case 'yarn':
      return {
        rotaryDim,
        ...yarn(base, theta, rotaryDim, options.maxPositions, parameters, number),
      };
    default:
      throw fields.wrong('rope_scaling.rope_type', kind, 'default, linear, llama3 or yarn');
  }
}

type Read = (key: string, fallback?: number) => number;

/** Long wavelengths are divided by `factor`, short ones kept, those between interpolated. */
function llama3Frequency(frequency: number, number: Read): number {
  const factor = number('factor');
  const low = number('low_freq_factor');
  const high = number('high_freq_factor');
  const original = number('original_max_position_embeddings');
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return frequency / factor;
  const smooth = (original / wavelength - low) / (high - low);
  return (1 - smooth) * (frequency / factor) + smooth * frequency;
}

function yarn(
  base: readonly number[],
  theta: number,
  dim: number,
  maxPositions: number,
  parameters: JsonRow,
  number: Read,
): { invFreq: number[]; scale: number } {
  const original = number('original_max_position_embeddings', maxPositions);
  const factor = number('factor', maxPositions / original);
  const magnitude = (scale: number, m = 1) => (scale <= 1 ? 1 : 0.1 * m * Math.log(scale) + 1);
  const mscale = number('mscale', 0);
  const mscaleAll = number('mscale_all_dim', 0);
  const attention =
    mscale && mscaleAll
      ? magnitude(factor, mscale) / magnitude(factor, mscaleAll)
      : magnitude(factor);
  const correction = (rotations: number) =>
    (dim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const truncate = parameters.truncate !== false;
  const rawLow = correction(number('beta_fast', 32));
  const rawHigh = correction(number('beta_slow', 1));
  const low = Math.max(truncate ? Math.floor(rawLow) : rawLow, 0);
  const high = Math.min(truncate ? Math.ceil(rawHigh) : rawHigh, dim - 1);
  const span = high === low ? 0.001 : high - low;
  const invFreq = base.map((frequency, i) => {
    const interpolated = Math.min(Math.max((i - low) / span, 0), 1);
    return (frequency / factor) * interpolated + frequency * (1 - interpolated);
  });
  return { invFreq, scale: number('attention_factor', attention) };
}
