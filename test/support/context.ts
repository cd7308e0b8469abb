/** What recipes get from the tests: contexts that say nothing, or keep what is said. */
import type { RecipeContext } from '../../src/recipes/context.js';

const ignore = () => undefined;

export const SILENT: RecipeContext = {
  signal: new AbortController().signal,
  log: ignore,
  print: ignore,
  verbose: false,
};

/** Puts each line of progress into `lines`. */
export const logInto = (lines: string[]): RecipeContext => ({
  ...SILENT,
  log: (line) => void lines.push(line),
});
