/** A command that wrote over what it reads, or two outputs into one file, would lose one of them: that is refused. */
import type { z } from 'zod';
import { InputError } from '../util/errors.js';
import { placeOf } from '../util/file-place.js';
import { inputPaths } from './input-paths.js';

/** Keys that name a file or folder which a command replaces as a whole. */
const OUTPUT_KEYS = [
  'output',
  'output_csv',
  'table',
  'results_file',
  'rows_file',
  'bandit_file',
] as const;

/** @throws InputError naming the key whose file is an input, or that of another key, as well */
export function checkOwnFiles(schema: z.core.$ZodType, config: object): void {
  const values = config as Readonly<Record<string, unknown>>;
  const taken = new Map(
    inputPaths(schema, config).map((path) => [placeOf(path), 'what the command reads']),
  );
  for (const key of OUTPUT_KEYS) {
    const output = values[key];
    if (typeof output !== 'string') continue;
    const place = placeOf(output);
    const other = taken.get(place);
    taken.set(place, `the file of ${key}, too`);
    if (other === undefined) continue;
    throw new InputError({
      where: key,
      problem: `${output} is ${other}`,
      remedy: 'Give the output another name',
    });
  }
}
