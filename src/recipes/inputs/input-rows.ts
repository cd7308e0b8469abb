/** The rows of a command's `input`. */
import { type FileRows, readRowFile } from '../../data/index.js';
import { InputError } from '../../util/errors.js';

/** @throws InputError when the file is missing, malformed, or has no row */
export async function inputRows(path: string): Promise<FileRows> {
  const file = await readRowFile(path);
  if (file.rows.length > 0) return file;
  throw new InputError({ where: path, problem: 'there is no row in it' });
}
