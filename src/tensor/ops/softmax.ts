/** Softmax over the last axis by the fastest operation that TensorFlow has here. */
import { attr, executeOp } from '../execute.js';
import { type Tensor, tf } from '../tf.js';

/** oneDNN's own kernel, twice as fast as the generic one; there are builds without it. */
const ONEDNN = [attr.type('T', 'float32'), attr.string('_kernel', 'MklNameChangeOp')];

let hasOnednn: boolean | null = null;

function probed(): boolean {
  try {
    tf.tidy(() => executeOp('_MklSoftmax', ONEDNN, [tf.tensor2d([1, 2], [1, 2])]));
    return true;
  } catch {
    return false;
  }
}

/** No gradient is recorded. @param x `[…, N]` */
export function softmaxRows(x: Tensor): Tensor {
  hasOnednn ??= probed();
  return hasOnednn ? executeOp('_MklSoftmax', ONEDNN, [x]) : tf.softmax(x);
}
