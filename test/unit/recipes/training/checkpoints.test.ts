/** What a run that goes on does with the checkpoints that a killed one has left. */
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import { runSft } from '../../../../src/recipes/sft.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const { base, keys } = tinyTraining();
const dir = temporaryFolder();

const sft = (...words: string[]) => {
  const own = [`model=${base}`, `output_dir=${dir}`, 'max_steps=3', 'save_steps=1', ...words];
  return runSft(loadConfig(sftSchema, { overrides: [...keys, ...own], env: {} }), SILENT);
};

it('clears parts away and keeps no more than the limit, also where no step follows', async () => {
  await sft('save_total_limit=3');
  const checkpoints = join(dir, 'checkpoints');
  const at = (step: number) => join(checkpoints, `step-00000${step}`);
  expect(readdirSync(checkpoints)).toEqual([1, 2, 3].map((step) => `step-00000${step}`));
  renameSync(at(1), `${at(1)}.part-99999999`);
  mkdirSync(`${at(3)}.part-99999999.old`);
  await sft('save_total_limit=2', 'resume=auto');
  expect(readdirSync(checkpoints)).toEqual(['step-000002', 'step-000003']);
  await sft('save_total_limit=1', 'resume=auto');
  expect(readdirSync(checkpoints)).toEqual(['step-000003']);
}, 60_000);
