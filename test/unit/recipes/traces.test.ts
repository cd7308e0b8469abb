/** What `traces` refuses: before a model is opened, and by whose traces are there. */
import { cpSync, existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadConfig, tracesSchema } from '../../../src/config/index.js';
import { lockOutput } from '../../../src/recipes/outputs/output-lock.js';
import { runTraces } from '../../../src/recipes/traces.js';
import { fromFloat32, readSafetensors, toFloat32 } from '../../../src/weights/index.js';
import { writeSafetensors } from '../../../src/weights/safetensors-writer.js';
import { SILENT } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tinyTraining, withOtherEnds } from '../../support/tiny-training.js';

const dir = temporaryFolder();
const output = join(dir, 'rows.jsonl');
const tiny = tinyTraining();
const call = (...words: string[]) => {
  const keys = [`model=${join(dir, 'none')}`, 'dataset=gsm8k', `output_dir=${dir}`];
  const overrides = [...keys, 'output_file=rows.jsonl', ...words];
  return runTraces(loadConfig(tracesSchema, { overrides, env: {} }), SILENT);
};

it('refuses an output that another process is writing, whatever else is asked', async () => {
  writeFileSync(output, '');
  const unlock = lockOutput(output);
  for (const word of ['resume=auto', 'overwrite=true']) {
    await expect(call(word)).rejects.toThrow(
      `output_file: process ${process.pid} on ${hostname()} is writing ${output}. Wait for it, choose another`,
    );
  }
  unlock();
  await expect(call()).rejects.toThrow(`output_file: ${output} exists`);
  expect(existsSync(`${output}.lock`)).toBe(false);
});

it('goes on with what the same weights began, wherever they lie, and with no others', async () => {
  const [copy, other] = [join(dir, 'copy'), join(dir, 'other')];
  cpSync(tiny.base, copy, { recursive: true });
  cpSync(tiny.base, other, { recursive: true });
  const weights = readSafetensors(join(tiny.base, 'model.safetensors'));
  const norm = weights.get('model.norm.weight')!;
  const moved = toFloat32(norm).map((value) => value * 2);
  weights.set('model.norm.weight', fromFloat32(moved, norm.shape, norm.dtype));
  writeSafetensors(join(other, 'model.safetensors'), weights);
  const traces = (model: string, ...words: string[]) => {
    const keys = [...tiny.keys, 'dataset.num_samples=2', 'max_new_tokens=2'];
    const overrides = [...keys, `model=${model}`, `output_dir=${dir}`, 'max_attempts=1', ...words];
    return runTraces(loadConfig(tracesSchema, { overrides, env: {} }), SILENT);
  };
  const made = await traces(tiny.base);
  expect(await traces(copy, 'resume=auto')).toEqual(made);
  const foreign = /:1: the row was made by another model or with other settings/;
  await expect(traces(other, 'resume=auto')).rejects.toThrow(foreign);
  await expect(traces(tiny.base, 'resume=auto', 'top_k=3')).rejects.toThrow(foreign);
  const ends = withOtherEnds(tiny.base, join(dir, 'ends'));
  await expect(traces(ends, 'resume=auto')).rejects.toThrow(foreign);
}, 60_000);
