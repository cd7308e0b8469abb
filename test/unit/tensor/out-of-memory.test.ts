import { expect, test } from 'vitest';
import { explained, tf, throwExplained } from '../../../src/tensor/index.js';
import { thrownBy } from '../../support/failures.js';

test('memory that runs out in TensorFlow is explained, with what to change', () => {
  // 8 TiB, more than any machine gives at once.
  const failure = thrownBy(Error, () => tf.fill([2 ** 21, 2 ** 20], 1));
  const error = explained(failure, 'step 7');
  expect(error).toMatchObject({ name: 'RunError', exitCode: 1, cause: failure });
  expect((error as Error).message).toMatch(
    /^step 7: memory ran out \(OOM when allocating tensor with shape\[2097152,1048576\].*\)\. The last checkpoint is intact: .*per_device_train_batch_size/,
  );
});

test('another failure stays what it is', () => {
  const failure = new Error('shapes differ');
  expect(explained(failure, 'step 1')).toBe(failure);
});

test.each([
  'Invalid TF_Status: 8\nMessage: failed to allocate memory',
  'Invalid TF_Status: 13\nMessage: Dst tensor is not initialized.',
])('what a GPU says is explained as well: %s', (message) => {
  const error = explained(new Error(message), 'step 2');
  expect(error).toMatchObject({ name: 'RunError', exitCode: 1 });
});

test('work outside of a step names its own remedy, and what is explained stays', () => {
  const failure = new Error('OOM when allocating tensor with shape[1]');
  const error = thrownBy(Error, () => throwExplained(failure));
  expect(error.message).toMatch(/^log-probabilities: memory ran out .* Lower the batch/);
  expect(explained(error, 'step 3')).toBe(error);
});
