/** A tiny random checkpoint in a folder of its own. */
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { initModelSchema, loadConfig } from '../../src/config/index.js';
import { runInitModel } from '../../src/recipes/init-model.js';
import { SILENT } from './context.js';
import { temporaryFolder } from './temporary.js';

/**
 * Made before the tests of a file, removed after them.
 * @param architecture Keys of `init-model` @param more Others of its keys
 */
export function tinyModel(
  architecture: readonly string[],
  more: readonly string[] = [],
): { folder: string; model: string } {
  const folder = temporaryFolder();
  const model = join(folder, 'model');
  beforeAll(async () => {
    const words = architecture.map((word) => `architecture.${word}`);
    const overrides = [`output=${model}`, ...words, ...more];
    await runInitModel(loadConfig(initModelSchema, { overrides }), SILENT);
  }, 120_000);
  return { folder, model };
}
