/** What a run that goes on does with the checkpoints that a killed one has left. */
import { mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, sftSchema } from '../../../../src/config/index.js';
import type { RecipeContext } from '../../../../src/recipes/context.js';
import { runSft } from '../../../../src/recipes/sft.js';
import { lockRun, unlockRun } from '../../../../src/report/run/run-lock.js';
import { logInto, SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const { base, keys } = tinyTraining();
const dir = temporaryFolder();

const sft = (words: string, context: RecipeContext = SILENT) => {
  const own = [
    `model=${base}`,
    `output_dir=${dir}`,
    'max_steps=3',
    'save_steps=1',
    ...words.split(' '),
  ];
  return runSft(loadConfig(sftSchema, { overrides: [...keys, ...own], env: {} }), context);
};

it('clears parts away and keeps no more than the limit, also where no step follows', async () => {
  await sft('save_total_limit=3');
  const checkpoints = join(dir, 'checkpoints');
  const at = (step: number) => join(checkpoints, `step-00000${step}`);
  expect(readdirSync(checkpoints)).toEqual([1, 2, 3].map((step) => `step-00000${step}`));
  renameSync(at(1), `${at(1)}.part-99999999`);
  mkdirSync(`${at(3)}.part-99999999.old`);
  await sft('save_total_limit=2 resume=auto');
  expect(readdirSync(checkpoints)).toEqual(['step-000002', 'step-000003']);
  await sft('save_total_limit=1 resume=auto');
  expect(readdirSync(checkpoints)).toEqual(['step-000003']);
}, 60_000);

it('goes on from a checkpoint that was just to be replaced, unless another process has the run', async () => {
  const checkpoint = join(dir, 'checkpoints', 'step-000003');
  const aside = `${checkpoint}.part-99999999.old`;
  renameSync(checkpoint, aside);
  const lock = lockRun(dir);
  await expect(sft('resume=auto')).rejects.toThrow(/is writing into this folder/);
  expect(readdirSync(join(dir, 'checkpoints'))).toEqual([basename(aside)]);
  unlockRun(dir, lock);
  const link = join(temporaryFolder(), basename(checkpoint));
  symlinkSync(checkpoint, link);
  for (const [path, words] of [
    [checkpoint, 'resume=auto'],
    [checkpoint, `resume=${checkpoint}`],
    [checkpoint, `resume=${checkpoint} output_dir=${temporaryFolder()}`],
    [link, `resume=${link} output_dir=${temporaryFolder()}`],
  ] as const) {
    const said: string[] = [];
    await sft(words, logInto(said));
    expect(said).toContain(`resuming from ${path} (step 3)`);
    renameSync(checkpoint, aside);
  }
}, 60_000);
