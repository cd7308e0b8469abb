/** Which freed memory of a training the process keeps for the next step. */
import { nativeHandBackFrom } from './native/calls.js';
import { hasNativeOps } from './tf.js';

/** All that can be kept. */
const ALL = 2 ** 31 - 1;
/** Handing back takes time, and smaller vectors are no loss. */
const LEAST = 2 ** 20;

/**
 * A vector of all trained parameters finds no room in what smaller activations leave, nor in what the last such vector
 * has left (see `native/memory.h`): 135 M parameters with LoRA of rank 16 took 45 MiB more with each step. Where
 * activations are larger, it does.
 * @param vector Bytes of all trained parameters @param activation Bytes of the usual step's largest activation
 */
export function keepFreedBlocks({
  vector,
  activation,
}: {
  readonly vector: number;
  readonly activation: number;
}): void {
  if (hasNativeOps()) nativeHandBackFrom(vector > Math.max(activation, LEAST) ? vector : ALL);
}
