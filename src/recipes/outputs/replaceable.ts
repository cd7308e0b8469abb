/** A command's output that may be there already: replaced where that is asked for, and only by its own kind. */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkFolderPlace } from '../../util/disk.js';
import { InputError } from '../../util/errors.js';
import { placeOf } from '../../util/file-place.js';
import { inUseRemedy } from '../../util/in-use.js';

export interface ReplacedOutput {
  readonly output: string;
  readonly overwrite: boolean;
}

interface OutputKind {
  /** With its article. */
  readonly name: string;
  readonly isOne: (path: string) => boolean;
  /** Whether what is there holds nothing. */
  readonly isEmpty?: (path: string) => boolean;
}

/** @throws InputError when it cannot be written, or something is there that is not to be replaced */
export function checkReplaceable(
  { output, overwrite }: ReplacedOutput,
  { name, isOne, isEmpty = () => false }: OutputKind,
): void {
  checkFolderPlace(dirname(placeOf(output)));
  if (!existsSync(output) || isEmpty(output)) return;
  if (!overwrite) {
    const remedy = inUseRemedy('output');
    throw new InputError({ where: 'output', problem: `${output} is in use`, remedy });
  }
  if (isOne(output)) return;
  throw new InputError({
    where: 'output',
    problem: `${output} is not ${name}, so it is not replaced`,
    remedy: 'Give another output',
  });
}
