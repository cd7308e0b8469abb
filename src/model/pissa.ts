/**
 * PiSSA (Meng et al. 2024): A and B start as the principal part of W, s·B·A = U_r·S_r·V_rᵀ, and the frozen
 * base keeps the rest, W − s·B·A. `pissa_niter_N` finds the principal part by N rounds of subspace iteration
 * (Halko et al. 2011, algorithm 4.4) in place of a full decomposition.
 */
import { onHost, orthonormal, svd, type Tensor, tf } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import type { Rng } from '../util/rng.js';
import {
  type Adapter,
  fromFloat32,
  type HostTensor,
  type LoraTensors,
  toFloat32,
} from '../weights/index.js';

/** @returns the rounds of iteration, null for an exact decomposition; null for another initialisation. */
export function parsePissa(init: boolean | string): { readonly rounds: number | null } | null {
  const found = /^pissa(?:_niter_(\d+))?$/.exec(String(init));
  if (found === null) return null;
  return { rounds: found[1] === undefined ? null : Number(found[1]) };
}

interface PrincipalOptions {
  readonly module: string;
  readonly r: number;
  readonly scale: number;
  readonly rounds: number | null;
  /** For the starting subspace of the iteration. */
  readonly rng: Rng;
}

const matrixOf = (tensor: HostTensor): Tensor =>
  tf.tensor2d(toFloat32(tensor), tensor.shape as [number, number]);

/** @returns A `[r, in]` and B `[out, r]`. @throws InputError when r exceeds the rank that W can have. */
export function principalParts(
  weight: HostTensor,
  { module, r, scale, rounds, rng }: PrincipalOptions,
): { readonly a: Float32Array; readonly b: Float32Array } {
  if (r > Math.min(...weight.shape)) {
    throw new InputError({
      where: 'init_lora_weights',
      problem: `pissa with rank ${r} on "${module}" of shape [${weight.shape.join(', ')}]`,
      remedy: `Set r or rank_pattern to at most ${Math.min(...weight.shape)}`,
    });
  }
  const { a, b } = tf.tidy(() => {
    const w = matrixOf(weight);
    const { u, s, v } = rounds === null ? svd(w) : lowRank(w, { r, rounds, rng });
    const root = tf.sqrt(tf.slice(s, [0], [r]).div(scale));
    return {
      a: tf.transpose(tf.slice(v, [0, 0], [-1, r]).mul(root)),
      b: tf.slice(u, [0, 0], [-1, r]).mul(root),
    };
  });
  return { a: onHost(() => a), b: onHost(() => b) };
}

/** The largest r singular triplets, by iteration with W·Wᵀ on a random subspace. */
function lowRank(
  w: Tensor,
  { r, rounds, rng }: Pick<PrincipalOptions, 'r' | 'rng'> & { rounds: number },
) {
  const [, columns] = w.shape as [number, number];
  const start = Float32Array.from({ length: columns * r }, () => rng.normal());
  let q = orthonormal(tf.matMul(w, tf.tensor2d(start, [columns, r])));
  for (let round = 0; round < rounds; round++) {
    q = orthonormal(tf.matMul(w, orthonormal(tf.matMul(w, q, true, false))));
  }
  const { u, s, v } = svd(tf.matMul(q, w, true, false));
  return { u: tf.matMul(q, u), s, v };
}

/** W − s·B·A, in float32. */
export function residual(
  weight: HostTensor,
  { a, b, scale }: { readonly a: Float32Array; readonly b: Float32Array; readonly scale: number },
): HostTensor {
  const [rows, columns] = weight.shape as [number, number];
  const values = onHost(() => {
    const left = tf.tensor2d(b, [rows, b.length / rows]);
    const right = tf.tensor2d(a, [a.length / columns, columns]);
    return matrixOf(weight).sub(tf.matMul(left, right).mul(scale));
  });
  return fromFloat32(values, weight.shape);
}

/**
 * The same change as plain LoRA on the whole base, of twice the rank: B·A − B₀·A₀ = [B, −B₀]·[A; A₀], where
 * A₀ and B₀ are what training started from. The scale stays, as alpha grows with the rank.
 */
export function asPlainLora(trained: Adapter, start: Adapter): Adapter {
  const { config } = trained;
  const grown = config.useRslora ? Math.SQRT2 : 2;
  const times = (values: Readonly<Record<string, number>>, factor: number) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, factor * value]));
  const tensors = new Map<string, LoraTensors>();
  for (const [module, { a, b, ...rest }] of trained.tensors) {
    const first = start.tensors.get(module)!;
    tensors.set(module, { a: stacked(a, first.a), b: sideBySide(b, first.b), ...rest });
  }
  return {
    ...trained,
    tensors,
    config: {
      ...config,
      r: 2 * config.r,
      loraAlpha: grown * config.loraAlpha,
      rankPattern: times(config.rankPattern, 2),
      alphaPattern: times(config.alphaPattern, grown),
      initLoraWeights: true,
    },
  };
}

/** A over A₀, `[2r, in]`. */
function stacked(a: HostTensor, first: HostTensor): HostTensor {
  const [r, columns] = a.shape as [number, number];
  const values = new Float32Array(2 * r * columns);
  values.set(toFloat32(a));
  values.set(toFloat32(first), r * columns);
  return fromFloat32(values, [2 * r, columns]);
}

/** B beside −B₀, `[out, 2r]`. */
function sideBySide(b: HostTensor, first: HostTensor): HostTensor {
  const [rows, r] = b.shape as [number, number];
  const [left, right] = [toFloat32(b), toFloat32(first)];
  const values = new Float32Array(2 * r * rows);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < r; i++) {
      values[row * 2 * r + i] = left[row * r + i]!;
      values[row * 2 * r + r + i] = -right[row * r + i]!;
    }
  }
  return fromFloat32(values, [rows, 2 * r]);
}
