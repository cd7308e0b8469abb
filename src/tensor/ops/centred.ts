/** LayerNorm (Ba et al. 2016) is RMSNorm of this. */
import { type Tensor, tf } from '../tf.js';

/** Rows without their means. Its gradient is the same of dy. @param x `[…, W]` */
export const centred = (x: Tensor): Tensor => tf.tidy(() => x.sub(x.mean(-1, true)));
