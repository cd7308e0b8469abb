/** A base and rows that are pinned to revisions of a hub, through a training, its resume and its adapter. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { readJson, readJsonl, writeJson } from '../../src/util/files.js';
import { call } from '../support/call.js';
import { type HubFile, type LoopbackHub, startLoopbackHub } from '../support/loopback-hub.js';
import { temporaryFolder } from '../support/temporary.js';
import { tinyTraining } from '../support/tiny-training.js';

const MAIN = 'a'.repeat(40);
const PINNED = 'b'.repeat(40);
const ROWS = 'c'.repeat(40);

const dir = temporaryFolder();
const tiny = tinyTraining(dir);
let hub: LoopbackHub;

const filesOf = (folder: string): Record<string, HubFile> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [name, { bytes: readFileSync(join(folder, name)) }]),
  );

beforeAll(async () => {
  const files = filesOf(tiny.base);
  const rows = { 'train.jsonl': { bytes: readFileSync(tiny.rows) } };
  hub = await startLoopbackHub({
    'models/tiny/base': { commit: MAIN, files },
    'models/tiny/base@v1': { commit: PINNED, files },
    'datasets/tiny/rows@v2': { commit: ROWS, files: rows },
  });
});
beforeEach(() => {
  vi.stubEnv('HF_ENDPOINT', hub.endpoint);
  vi.stubEnv('HF_HUB_CACHE', hub.cacheDir);
  vi.stubEnv('HF_HUB_OFFLINE', '');
  vi.stubEnv('LORIKEET_DATA', '');
});

const run = () => join(dir, 'run');
const train = (...keys: string[]) =>
  call([
    ...['sft', ...tiny.keys.filter((key) => !key.startsWith('dataset'))],
    ...['model=tiny/base', 'dataset=tiny/rows', 'dataset.revision=v2', 'report_to=none'],
    ...['per_device_train_batch_size=4', `output_dir=${run()}`, ...keys],
  ]);

const adapterConfig = () => readJson(join(run(), 'model/adapter_config.json'));

async function scores(...keys: string[]) {
  writeFileSync(join(dir, 'texts.jsonl'), '{"text": "1+1"}\n');
  const output = join(dir, 'scores.jsonl');
  const words = [`input=${join(dir, 'texts.jsonl')}`, `output=${output}`, 'overwrite=true'];
  const done = await call(['score', ...words, ...keys]);
  return { ...done, rows: done.code === 0 ? readJsonl(output) : [] };
}

test('a training says at which commits it read, and its adapter names that of its base', async () => {
  const { code, err } = await train('revision=v1', 'max_steps=1');
  expect(err).not.toContain('error');
  expect(code).toBe(0);
  expect(readJson(join(run(), 'run.json'))).toMatchObject({
    sources: [
      { kind: 'model', name: 'tiny/base', revision: 'v1', commit: PINNED },
      {
        kind: 'dataset',
        name: 'tiny/rows',
        split: 'train',
        revision: 'v2',
        commit: ROWS,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    ],
  });
  expect(adapterConfig()).toMatchObject({ base_model_name_or_path: 'tiny/base', revision: PINNED });
  const card = readFileSync(join(run(), 'model/README.md'), 'utf8');
  expect(card).toContain(`- Model: \`tiny/base\` at commit \`${PINNED}\`, revision \`v1\``);
  expect(card).toContain(`- Data: \`tiny/rows\` (train) at commit \`${ROWS}\`, revision \`v2\``);
});

test('its adapter finds that base, alone and beside it, and offline', async () => {
  hub.requests.length = 0;
  vi.stubEnv('HF_HUB_OFFLINE', '1');
  const alone = await scores(`model=${run()}`);
  const beside = await scores('model=tiny/base', `adapter=${run()}`);
  expect(alone.err + beside.err).not.toContain('error');
  expect(alone.rows).toEqual(beside.rows);
  expect(alone.rows.length).toBe(1);
  const other = await scores('model=tiny/base', 'model_revision=main');
  expect(other.code).toBe(2);
  expect(other.err).toContain('revision main is not in the cache');
  vi.stubEnv('HF_HUB_OFFLINE', '');
  expect(hub.requests).toEqual([]);
  const moved = await scores('model=tiny/base', 'model_revision=main', `adapter=${run()}`);
  expect(moved.err).toContain(`made for tiny/base@${PINNED}, used on tiny/base@main`);
});

test('resume=auto says that the revision is another one', async () => {
  const { code, err } = await train('model_revision=null', 'max_steps=2', 'resume=auto');
  expect(code).toBe(0);
  expect(err).toContain('model_revision is null, was "v1" before');
  expect(err).toContain(`the commit of tiny/base is "${MAIN}", was "${PINNED}" before`);
  expect(readJson(join(run(), 'run.json'))).toMatchObject({
    sources: [{ name: 'tiny/base', revision: null, commit: MAIN }, { name: 'tiny/rows' }],
  });
  expect(adapterConfig()).toMatchObject({ revision: null });
});

test('predictions are made by the revision asked for, and are not those of another one', async () => {
  const input = join(dir, 'questions.jsonl');
  const question = { role: 'user', content: '1+1' };
  writeFileSync(input, JSON.stringify({ messages: [question], reference_answer: '2' }));
  const predict = (...keys: string[]) =>
    call([
      ...['predict', 'model=tiny/base', `input=${input}`, `output_dir=${join(dir, 'predictions')}`],
      ...['n_runs=1', 'max_new_tokens=2', 'prompt_template={prompt}', 'threads=2', ...keys],
    ]);
  expect((await predict('model_revision=nowhere')).err).toContain('nowhere');
  expect((await predict()).err).toMatch(/predictions of run 1: 1 in/);
  expect((await predict()).err).toContain('predictions of run 1: taken from');
  const pinned = await predict('model_revision=v1');
  expect(pinned.code).toBe(2);
  expect(pinned.err).toContain('these predictions are of another model');
});

test('a revision of what is not on the hub is refused by its key', async () => {
  const model = await scores(`model=${tiny.base}`, 'model_revision=v1');
  expect(model.code).toBe(2);
  expect(model.err).toContain('model_revision: "v1" is a revision on the hub, but');
  const rows = await train('dataset.name=null', `dataset.path=${tiny.rows}`, 'overwrite=true');
  expect(rows.code).toBe(2);
  expect(rows.err).toContain('dataset.revision: "v2" is a revision on the hub, but');
  const path = join(run(), 'model/adapter_config.json');
  writeJson(path, {
    ...(adapterConfig() as object),
    base_model_name_or_path: tiny.base,
    revision: 'v1',
  });
  const adapter = await scores(`model=${run()}`);
  expect(adapter.code).toBe(2);
  expect(adapter.err).toContain(`${path}: field "revision": "v1" is a revision on the hub`);
});
