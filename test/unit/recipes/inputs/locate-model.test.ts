/** What `model` may not lead to. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { locateModel } from '../../../../src/recipes/inputs/locate-model.js';
import { openRun } from '../../../../src/report/index.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('refuses the checkpoint of a run, and names the run', async () => {
  const dir = join(temporaryFolder(), 'run');
  const checkpoint = join(dir, 'checkpoints', 'step-000001');
  openRun(dir, { config: { text: 'a: 1\n', values: { a: 1 } }, command: 'sft' }).close('done');
  mkdirSync(checkpoint, { recursive: true });
  const message = `${checkpoint}: is a checkpoint, for a run to go on from, and no model. Give the run that it is of, ${dir},`;
  await expect(locateModel({ model: checkpoint }, SILENT)).rejects.toThrow(message);
  await expect(locateModel({ model: dir }, SILENT)).rejects.toThrow('has no model/ folder');
});
