/**
 * Rotary position embedding (Su et al. 2021, RoFormer) with the scalings that checkpoints use: `linear`
 * (Chen et al. 2023), `dynamic` (NTK-aware), `llama3` (Llama 3.1), `yarn` (Peng et al. 2023), `longrope`
 * (Ding et al. 2024), `ntk_alpha` (Hunyuan's `dynamic`, which depends on no length).
 *
 * `dynamic` and `longrope` take other frequencies for sequences beyond a length. Up to it they are computed
 * as transformers computes them; `RopeSpec.maxLength` says where that ends.
 */
import type { RopeSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';

/** What the frequencies depend on besides the scaling's own fields. */
export interface RopeContext {
  readonly headDim: number;
  /** `max_position_embeddings`. */
  readonly maxPositions: number;
  /** Base of the frequencies where the scaling's fields name none. */
  readonly theta: number;
  /** Rotated share of the head; absent where the family rotates all of it. */
  readonly partial?: number;
  /** Default false. */
  readonly rotatesNeighbours?: boolean;
  /** Pairs turn by time, height or width (`mrope_section`), which in a text are all the position. */
  readonly isSectioned?: boolean;
  /** Length the model was trained at before its context was extended, where it stands outside. */
  readonly originalMaxPositions?: number;
}

interface Scaling extends RopeContext {
  readonly fields: ConfigFields;
  readonly rotaryDim: number;
  /** Unscaled inverse frequencies, length `rotaryDim / 2`. */
  readonly base: readonly number[];
}

/** A base where it is another one than that of the fields. */
type Frequencies = Omit<RopeSpec, 'rotaryDim' | 'rotatesNeighbours' | 'theta'> &
  Partial<Pick<RopeSpec, 'theta'>>;

const SCALINGS = {
  default: ({ base }) => ({ invFreq: base, scale: 1, scaling: { type: 'default' } }),
  linear: ({ base, fields }) => {
    const factor = fields.positive('factor');
    const invFreq = base.map((frequency) => frequency / factor);
    return { invFreq, scale: 1, scaling: { type: 'linear', factor } };
  },
  dynamic: ({ base, fields, maxPositions }) => {
    fields.positive('factor');
    return { invFreq: base, scale: 1, maxLength: maxPositions, scaling: { type: 'dynamic' } };
  },
  ntk_alpha: ({ theta, fields, rotaryDim }) => {
    for (const key of BESIDE_ALPHA) fields.raw(key);
    const stretched = theta * fields.positive('alpha') ** (rotaryDim / (rotaryDim - 2));
    const invFreq = inverseFrequencies(stretched, rotaryDim);
    return { theta: stretched, invFreq, scale: 1, scaling: { type: 'default' } };
  },
  llama3,
  yarn,
  longrope,
} as const satisfies Record<string, (scaling: Scaling) => Frequencies>;

/** They stand in Hunyuan's releases, and are not read. */
const BESIDE_ALPHA = ['factor', 'beta_fast', 'beta_slow', 'mscale', 'mscale_all_dim'];

const inverseFrequencies = (theta: number, rotaryDim: number): number[] =>
  Array.from({ length: rotaryDim / 2 }, (_, i) => theta ** ((-2 * i) / rotaryDim));

type RopeType = keyof typeof SCALINGS;

const ROPE_TYPES = Object.keys(SCALINGS) as RopeType[];

/**
 * @param fields `rope_scaling`, `rope_parameters` or a part of the latter; without fields: unscaled.
 * @param renamed Rope types of older checkpoints, by the name they have now.
 */
export function ropeSpec(
  fields: ConfigFields,
  context: RopeContext,
  renamed: Readonly<Record<string, RopeType>> = {},
): RopeSpec {
  const { headDim, partial, rotatesNeighbours = false, isSectioned = false } = context;
  if (isSectioned) for (const key of ['mrope_section', 'mrope_interleaved']) fields.raw(key);
  const share = partial === undefined ? 1 : fields.positive('partial_rotary_factor', partial);
  const rotaryDim = Math.floor(headDim * share);
  if (rotaryDim % 2 !== 0 || rotaryDim < 2 || rotaryDim > headDim) {
    throw fields.wrong('partial_rotary_factor', share, `an even part of head_dim (${headDim})`);
  }
  const theta = fields.positive('rope_theta', context.theta);
  const base = inverseFrequencies(theta, rotaryDim);
  const olderName = fields.text('type', 'default');
  const name = fields.text('rope_type', olderName);
  const type = renamed[name] ?? (name as RopeType);
  if (!ROPE_TYPES.includes(type)) throw fields.wrong('rope_type', name, ROPE_TYPES.join(', '));
  const frequencies = SCALINGS[type]({ ...context, theta, fields, rotaryDim, base });
  return { rotaryDim, rotatesNeighbours, theta, ...frequencies };
}

/** `rope_scaling` or, as transformers 5 spells it, `rope_parameters`; null where there is neither. */
function ropeFields(fields: ConfigFields): ConfigFields | null {
  const [older, newer] = [fields.nested('rope_scaling'), fields.nested('rope_parameters')];
  if (older !== null && newer !== null) {
    throw fields.wrong('rope_scaling', fields.raw('rope_scaling'), 'null beside rope_parameters');
  }
  return older ?? newer;
}

/** The same for families that transformers scales by numbers of its own where a checkpoint has none. */
export function namedRopeFields(fields: ConfigFields): ConfigFields {
  const found = ropeFields(fields);
  if (found === null) throw fields.wrong('rope_parameters', undefined, 'an object');
  return found;
}

/**
 * First the rope of layers that see everything, then that of sliding ones: `rope_parameters` has an object for
 * each, `rope_scaling` concerns the former only.
 *
 * @param theta Bases where these fields name none.
 */
export function ropesByLayerType(
  fields: ConfigFields,
  context: RopeContext,
  theta: { readonly full: number; readonly sliding: number },
): readonly [RopeSpec, RopeSpec] {
  const [older, newer] = [fields.nested('rope_scaling'), fields.nested('rope_parameters')];
  const full = older ?? newer?.nested('full_attention') ?? fields.none();
  const sliding = newer?.nested('sliding_attention') ?? fields.none();
  return [
    ropeSpec(full, { ...context, theta: theta.full }),
    ropeSpec(sliding, { ...context, theta: theta.sliding }),
  ];
}

/** The one rope of a checkpoint: `rope_theta` with `rope_scaling`, or `rope_parameters` that holds both. */
export function ropeFromConfig(
  fields: ConfigFields,
  context: RopeContext,
  renamed: Readonly<Record<string, RopeType>> = {},
): RopeSpec {
  const key = 'original_max_position_embeddings';
  const original = fields.positiveIntegerOrNull(key, context.originalMaxPositions ?? null);
  const theta = fields.positive('rope_theta', context.theta);
  const outside = original === null ? {} : { originalMaxPositions: original };
  return ropeSpec(ropeFields(fields) ?? fields.none(), { ...context, ...outside, theta }, renamed);
}

/** A length given outside the scaling's fields comes first, as in transformers. */
function originalLength({ fields, originalMaxPositions, maxPositions }: Scaling): number {
  const inside = fields.positiveInteger('original_max_position_embeddings', maxPositions);
  return originalMaxPositions ?? inside;
}

/** Long wavelengths are divided by `factor`, short ones kept, those between interpolated. */
function llama3(scaling: Scaling): Frequencies {
  const { fields, base } = scaling;
  const factor = fields.positive('factor');
  const low = fields.positive('low_freq_factor');
  const high = fields.positive('high_freq_factor');
  const original = originalLength(scaling);
  const scaled = (frequency: number): number => {
    const wavelength = (2 * Math.PI) / frequency;
    if (wavelength < original / high) return frequency;
    if (wavelength > original / low) return frequency / factor;
    const smooth = (original / wavelength - low) / (high - low);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  };
  return { invFreq: base.map(scaled), scale: 1, scaling: { type: 'llama3' } };
}

function yarn(scaling: Scaling): Frequencies {
  const { fields, base, theta, rotaryDim, maxPositions } = scaling;
  const original = originalLength(scaling);
  const factor = fields.positive('factor', maxPositions / original);
  const dimensionAt = (rotations: number) =>
    (rotaryDim * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const betaFast = fields.positive('beta_fast', 32);
  const betaSlow = fields.positive('beta_slow', 1);
  const [first, last] = [dimensionAt(betaFast), dimensionAt(betaSlow)];
  const truncate = fields.boolean('truncate', true);
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, rotaryDim - 1);
  const span = high === low ? 0.001 : high - low;
  const invFreq = base.map((frequency, i) => {
    const interpolated = Math.min(Math.max((i - low) / span, 0), 1);
    return (frequency / factor) * interpolated + frequency * (1 - interpolated);
  });
  return {
    invFreq,
    scale: fields.positive('attention_factor', yarnScale(fields, factor)),
    scaling: { type: 'yarn', factor, originalLength: original, betaFast, betaSlow, truncate },
  };
}

function yarnScale(fields: ConfigFields, factor: number): number {
  const magnitude = (m: number) => (factor <= 1 ? 1 : 0.1 * m * Math.log(factor) + 1);
  const mscale = fields.number('mscale', 0);
  const mscaleAll = fields.number('mscale_all_dim', 0);
  return mscale !== 0 && mscaleAll !== 0 ? magnitude(mscale) / magnitude(mscaleAll) : magnitude(1);
}

/** Each frequency has its own divisor; beyond the original length there is another set of them. */
function longrope(scaling: Scaling): Frequencies {
  const { fields, base, rotaryDim, maxPositions } = scaling;
  const original = originalLength(scaling);
  const divisors = fields.numbers('short_factor', rotaryDim / 2);
  const beyond = fields.numbers('long_factor', rotaryDim / 2);
  if (divisors === null) throw fields.wrong('short_factor', undefined, 'a list of numbers');
  if (beyond === null) throw fields.wrong('long_factor', undefined, 'a list of numbers');
  const factor = fields.positive('factor', maxPositions / original);
  const magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
  return {
    invFreq: base.map((frequency, i) => frequency / divisors[i]!),
    scale: fields.positive('attention_factor', magnitude),
    maxLength: original,
    scaling: {
      type: 'longrope',
      originalLength: original,
      extendedLength: maxPositions,
      shortFactors: divisors,
      longFactors: beyond,
    },
  };
}
