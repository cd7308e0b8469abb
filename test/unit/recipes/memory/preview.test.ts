/** The plan of a dry run: of the model that will be trained, wherever it is on this machine. */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { dpoPlan } from '../../../../src/cli/plan.js';
import { dpoSchema, sftSchema } from '../../../../src/config/index.js';
import { dpoSize } from '../../../../src/recipes/dpo/memory.js';
import { memoryPreview } from '../../../../src/recipes/memory/preview.js';
import { sftSize } from '../../../../src/recipes/sft/memory.js';
import { writeFileAtomic } from '../../../../src/util/files.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyModel } from '../../../support/tiny-model.js';
import { writeRandomAdapter } from '../random-adapter.js';

const dir = temporaryFolder();
const { model } = tinyModel(['hidden_size=256', 'intermediate_size=512']);
const COMMIT = 'a'.repeat(40);

beforeAll(() => {
  const hub = join(dir, 'hub', 'models--owner--name');
  cpSync(model, join(hub, 'snapshots', COMMIT), { recursive: true });
  writeFileAtomic(join(hub, 'refs', 'main'), COMMIT);
  writeFileAtomic(join(hub, 'refs', 'other'), 'b'.repeat(40));
});

const linesOf = (keys: object) =>
  memoryPreview(sftSize, sftSchema.parse({ dataset: { path: 'd' }, device: 'cpu', ...keys }));

test('a hub model is looked up in the cache, at its revision', () => {
  vi.stubEnv('HF_HUB_CACHE', join(dir, 'hub'));
  expect(linesOf({ model: 'owner/name' })).toEqual(linesOf({ model }));
  expect(linesOf({ model: 'owner/name', model_revision: COMMIT })).toEqual(linesOf({ model }));
  const missing = ['memory: said once owner/name is on this machine'];
  expect(linesOf({ model: 'owner/name', model_revision: 'other' })).toEqual(missing);
  vi.stubEnv('HF_HUB_CACHE', join(dir, 'empty'));
  expect(linesOf({ model: 'owner/name' })).toEqual(missing);
});

test('an adapter is planned by its own rank and modules', async () => {
  const adapter = join(dir, 'adapter');
  writeRandomAdapter({ model, dir: adapter });
  const asked = (r: number) => ({ lora: { r, target_modules: 'all-linear' } });
  expect(linesOf({ model: adapter, ...asked(256) })).toEqual(linesOf({ model, ...asked(4) }));
  expect(linesOf({ model, ...asked(256) })).not.toEqual(linesOf({ model, ...asked(4) }));
});

test('checkpoints are planned as they are written: parameters and moments in float32', () => {
  const disk = (keys: object) =>
    linesOf({ model, use_lora: false, ...keys }).find((line) => line.startsWith('disk: '));
  const size = statSync(join(model, 'model.safetensors')).size / 2 ** 20;
  const each = `disk: ${Math.round(3 * size)} MiB for each checkpoint`;
  const rest = `; ${size.toFixed(1)} MiB for the model; not counted: rows, curves, tokenizer`;
  expect(disk({})).toBe(`${each}; save_total_limit=N keeps N of them${rest}`);
  const of = (count: number) =>
    `${each}, at most ${Math.round(3 * size * count)} MiB for ${count}${rest}`;
  expect(disk({ save_total_limit: 3 })).toBe(of(4));
  expect(disk({ save_steps: 4, max_steps: 15 })).toBe(of(4));
  const lion = `disk: ${Math.round(2 * size)} MiB for each checkpoint`;
  expect(disk({ optim: 'lion_8bit' })).toContain(lion);
  const adapter = (init_lora_weights: string | boolean) =>
    Number(
      /([\d.]+) MiB for the model/.exec(
        disk({ use_lora: true, lora: { r: 64, init_lora_weights } })!,
      )![1],
    );
  expect(adapter('pissa')).toBeCloseTo(2 * adapter(true), 0);
});

test('a loss without a reference is planned without one', () => {
  const planOf = (loss_type: string, init_lora_weights: string | boolean) =>
    memoryPreview(
      dpoSize,
      dpoSchema.parse({
        ...{ model, dataset: { path: 'd' }, device: 'cpu', loss_type },
        lora: { r: 128, target_modules: 'all-linear', init_lora_weights },
      }),
    ).filter((line) => !line.startsWith('disk: '));
  // The reference of PiSSA is a copy of the adapter; else it is the base alone.
  expect(planOf('sigmoid', 'pissa')).not.toEqual(planOf('sigmoid', true));
  expect(planOf('simpo', 'pissa')).toEqual(planOf('sigmoid', true));
});

test('losses of single answers are planned by their answers', async () => {
  const plan = (loss_type: string) =>
    dpoPlan(dpoSchema.parse({ model, dataset: { path: 'd' }, device: 'cpu', loss_type }));
  const [kto, pairs] = [(await plan('kto')).join('\n'), (await plan('sigmoid')).join('\n')];
  expect(kto).toMatch(/answers from all rows of d\n.*, 8 answers per optimizer step/);
  expect(kto).toContain('micro-batch of 8 × 1024 tokens');
  expect(pairs).toMatch(/pairs from all rows of d\n.*, 8 pairs per optimizer step/);
  expect(pairs).toContain('micro-batch of 16 × 1024 tokens');
});
