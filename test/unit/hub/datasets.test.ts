/** Which files of a hub data set make a split. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ResolveDatasetOptions } from '../../../src/hub/datasets.js';
import { resolveDatasetFiles } from '../../../src/hub/index.js';
import { type HubRepo, type LoopbackHub, startLoopbackHub } from '../../support/loopback-hub.js';

let hub: LoopbackHub;

function repo(names: readonly string[], cardData?: unknown): HubRepo {
  const files = Object.fromEntries(names.map((name) => [name, { bytes: Buffer.from(name) }]));
  return { commit: 'd'.repeat(40), files, cardData };
}

beforeEach(async () => {
  hub = await startLoopbackHub({
    'datasets/openai/gsm8k': repo([
      'README.md',
      'main/test-00000-of-00001.parquet',
      'main/train-00000-of-00001.parquet',
      'socratic/test-00000-of-00001.parquet',
      'socratic/train-00000-of-00001.parquet',
    ]),
    'datasets/one/shards': repo([
      'data/train-1.parquet',
      'data/train-0.parquet',
      'data/test-0.parquet',
    ]),
    'datasets/one/lines': repo(['train.jsonl', 'valid.csv']),
    'datasets/one/tabs': repo(['train.tsv', 'test-0.tsv']),
    'datasets/one/card': repo(['x/a.jsonl', 'x/b.jsonl', 'y.jsonl'], {
      configs: [
        { config_name: 'first', data_files: [{ split: 'train', path: 'y.jsonl' }] },
        {
          config_name: 'second',
          default: true,
          data_files: [
            { split: 'train', path: 'x/*.jsonl' },
            { split: 'test', path: ['y.jsonl'] },
          ],
        },
      ],
    }),
    'datasets/one/odd': repo(['script.py']),
    'datasets/one/odd@refs/convert/parquet': {
      ...repo(['default/train/0000.parquet', 'default/train/0001.parquet']),
      commit: 'e'.repeat(40),
    },
  });
});

async function names(id: string, more: ResolveDatasetOptions = {}): Promise<string[]> {
  const { paths } = await resolveDatasetFiles(id, { ...hub.options(), ...more });
  return paths.map((path) => readFileSync(path, 'utf8'));
}

describe('resolveDatasetFiles', () => {
  it('finds files of every kind that rows are read from', async () => {
    expect(await names('one/tabs')).toEqual(['train.tsv']);
    expect(await names('one/tabs', { split: 'test' })).toEqual(['test-0.tsv']);
  });

  it('finds a split of a configuration, and fetches nothing else', async () => {
    expect(await names('openai/gsm8k', { config: 'main', split: 'test' })).toEqual([
      'main/test-00000-of-00001.parquet',
    ]);
    const files = hub.requests.filter(
      ({ method, path }) => method === 'GET' && path.includes('resolve'),
    );
    expect(files.map(({ path }) => basename(path))).toEqual(['test-00000-of-00001.parquet']);
  });

  it('gives shards in order', async () => {
    expect(await names('one/shards')).toEqual(['data/train-0.parquet', 'data/train-1.parquet']);
  });

  it('takes other formats where there is no Parquet', async () => {
    expect(await names('one/lines')).toEqual(['train.jsonl']);
    expect(await names('one/lines', { split: 'valid' })).toEqual(['valid.csv']);
  });

  it('follows the card', async () => {
    expect(await names('one/card')).toEqual(['x/a.jsonl', 'x/b.jsonl']);
    expect(await names('one/card', { split: 'test' })).toEqual(['y.jsonl']);
    expect(await names('one/card', { config: 'first' })).toEqual(['y.jsonl']);
  });

  it('falls back to the converted branch, also offline afterwards', async () => {
    const expected = ['default/train/0000.parquet', 'default/train/0001.parquet'];
    expect(await names('one/odd')).toEqual(expected);
    hub.requests.length = 0;
    expect(await names('one/odd', { offline: true })).toEqual(expected);
    expect(hub.requests).toEqual([]);
  });

  it('asks for a configuration when there are several', async () => {
    await expect(names('openai/gsm8k')).rejects.toThrow(
      'openai/gsm8k: the data set has several configurations (main, socratic). Choose one, e.g. dataset.subset=main',
    );
  });

  it('names the split that is not there', async () => {
    await expect(names('one/shards', { split: 'dev' })).rejects.toThrow(
      'one/shards: no files for split "dev"',
    );
    await expect(names('openai/gsm8k', { config: 'mian' })).rejects.toThrow(
      'openai/gsm8k (mian): no files for split "train"',
    );
  });

  it('does not serve another split from the cache', async () => {
    await names('one/shards');
    await expect(names('one/shards', { split: 'test', offline: true })).rejects.toThrow(
      /one\/shards: data\/test-0\.parquet is not in the cache/,
    );
  });
});
