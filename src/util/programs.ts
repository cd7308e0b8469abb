/** Programs on PATH. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

export type Env = NodeJS.ProcessEnv;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Absolute path of a program by its name on PATH (or of an absolute path itself), or null. */
export function findProgram(name: string, env: Env = process.env): string | null {
  if (isAbsolute(name)) return isProgram(name) ? name : null;
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null;
}
