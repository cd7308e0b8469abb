/**
 * Real rows and tokenizers, in the folder that `LORIKEET_DATA` names. Tests that need them are skipped where they
 * are not there, and carry `NEEDS_DATA` in their names.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.env.LORIKEET_DATA || null;

export const NEEDS_DATA = '(needs LORIKEET_DATA)';

/** Whether the folder is there, and this part of it. */
export const hasData = (part = ''): boolean => folder !== null && existsSync(join(folder, part));

/** A file or folder in it. */
export const dataPath = (...parts: readonly string[]): string => join(folder ?? '', ...parts);
