/** What `traces` refuses before a model is opened. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, tracesSchema } from '../../../src/config/index.js';
import { lockOutput, unlockOutput } from '../../../src/recipes/outputs/output-lock.js';
import { runTraces } from '../../../src/recipes/traces.js';
import { SILENT } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();
const output = join(dir, 'rows.jsonl');
const call = (...words: string[]) => {
  const keys = [`model=${join(dir, 'none')}`, 'dataset=gsm8k', `output_dir=${dir}`];
  const overrides = [...keys, 'output_file=rows.jsonl', ...words];
  return runTraces(loadConfig(tracesSchema, { overrides, env: {} }), SILENT);
};

it('refuses an output that another process is writing, whatever else is asked', async () => {
  writeFileSync(output, '');
  const lock = lockOutput(output);
  for (const word of ['resume=auto', 'overwrite=true']) {
    await expect(call(word)).rejects.toThrow(
      `output_file: process ${process.pid} is writing ${output}. Wait for it, or give another`,
    );
  }
  unlockOutput(output, lock);
  await expect(call()).rejects.toThrow(`output_file: ${output} exists`);
  expect(existsSync(`${output}.lock`)).toBe(false);
});
