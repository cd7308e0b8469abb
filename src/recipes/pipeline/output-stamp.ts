/** What tells at no cost whether a command has touched its output: names, sizes and times. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileStamps } from '../outputs/file-stamps.js';
import { partOf } from '../outputs/row-store.js';

/**
 * Equal before and after a command that wrote nothing: of a folder its entries, of a file itself and its part.
 * Locks do not count; one is taken to look.
 * @param output null: the command has none
 */
export function outputStamp(output: string | null): string {
  if (output === null) return '';
  if (statSync(output, { throwIfNoEntry: false })?.isDirectory()) {
    return fileStamps(output, (name) => !name.endsWith('.lock')).join('\n');
  }
  const folder = dirname(output);
  const names = [basename(output), partOf(basename(output))];
  return existsSync(folder) ? fileStamps(folder, (name) => names.includes(name)).join('\n') : '';
}
