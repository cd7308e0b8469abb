/**
 * A decoder layer with LoRA by our own operations: what mixes tokens, then MLP. A forward pass keeps what the gradient
 * reads, or the former's part alone; then the gradient computes the MLP again, up to but not with its last product
 * (activation checkpointing, Chen et al. 2016; which values to keep, Korthikanti et al. 2022).
 */
import { type Tensor, tf } from '../../tensor/index.js';
import { loraA, loraB } from '../lora.js';
import { layerNorms, linearGroups } from '../spec-modules.js';
import { fusedAttention } from './attention.js';
import { fusedExperts } from './experts.js';
import type { FusedContext } from './fused-source.js';
import { fusedGatedDelta } from './gated-delta.js';
import { partsOf } from './linear-group.js';
import { fusedMlp } from './mlp.js';
import { fusedShortConv } from './short-conv.js';
import { type Inner, type Kept, keptOf, Sublayer } from './sublayer.js';

/** What a forward pass leaves to the gradient. */
export interface LayerKept {
  readonly mixer: Kept;
  /** What comes between, `[T, H]` float32, and what the MLP kept; null where both are computed again. */
  readonly rest: { readonly middle: Tensor; readonly mlp: Kept } | null;
}

interface LayerForward {
  readonly y: Tensor;
  readonly kept: LayerKept;
}

export class FusedLayer {
  private readonly mixer: Sublayer;
  private readonly mlp: Sublayer;
  private readonly isParallel: boolean;

  constructor(layer: number, context: FusedContext) {
    this.isParallel = context.spec.parallelMlp;
    const norms = layerNorms(context.spec, layer);
    this.mixer = new Sublayer({
      inner: fusedMixer(context, layer),
      norms: { pre: norms.beforeAttention, post: norms.afterAttention },
      context,
    });
    this.mlp = new Sublayer({
      inner: fusedFeedForward(context, layer),
      norms: { pre: norms.beforeMlp, post: norms.afterMlp },
      context,
    });
  }

  /** @param x `[T, H]` float32 @param keepsAll Or of the first sublayer alone. @returns y `[T, H]` float32, and what is kept */
  forward(x: Tensor, { keepsAll }: { readonly keepsAll: boolean }): LayerForward {
    const pass = (): LayerForward => {
      const { linears } = this.mixer.inner;
      const trace = this.mixer.trace(x, linears, { keeps: keepsAll });
      const middle = this.mixer.result(x, trace, linears);
      const [y, mlp] = this.throughMlp(x, middle, keepsAll);
      const mixer = keepsAll ? keptOf(trace) : { saved: trace.saved };
      return { y, kept: { mixer, rest: mlp === null ? null : { middle, mlp } } };
    };
    return tf.tidy(pass as never) as never;
  }

  private throughMlp(x: Tensor, middle: Tensor, keeps: boolean): [Tensor, Kept | null] {
    const pass = (): [Tensor, Kept | null] => {
      const { linears } = this.mlp.inner;
      const trace = this.mlp.trace(this.isParallel ? x : middle, linears, { keeps });
      return [this.mlp.result(middle, trace, linears), keeps ? keptOf(trace) : null];
    };
    return tf.tidy(pass as never) as never;
  }

  /** Names of the LoRA matrices in the order of `gradient`. */
  get parameterNames(): string[] {
    const { linears, trained = [] } = this.mlp.inner;
    const parts = partsOf([...this.mixer.inner.linears, ...linears]);
    return [...parts.flatMap(({ module }) => [loraA(module), loraB(module)]), ...trained];
  }

  /**
   * @param kept Of `forward` at the same x. @param dy `[T, H]` float32
   * @returns dx float32, then the gradient to each LoRA matrix as it is taken
   */
  gradient(args: { readonly x: Tensor; readonly kept: LayerKept; readonly dy: Tensor }): Tensor[] {
    const { x, kept, dy } = args;
    const { mixer } = this;
    const { linears } = mixer.inner;
    return tf.tidy(() => {
      const trace = mixer.trace(x, linears, { kept: kept.mixer, keeps: true });
      const middle = () => kept.rest?.middle ?? mixer.result(x, trace, linears);
      const taken = this.isParallel ? x : middle();
      const [through, ...upper] = tf.tidy(() => this.mlpGradient(taken, kept.rest?.mlp, dy));
      const upstream = this.isParallel ? { dy, through: through! } : { dy: through! };
      const { dx, gradients } = mixer.gradient({ x, trace, ...upstream }, linears);
      return [dx, ...gradients, ...upper];
    });
  }

  private mlpGradient(x: Tensor, kept: Kept | undefined, dy: Tensor): Tensor[] {
    const { linears } = this.mlp.inner;
    const trace = this.mlp.trace(x, linears, { kept, keeps: true });
    const { dx, gradients } = this.mlp.gradient({ x, dy, trace }, linears);
    return [dx, ...gradients];
  }
}

function fusedFeedForward(context: FusedContext, layer: number): Inner {
  const { mlp } = linearGroups(context.spec, layer);
  return mlp === null ? fusedExperts(context, layer) : fusedMlp(context, mlp);
}

function fusedMixer(context: FusedContext, layer: number): Inner {
  const mixer = context.spec.layers[layer]!;
  switch (mixer.mixer) {
    case 'attention':
      return fusedAttention(context, layer, mixer);
    case 'short_conv':
      return fusedShortConv(context, layer, mixer);
    case 'gated_delta':
      return fusedGatedDelta(context, layer, mixer);
  }
}
