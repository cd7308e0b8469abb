/** Branches, tags and commits: what they stand for in the cache, offline, and where there are none. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { HubNotFoundError } from '../../../src/hub/failures.js';
import { type HubOptions, resolveDatasetFiles, resolveModelDir } from '../../../src/hub/index.js';
import { resolveModel } from '../../../src/hub/models.js';
import { InputError } from '../../../src/util/errors.js';
import { etagOf, type LoopbackHub, startLoopbackHub } from '../../support/loopback-hub.js';

const MAIN = 'a'.repeat(40);
const TAGGED = 'b'.repeat(40);
const CONVERTED = 'c'.repeat(40);
const WEIGHTS = Buffer.from('the same weights in both');
const config = (text: string) => ({ bytes: Buffer.from(text) });
const weights = { bytes: WEIGHTS, large: true };

let hub: LoopbackHub;

beforeEach(async () => {
  const tagged = {
    commit: TAGGED,
    files: { 'config.json': config('{"v": 1}'), 'model.safetensors': weights },
  };
  hub = await startLoopbackHub({
    'models/tiny/llama': {
      commit: MAIN,
      files: { 'config.json': config('{"v": 2}'), 'model.safetensors': weights },
    },
    'models/tiny/llama@v1': tagged,
    'models/tiny/llama@refs/pr/1': tagged,
    'datasets/tiny/rows': { commit: MAIN, files: {} },
    'datasets/tiny/rows@v1': { commit: TAGGED, files: { 'test.jsonl': config('{"n": 1}\n') } },
    'datasets/tiny/rows@refs/convert/parquet': {
      commit: CONVERTED,
      files: { 'default/train/0000.parquet': config('rows of main') },
    },
  });
});

const options = (more: HubOptions = {}) => hub.options(more);
const at = (revision: string, more: HubOptions = {}) =>
  resolveModel('tiny/llama', { ...options(more), revision });
const inRepo = (...names: string[]) => join(hub.cacheDir, 'models--tiny--llama', ...names);
const refs = () => readdirSync(inRepo('refs'));

describe('a revision', () => {
  it('has its snapshot and its ref beside those of main, and shares their blobs', async () => {
    const main = await resolveModel('tiny/llama', options());
    const tagged = await at('v1');
    expect(main).toEqual({ dir: inRepo('snapshots', MAIN), commit: MAIN });
    expect(tagged).toEqual({ dir: inRepo('snapshots', TAGGED), commit: TAGGED });
    const versions = [main, tagged].map(({ dir }) =>
      readFileSync(join(dir, 'config.json'), 'utf8'),
    );
    expect(versions).toEqual(['{"v": 2}', '{"v": 1}']);
    expect(readFileSync(inRepo('refs', 'main'), 'utf8')).toBe(MAIN);
    expect(readFileSync(inRepo('refs', 'v1'), 'utf8')).toBe(TAGGED);
    const blobs = [config('{"v": 1}'), config('{"v": 2}'), weights].map(etagOf);
    expect(readdirSync(inRepo('blobs')).sort()).toEqual(blobs.sort());
    expect(hub.requests.filter(({ storage, method }) => storage && method === 'GET').length).toBe(
      1,
    );
  });

  it('may be a pull request, whose name has slashes', async () => {
    expect((await at('refs/pr/1')).commit).toBe(TAGGED);
    expect(readFileSync(inRepo('refs', 'refs', 'pr', '1'), 'utf8')).toBe(TAGGED);
  });

  it('may be a commit, which needs no ref', async () => {
    expect((await at(TAGGED)).dir).toBe(inRepo('snapshots', TAGGED));
    expect(existsSync(inRepo('refs'))).toBe(false);
  });

  it('is not taken for a commit that is not the one asked for', async () => {
    const other = 'd'.repeat(40);
    hub.repos[`models/tiny/llama@${other}`] = hub.repos['models/tiny/llama']!;
    await expect(at(other)).rejects.toThrow(/answers with commit a{40}\. It does not serve revis/);
    expect(readdirSync(hub.cacheDir)).toEqual([]);
  });

  it('that is not there is named', async () => {
    await expect(at('v9')).rejects.toThrow(/^tiny\/llama@v9: no such revision on .*404/);
    const asked = resolveModelDir('tiny/llama', { ...options(), revision: 'v9' });
    await expect(asked).rejects.toThrow(/^model and model_revision: tiny\/llama@v9: no such/);
    await expect(asked).rejects.toBeInstanceOf(HubNotFoundError);
  });

  it.each(['../../../x', '/etc', 'a//b', 'a\\b'])('cannot be called %s', async (revision) => {
    await expect(at(revision)).rejects.toThrow(/is not the name of a revision/);
    expect(hub.requests).toEqual([]);
  });

  it('means nothing for a folder', async () => {
    const asked = resolveModelDir(hub.cacheDir, { ...options(), revision: 'v1' });
    await expect(asked).rejects.toThrow(
      `model_revision: "v1" is a revision on the hub, but ${hub.cacheDir} is a local folder`,
    );
    await expect(asked).rejects.toBeInstanceOf(InputError);
    const named = { ...options(), revision: 'v1', revisionKey: 'judge.model_revision' };
    await expect(resolveModelDir(hub.cacheDir, named)).rejects.toThrow(/^judge\.model_revision: /);
  });
});

describe('offline', () => {
  it('a revision in the cache serves, by its name and by its commit', async () => {
    await at('v1');
    hub.requests.length = 0;
    for (const revision of ['v1', TAGGED]) {
      expect(await at(revision, { offline: true })).toEqual({
        dir: inRepo('snapshots', TAGGED),
        commit: TAGGED,
      });
    }
    expect(hub.requests).toEqual([]);
  });

  it('part of the name of one is none', async () => {
    await at('refs/pr/1');
    await expect(at('refs/pr', { offline: true })).rejects.toThrow(/refs\/pr is not in the cache/);
  });

  it('another one is said to be missing', async () => {
    await at('v1');
    await expect(at('main', { offline: true })).rejects.toThrow(/revision main is not in the cac/);
    await expect(at(MAIN, { offline: true })).rejects.toThrow(
      new RegExp(`revision ${MAIN} is not in the cache`),
    );
    expect(refs()).toEqual(['v1']);
  });
});

describe('a data set', () => {
  it('is that of its revision', async () => {
    const of = { ...options(), revision: 'v1', split: 'test' };
    const { paths, commit } = await resolveDatasetFiles('tiny/rows', of);
    expect(commit).toBe(TAGGED);
    expect(paths.map((path) => readFileSync(path, 'utf8'))).toEqual(['{"n": 1}\n']);
  });

  it('is not taken from the conversion of main in place of a revision', async () => {
    expect((await resolveDatasetFiles('tiny/rows', options())).commit).toBe(CONVERTED);
    const of = { ...options(), revision: 'v1' };
    await expect(resolveDatasetFiles('tiny/rows', of)).rejects.toThrow(
      'tiny/rows@v1: no files for split "train"',
    );
  });
});
