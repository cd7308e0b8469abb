/** Examples of `eval_dataset`: there is one at least, or the run does not begin. */
import type { DatasetConfig } from '../../config/index.js';
import { InputError } from '../../util/errors.js';

interface HeldOutKeys {
  /** Null: no rows are held out. */
  readonly eval_dataset: DatasetConfig | null;
  readonly max_length: number;
}

/**
 * @param read Examples of a data set that fit in `max_length`.
 * @returns Null where no rows are held out.
 * @throws InputError where none is left: a mean over them would be of nothing
 */
export async function heldOutExamples<T>(
  { eval_dataset: dataset, max_length: maxLength }: HeldOutKeys,
  read: (dataset: DatasetConfig) => Promise<readonly T[]>,
): Promise<readonly T[] | null> {
  if (dataset === null) return null;
  const examples = await read(dataset);
  if (examples.length > 0) return examples;
  throw new InputError({
    where: 'eval_dataset',
    problem: `no row of ${dataset.path ?? dataset.name} is left in max_length=${maxLength}`,
    remedy: 'Raise max_length, or check the rows',
  });
}
