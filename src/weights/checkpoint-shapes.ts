/** Holds a checkpoint to the shapes that an architecture needs. */
import { counted } from '../util/counted.js';
import { InputError } from '../util/errors.js';
import type { Checkpoint } from './checkpoint.js';

/**
 * Holds a checkpoint to the shapes that its architecture needs.
 * @returns names of tensors that the architecture does not use.
 * @throws InputError naming file, tensor, found and expected shape, or the missing tensors.
 */
export function checkShapes(
  checkpoint: Checkpoint,
  expected: ReadonlyMap<string, readonly number[]>,
): string[] {
  const missing = [...expected.keys()].filter((name) => !checkpoint.has(name));
  if (missing.length > 0) {
    const named = missing.slice(0, 3).map((name) => `"${checkpoint.storedName(name)}"`);
    throw new InputError({
      where: checkpoint.dir,
      problem: `${missing.length} of ${counted(expected.size, 'tensor')} missing: ${named.join(', ')}${missing.length > 3 ? ', …' : ''}`,
      remedy: 'The weights must belong to the config.json beside them',
    });
  }
  for (const [name, shape] of expected) checkShape(checkpoint, name, shape);
  return checkpoint.names().filter((name) => !expected.has(name));
}

function checkShape(checkpoint: Checkpoint, name: string, expected: readonly number[]): void {
  const found = checkpoint.shape(name);
  if (found.length === expected.length && found.every((size, i) => size === expected[i])) return;
  throw new InputError({
    where: checkpoint.fileOf(name),
    problem: `tensor "${checkpoint.storedName(name)}" has shape [${found.join(', ')}], expected [${expected.join(', ')}]`,
    remedy: 'The weights must belong to the config.json beside them',
  });
}
