/** A model folder as a command's output: what may be replaced. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkFolderPlace } from '../../util/disk.js';
import { InputError } from '../../util/errors.js';
import { placeOf } from '../../util/file-place.js';
import { inUseRemedy } from '../../util/in-use.js';
import { whileLocked } from './output-lock.js';

interface ModelOutput {
  readonly output: string;
  readonly overwrite: boolean;
}

/**
 * What `work` gives, while no other process writes the folder.
 * @throws InputError when another does, it cannot be written, or holds something that is not to be replaced
 */
export async function whileModelLocked<T>(config: ModelOutput, work: () => Promise<T>): Promise<T> {
  checkModelFolder(config);
  const checkedWork = () => {
    checkModelFolder(config);
    return work();
  };
  return await whileLocked(config.output, checkedWork, { isFolder: true });
}

function checkModelFolder({ output, overwrite }: ModelOutput): void {
  checkFolderPlace(dirname(placeOf(output)));
  if (!existsSync(output)) return;
  const isFolder = statSync(output).isDirectory();
  if (isFolder && readdirSync(output).length === 0) return;
  if (!overwrite) {
    throw new InputError({
      where: 'output',
      problem: `${output} is in use`,
      remedy: inUseRemedy('output'),
    });
  }
  if (isFolder && existsSync(join(output, 'config.json'))) return;
  throw new InputError({
    where: 'output',
    problem: `${output} is not a model folder, so it is not replaced`,
    remedy: 'Give another output',
  });
}
