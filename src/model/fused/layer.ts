/**
 * A decoder layer with LoRA by our own operations: attention, then MLP. On a tape it is two operations. Apart from
 * it, a forward pass keeps attention alone, and the gradient computes the MLP again, up to but not with its
 * last product (activation checkpointing, Chen et al. 2016; which values to keep, Korthikanti et al. 2022).
 */
import { type Tensor, tf } from '../../tensor/index.js';
import { loraA, loraB } from '../lora.js';
import { layerNorms } from '../spec.js';
import { fusedAttention } from './attention.js';
import type { FusedContext } from './fused-source.js';
import { fusedMlp } from './mlp.js';
import { Sublayer } from './sublayer.js';
import { tapedSublayer } from './taped-sublayer.js';

export class FusedLayer {
  private readonly attention: Sublayer;
  private readonly mlp: Sublayer;

  constructor(layer: number, context: FusedContext) {
    const norms = layerNorms(context.spec, layer);
    this.attention = new Sublayer({
      inner: fusedAttention(context, layer),
      norms: { pre: norms.beforeAttention, post: norms.afterAttention },
      context,
    });
    this.mlp = new Sublayer({
      inner: fusedMlp(context, layer),
      norms: { pre: norms.beforeMlp, post: norms.afterMlp },
      context,
    });
  }

  /** On the tape, where there is one. @param x `[T, H]` float32 @returns `[T, H]` float32 */
  apply(x: Tensor): Tensor {
    return tapedSublayer(tapedSublayer(x, this.attention), this.mlp);
  }

  /** Without a tape. @returns y, and what `gradient` wants to have kept */
  forward(x: Tensor): { readonly y: Tensor; readonly kept: readonly Tensor[] } {
    const [y, ...kept] = tf.tidy(() => {
      const { linears } = this.attention.inner;
      const trace = this.attention.trace(x, linears, { keeps: false });
      const middle = this.attention.result(x, trace, linears);
      return [tf.tidy(() => this.mlpResult(middle)), ...trace.saved];
    });
    return { y: y!, kept };
  }

  private mlpResult(middle: Tensor): Tensor {
    const { linears } = this.mlp.inner;
    return this.mlp.result(middle, this.mlp.trace(middle, linears, { keeps: false }), linears);
  }

  /** Names of the LoRA matrices in the order of `gradient`. */
  get parameterNames(): string[] {
    const linears = [...this.attention.inner.linears, ...this.mlp.inner.linears];
    return linears.flatMap(({ module, lora }) =>
      lora === null ? [] : [loraA(module), loraB(module)],
    );
  }

  /**
   * @param kept Of `forward` at the same x. @param dy `[T, H]` float32
   * @returns dx float32, then the gradient to each LoRA matrix as it is taken
   */
  gradient(args: {
    readonly x: Tensor;
    readonly kept: readonly Tensor[];
    readonly dy: Tensor;
  }): Tensor[] {
    const { x, kept, dy } = args;
    const { attention } = this;
    const { linears } = attention.inner;
    return tf.tidy(() => {
      const trace = attention.trace(x, linears, { kept: { saved: kept }, keeps: true });
      const middle = attention.result(x, trace, linears);
      const [dmiddle, ...upper] = tf.tidy(() => this.mlpGradient(middle, dy));
      const { dx, gradients } = attention.gradient({ x, dy: dmiddle!, trace }, linears);
      return [dx, ...gradients, ...upper];
    });
  }

  private mlpGradient(middle: Tensor, dy: Tensor): Tensor[] {
    const { linears } = this.mlp.inner;
    const trace = this.mlp.trace(middle, linears, { keeps: true });
    const { dx, gradients } = this.mlp.gradient({ x: middle, dy, trace }, linears);
    return [dx, ...gradients];
  }
}
