/** `lorikeet data contamination`: the report, the pairs and the clean rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { dataSchema } from '../../../../src/config/index.js';
import { runData } from '../../../../src/recipes/data.js';
import { readJson, readJsonl, toJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

test('lists the pairs with file and line, and writes the training rows without them', async () => {
  const root = temporaryFolder();
  const [train, bench] = [join(root, 'train.jsonl'), join(root, 'bench.jsonl')];
  const rows = [{ question: 'a b c d e f' }, { problem: 'x y z w v u' }, { question: 'p q r s t' }];
  writeFileSync(train, toJsonl(rows));
  writeFileSync(bench, toJsonl([{ question: 'none of them here' }, { text: 'Y, z: W V... u' }]));
  const run = (contamination: Readonly<Record<string, unknown>>) =>
    runData(
      dataSchema.parse({
        name: 'contamination',
        output_dir: join(root, 'out'),
        overwrite: true,
        contamination,
      }),
      SILENT,
    );
  const result = await run({ train, benchmarks: [bench], ngram: 4 });
  expect(result.rows).toEqual({ train: 3, overlapping: 1, clean: 2 });
  expect(readJsonl(join(root, 'out', 'overlaps.jsonl'))).toEqual([
    {
      benchmark: bench,
      train_row: `${train}:2`,
      benchmark_row: `${bench}:2`,
      shared: 2,
      example: 'y z w v',
      train_text: 'x y z w v u',
      benchmark_text: 'Y, z: W V... u',
    },
  ]);
  expect(readJsonl(join(root, 'out', 'clean.jsonl'))).toEqual([rows[0], rows[2]]);
  expect(readJson(join(root, 'out', 'contamination.json'))).toMatchObject({
    train_rows: 3,
    clean: 2,
    benchmarks: [{ rows: 2, overlap: { pairs: 1, train_rows: 1, benchmark_rows: 1 } }],
  });
  await expect(run({ benchmarks: [bench] })).rejects.toThrow('contamination.train: missing');
});
