import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareSchema, loadConfig, pairsSchema } from '../../../src/config/index.js';
import { runCompare } from '../../../src/recipes/compare.js';
import { runPairs } from '../../../src/recipes/pairs.js';
import { toJsonl } from '../../../src/util/files.js';
import { call } from '../../support/call.js';
import { SILENT } from '../../support/context.js';
import { temporaryFolder } from '../../support/temporary.js';

const dir = temporaryFolder();

it.each([
  [[], /rows\.jsonl: there is no row in it$/],
  [
    [
      { prompt_id: '0', prompt: 'a', completion: 'b', reward: null, correct: false },
      { prompt_id: '0', prompt: 'a', completion: 'c', reward: null, correct: false },
    ],
    /no pairs: none of its 2 rows has a reward\. Grade them first/,
  ],
  [
    [{ prompt_id: '0', prompt: 'a', completion: 'b', reward: 1, correct: true }],
    /no pairs: \{.*"single":1.*\} of 1 prompts\. Sample more/,
  ],
])('pairs of %j are refused with the reason', async (rows, message) => {
  const input = join(dir, 'rows.jsonl');
  writeFileSync(input, toJsonl(rows));
  const overrides = [`input=${input}`, `output=${join(dir, 'pairs.jsonl')}`];
  await expect(runPairs(loadConfig(pairsSchema, { overrides }), SILENT)).rejects.toThrow(message);
});

it('compare names an input that is not there, wherever it stands', async () => {
  const inputs = `inputs=["${dir}","${join(dir, 'none')}"]`;
  const config = loadConfig(compareSchema, { overrides: [inputs] });
  await expect(runCompare(config, SILENT)).rejects.toThrow(/^inputs: no ".*none"$/);
});

it('compare prints its tables on standard output, or their cells as one line', async () => {
  const files = ['a.csv', 'b.csv'].map((name, right) => {
    const rows = [0, 1, 2, 3].map((i) => `${i},q${i},${i <= right}`);
    writeFileSync(join(dir, name), `index,question,correct\n${rows.join('\n')}\n`);
    return join(dir, name);
  });
  const text = await call(['compare', ...files]);
  expect(text).toMatchObject({ code: 0, err: '' });
  expect(text.out).toMatch(/^a +b +examples +share a +share b/);
  expect(text.out).toContain('25.0%');
  const { runs, strategies, paired } = JSON.parse(
    (await call(['compare', ...files, '--json'])).out,
  );
  expect([runs, strategies]).toEqual([null, null]);
  expect(paired).toMatchObject([{ examples: 4, accuracy_a: 0.25, accuracy_b: 0.5, only_b: 1 }]);
});

it('an output in a folder that cannot be made is refused before the rows are read', async () => {
  const file = join(dir, 'file');
  writeFileSync(file, '');
  const overrides = [`input=${join(dir, 'none.jsonl')}`, `output=${join(file, 'pairs.jsonl')}`];
  const config = loadConfig(pairsSchema, { overrides });
  await expect(runPairs(config, SILENT)).rejects.toThrow(`${file}: is a file, not a folder`);
});
