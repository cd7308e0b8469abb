/** A tiny random checkpoint in a folder of its own, and a context that says nothing. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { initModelSchema, loadConfig } from '../../../src/config/index.js';
import { runInitModel } from '../../../src/recipes/init-model.js';

const ignore = () => undefined;

export const SILENT = {
  signal: new AbortController().signal,
  log: ignore,
  print: ignore,
  verbose: false,
};

/** Made before the tests of a file, removed after them. @param architecture Keys of `init-model` */
export function tinyModel(architecture: readonly string[]): { folder: string; model: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lorikeet-tiny-model-'));
  const model = join(folder, 'model');
  beforeAll(async () => {
    const words = architecture.map((word) => `architecture.${word}`);
    const overrides = [`output=${model}`, ...words];
    await runInitModel(loadConfig(initModelSchema, { overrides }), SILENT);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, model };
}
