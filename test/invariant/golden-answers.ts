/** What a policy computes on the rows of a golden model, with its LoRA. */
import { sftLoss } from '../../src/losses/index.js';
import { tf } from '../../src/tensor/index.js';
import type { LoraConfig } from '../../src/weights/index.js';
import { goldenCase } from '../support/golden-models.js';
import { goldenPolicy } from '../support/golden-policy.js';
import { batchOf } from '../support/token-rows.js';

interface Options {
  readonly compute: 'float32' | 'bfloat16';
  readonly checkpointed?: boolean;
  readonly lora?: Partial<LoraConfig>;
}

/**
 * `held`: bytes of the policy's tensors before it is used, bfloat16 counted as four; `moved`: logits with half of each
 * LoRA matrix; `left`: tensors that are still there when the policy is gone.
 */
export async function goldenAnswers(
  name: string,
  { compute, checkpointed = false, lora = {} }: Options,
) {
  const golden = goldenCase(name);
  const { spec } = golden;
  const { numTensors: before, numBytes: heldBefore } = tf.memory();
  const checkpointedLayers = checkpointed ? spec.layers.length : 0;
  const policy = goldenPolicy(name, { lora, checkpointedLayers, compute });
  const batch = batchOf(golden.rows);
  const held = tf.memory().numBytes - heldBefore;
  const logits = await policy.logits(batch);
  const totalTokens = batch.targets.length;
  const { gradient, logps } = await policy.gradients(
    batch,
    (scores) => sftLoss(scores, { totalTokens, lossType: 'nll', labelSmoothing: 0 }),
    { dropoutSeed: 3 },
  );
  const values = (await gradient.data()) as Float32Array;
  policy.parameters.replace(tf.tidy(() => policy.parameters.values.mul(0.5).as1D()));
  gradient.dispose();
  const moved = await policy.logits(batch);
  const { fused } = policy;
  policy.dispose();
  const left = tf.memory().numTensors - before;
  return { logits, logps, gradient: values, moved, fused, left, held };
}
