import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sftSchema } from '../../../../src/config/index.js';
import { loadDataset } from '../../../../src/recipes/inputs/dataset.js';
import { toJsonl } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const path = join(temporaryFolder(), 'rows.jsonl');
writeFileSync(path, toJsonl(['a', 'b', 'c', 'd'].map((text) => ({ text }))));

async function loaded(samples: number) {
  const keys = { model: 'm', dataset: { path, num_samples: samples } };
  const lines: string[] = [];
  const { dataset } = sftSchema.parse(keys);
  const { rows } = await loadDataset(dataset, { seed: 1, context: logInto(lines) });
  return { lines, texts: rows.map(({ text }) => text) };
}

it('says where there are fewer rows than were asked for', async () => {
  expect((await loaded(3)).lines).toEqual([`data: 3 of 4 rows of ${path}`]);
  expect((await loaded(4)).lines).toEqual([`data: 4 of 4 rows of ${path}`]);
  expect((await loaded(5)).lines).toEqual([
    `data: 4 of 4 rows of ${path}, fewer than the 5 of num_samples`,
  ]);
});

it('takes the smaller number of rows from the larger', async () => {
  const [three, four] = [await loaded(3), await loaded(4)];
  expect(four.texts.slice(0, 3)).toEqual(three.texts);
});
