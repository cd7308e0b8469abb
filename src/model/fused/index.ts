/** A decoder layer with LoRA by our own operations: two blocks on the tape, little kept between passes. */
import type { Tensor } from '../../tensor/index.js';
import { fusedAttention } from './attention.js';
import type { FusedContext } from './fused-source.js';
import { fusedMlp } from './mlp.js';
import { sublayer } from './sublayer.js';

export type { FusedContext } from './fused-source.js';
export type { FusedLinear, FusedLora } from './linear-group.js';

/** @param x `[T, H]` float32 @returns `[T, H]` float32 */
export function fusedLayer(x: Tensor, layer: number, context: FusedContext): Tensor {
  const { normPlacement } = context.spec;
  const prefix = `model.layers.${layer}`;
  const named = (name: string, isThere: boolean) => (isThere ? `${prefix}.${name}.weight` : null);
  const [pre, post] = [normPlacement !== 'post', normPlacement !== 'pre'];
  const mlpNorm = normPlacement === 'both' ? 'pre_feedforward' : 'post_attention';
  const middle = sublayer(x, {
    inner: fusedAttention(context, layer),
    norms: {
      pre: named('input_layernorm', pre),
      post: named('post_attention_layernorm', post),
    },
    context,
  });
  return sublayer(middle, {
    inner: fusedMlp(context, layer),
    norms: {
      pre: named(`${mlpNorm}_layernorm`, pre),
      post: named('post_feedforward_layernorm', post),
    },
    context,
  });
}
