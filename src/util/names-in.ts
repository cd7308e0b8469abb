/** The names in a folder, none where it is not there. */
import { existsSync, readdirSync } from 'node:fs';

export const namesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder) : [];
