/** TensorFlow's complaint that memory ran out → an error that says what to change. */
import { LorikeetError, messageOf, RunError } from '../util/errors.js';

/** On the CPU, of TensorFlow's kernels on a GPU, of its generated ones, and of uploads to a card. */
const PATTERN =
  /OOM when allocating|RESOURCE_EXHAUSTED|Resource exhausted|bad_alloc|failed to allocate|TF_Status: 8\b|Dst tensor is not initialized/i;

const IN_TRAINING =
  'The last checkpoint is intact: go on from it by resume=auto, with output_dir as it was, and a smaller per_device_train_batch_size (and more gradient_accumulation_steps), gradient_checkpointing=true, or a shorter max_length; --dry-run shows the plan';

const SMALLER_BATCH =
  'Lower the batch (per_device_train_batch_size in training, else batch_size) or the length of the texts';

/** @returns `error` itself when it is about something else, or is explained already */
export function explained(error: unknown, where: string, remedy = IN_TRAINING): unknown {
  const message = messageOf(error);
  if (error instanceof LorikeetError || !PATTERN.test(message)) return error;
  const parts = {
    where,
    problem: `memory ran out (${message.replace(/^.*Message: /s, '').slice(0, 80)})`,
    remedy,
  };
  return new RunError(parts, { cause: error });
}

/** For log-probabilities and logits, which are asked for in training and outside of it. */
export function throwExplained(error: unknown): never {
  throw explained(error, 'log-probabilities', SMALLER_BATCH);
}
