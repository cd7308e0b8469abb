/** TensorFlow's complaint that memory ran out → an error that says what to change. */
import { messageOf, RunError } from '../util/errors.js';

/** On the CPU, of TensorFlow's kernels on a GPU, of its generated ones, and of uploads to a card. */
const PATTERN =
  /OOM when allocating|RESOURCE_EXHAUSTED|Resource exhausted|bad_alloc|failed to allocate|TF_Status: 8\b|Dst tensor is not initialized/i;

/** @returns `error` itself when it is about something else. */
export function explained(error: unknown, where: string): unknown {
  const message = messageOf(error);
  if (!PATTERN.test(message)) return error;
  const parts = {
    where,
    problem: `memory ran out (${message.replace(/^.*Message: /s, '').slice(0, 80)})`,
    remedy:
      'The last checkpoint is intact: go on from it by resume=auto with a smaller per_device_train_batch_size (and more gradient_accumulation_steps), gradient_checkpointing=true, or a shorter max_length; --dry-run shows the plan',
  };
  return new RunError(parts, { cause: error });
}
