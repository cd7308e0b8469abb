/** Softmax over the last axis by the fastest operation that TensorFlow has here. */
import { attr, executeOp } from '../execute.js';
import { deviceInfo, type Tensor, tf } from '../tf.js';

/** oneDNN's own kernel for the CPU, twice as fast as the generic one; there are builds without it. */
const ONEDNN = [attr.type('T', 'float32'), attr.string('_kernel', 'MklNameChangeOp')];

let hasOnednn: boolean | null = null;

function probed(): boolean {
  // TensorFlow for CUDA has it as well, and would copy from the card and back for it.
  if (deviceInfo().device !== 'cpu') return false;
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
