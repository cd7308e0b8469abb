/** A command that wrote over what it reads would lose it: an output of the same path is refused. */
import { resolve } from 'node:path';
import type { z } from 'zod';
import { InputError } from '../util/errors.js';
import { inputPaths } from './input-paths.js';

/** Keys that name a file or folder which a command replaces as a whole. */
const OUTPUT_KEYS = ['output', 'output_csv', 'table'] as const;

/** @throws InputError naming the key whose file is an input as well */
export function checkOwnInput(schema: z.core.$ZodType, config: object): void {
  const values = config as Readonly<Record<string, unknown>>;
  const read = new Set(inputPaths(schema, config).map((path) => resolve(path)));
  for (const key of OUTPUT_KEYS) {
    const output = values[key];
    if (typeof output !== 'string' || !read.has(resolve(output))) continue;
    throw new InputError({
      where: key,
      problem: `${output} is what the command reads`,
      remedy: 'Give the output another name',
    });
  }
}
