import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compareSchema, loadConfig, pairsSchema } from '../../../src/config/index.js';
import { runCompare } from '../../../src/recipes/compare.js';
import { runPairs } from '../../../src/recipes/pairs.js';
import { toJsonl } from '../../../src/util/files.js';
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
