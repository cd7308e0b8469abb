/** The configs that come with Lorikeet, beside the program's own files. */
import { fileURLToPath } from 'node:url';

/** @param name Path below `configs/`. */
export const bundledConfig = (name: string): string =>
  fileURLToPath(new URL(`../../configs/${name}`, import.meta.url));
