/**
 * What attention and MLP have in common: y = x + c·post(inner(pre(x))), with norms before or after as the
 * architecture has them and c the residual scale; on the tape as one operation of x and the LoRA matrices.
 */
import { castTo, nativeNorm, nativeNormGradient, type Tensor, tf } from '../../tensor/index.js';
import { type FusedContext, loraInputs, withInputs } from './fused-source.js';
import type { FusedLinear, GroupOutput } from './linear-group.js';

export interface Inner {
  readonly linears: readonly FusedLinear[];
  /** @param h `[T, H]` in the compute type. @param output What the last product adds and gives. */
  forward(
    h: Tensor,
    linears: readonly FusedLinear[],
    output: GroupOutput,
  ): { readonly value: Tensor; readonly saved: readonly Tensor[] };
  /** @param dy `[T, H]` in the compute type. @param output Of the gradient to h. */
  backward(
    args: { readonly h: Tensor; readonly dy: Tensor; readonly saved: readonly Tensor[] },
    linears: readonly FusedLinear[],
    output: GroupOutput,
  ): { readonly dh: Tensor; readonly gradients: readonly Tensor[] };
}

export interface SublayerNorms {
  /** Names of norm weights, or null where there is none. */
  readonly pre: string | null;
  readonly post: string | null;
}

type Save = (tensors: Tensor[]) => void;

/** @param x `[T, H]` float32 @returns `[T, H]` float32 */
export function sublayer(
  x: Tensor,
  { inner, norms, context }: { inner: Inner; norms: SublayerNorms; context: FusedContext },
): Tensor {
  const { spec, compute } = context;
  const { normEps: eps, normOffset: offset, residualScale } = spec;
  const pre = norms.pre === null ? null : context.norm(norms.pre);
  const post = norms.post === null ? null : context.norm(norms.post);
  const form = { eps, offset };
  const inputOf = (input: Tensor) =>
    pre === null
      ? castTo(input, 'float32', compute)
      : nativeNorm(input, pre, { ...form, out: compute });
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as Save;
    const [input, ...matrices] = args as unknown as [Tensor, ...Tensor[]];
    const linears = withInputs(inner.linears, matrices);
    const output: GroupOutput =
      post === null
        ? { out: 'float32', residual: input, outScale: residualScale }
        : { out: compute };
    const { value, saved } = inner.forward(inputOf(input), linears, output);
    const normed = () =>
      input.add(scaled(nativeNorm(value, post!, { ...form, out: 'float32' }), residualScale));
    save([input, ...matrices, ...(post === null ? [] : [value]), ...saved]);
    return {
      value: post === null ? value : normed(),
      gradFunc: (dy: Tensor, all: Tensor[]) => {
        const grads = tf.tidy(() => {
          const [x0, ...rest] = all as [Tensor, ...Tensor[]];
          const own = rest.slice(matrices.length);
          const upstream = scaled(dy, residualScale);
          const d =
            post === null
              ? castTo(upstream, 'float32', compute)
              : nativeNormGradient(
                  { x: own.shift()!, w: post, dy: upstream },
                  { ...form, out: compute },
                );
          const { dh, gradients } = inner.backward(
            { h: inputOf(x0), dy: d, saved: own },
            withInputs(inner.linears, rest.slice(0, matrices.length)),
            pre === null ? { out: 'float32', residual: dy } : { out: compute },
          );
          const dx =
            pre === null
              ? dh
              : nativeNormGradient(
                  { x: x0, w: pre, dy: dh, extra: dy },
                  { ...form, out: 'float32' },
                );
          return [dx, ...gradients];
        });
        // The tape would keep it to its end, though nothing reads it again.
        dy.dispose();
        return grads;
      },
    };
  })(x, ...loraInputs(inner.linears));
}

const scaled = (x: Tensor, factor: number): Tensor => (factor === 1 ? x : x.mul(factor));
