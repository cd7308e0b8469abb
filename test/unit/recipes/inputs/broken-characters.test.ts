import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sftSchema } from '../../../../src/config/index.js';
import { loadDataset } from '../../../../src/recipes/inputs/dataset.js';
import { logInto } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

it('rows with half a character are counted, whole ones are not', async () => {
  const path = join(temporaryFolder(), 'rows.jsonl');
  const rows = [
    String.raw`{"text":"whole \ud83d\ude00 and written \\ud83d"}`,
    String.raw`{"messages":[{"role":"user","content":"half \ud83d"}]}`,
    String.raw`{"text":"\ude00\ud83d"}`,
  ];
  writeFileSync(path, rows.join('\n'));
  const { dataset } = sftSchema.parse({ model: 'm', dataset: { path, shuffle: false } });
  const lines: string[] = [];
  await loadDataset(dataset, { seed: 1, context: logInto(lines) });
  expect(lines).toEqual([
    `data: 3 of 3 rows of ${path}`,
    `warning: half a character (a surrogate without its other half) in 2 rows is read as U+FFFD (the first: ${path}:2)`,
  ]);
});
