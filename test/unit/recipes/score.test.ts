/** `score`: a signal ends it between two batches, and nothing is written. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, scoreSchema } from '../../../src/config/index.js';
import { runScore } from '../../../src/recipes/score.js';
import { tf } from '../../../src/tensor/index.js';
import { toJsonl } from '../../../src/util/files.js';
import { SILENT } from '../../support/context.js';
import { tinyModel } from '../../support/tiny-model.js';

const { folder, model } = tinyModel([
  'hidden_size=32',
  'intermediate_size=64',
  'num_hidden_layers=1',
]);

it('ends between two batches when it is stopped', async () => {
  const input = join(folder, 'rows.jsonl');
  const output = join(folder, 'scores.jsonl');
  writeFileSync(input, toJsonl(Array.from({ length: 50 }, () => ({ ids: [5, 6, 7] }))));
  const overrides = [`model=${model}`, `input=${input}`, `output=${output}`, 'batch_size=1'];
  const config = loadConfig(scoreSchema, { overrides: [...overrides, 'threads=1'] });
  const stop = new AbortController();
  // Once the model's tensors are there, which is once the batches have begun.
  const stopWhenScoring = () => {
    if (tf.memory().numTensors > 0) stop.abort('SIGINT');
    else setImmediate(stopWhenScoring);
  };
  setImmediate(stopWhenScoring);
  const call = runScore(config, { ...SILENT, signal: stop.signal });
  await expect(call).rejects.toThrow('stopped while scoring; nothing is written');
  expect(existsSync(output)).toBe(false);
});
