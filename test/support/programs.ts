/** Programs that tests put in the place of others. */
import { writeFileSync } from 'node:fs';

/** Writes a program of shell lines. @returns Its path */
export const shellProgram = (path: string, lines: string): string =>
  program(path, `#!/bin/sh\n${lines}\n`);

/** Writes a program in JavaScript (CommonJS). @returns Its path */
export const nodeProgram = (path: string, code: string): string =>
  program(path, `#!${process.execPath}\n${code}`);

function program(path: string, text: string): string {
  writeFileSync(path, text, { mode: 0o755 });
  return path;
}
