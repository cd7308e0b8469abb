/** A model folder as a command's output: what may be replaced. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { whileLocked } from './output-lock.js';
import { checkReplaceable, type ReplacedOutput } from './replaceable.js';

/**
 * What `work` gives, while no other process writes the folder.
 * @throws InputError when another does, it cannot be written, or holds something that is not to be replaced
 */
export async function whileModelLocked<T>(
  config: ReplacedOutput,
  work: () => Promise<T>,
): Promise<T> {
  checkModelFolder(config);
  const checkedWork = () => {
    checkModelFolder(config);
    return work();
  };
  return await whileLocked(config.output, checkedWork, { isFolder: true });
}

const isFolder = (path: string): boolean => statSync(path).isDirectory();

const checkModelFolder = (config: ReplacedOutput): void =>
  checkReplaceable(config, {
    name: 'a model folder',
    isOne: (path) => isFolder(path) && existsSync(join(path, 'config.json')),
    isEmpty: (path) => isFolder(path) && readdirSync(path).length === 0,
  });
