/** Recorded solutions run again: what agrees, what does not, and a tenth of ToRA's where there are any. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataSchema, loadConfig } from '../../../../src/config/index.js';
import { recordedBlocks } from '../../../../src/recipes/data/tir-check.js';
import { runData } from '../../../../src/recipes/data.js';
import { readJson, readJsonl, toJsonl, writeFileAtomic } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { noSandbox, skippedFor } from '../../../support/python.js';
import { dataPath, hasData, NEEDS_DATA } from '../../../support/real-data.js';
import { temporaryFolder } from '../../../support/temporary.js';

const folder = temporaryFolder();

async function check(rows: readonly Record<string, unknown>[], name: string) {
  const input = join(folder, `${name}.jsonl`);
  writeFileAtomic(input, toJsonl(rows));
  const dir = join(folder, name);
  const overrides = ['name=tir-check', `tir_check.input=${input}`, `output_dir=${dir}`];
  const result = await runData(loadConfig(dataSchema, { overrides }), SILENT);
  return { result, dir, wrong: readJsonl(join(dir, 'disagreements.jsonl')) };
}

const block = (code: string, output: string) =>
  `\`\`\`python\n${code}\n\`\`\`\n\`\`\`output\n${output}\n\`\`\`\n`;

it('a fence within a line of code or output ends no block', () => {
  const code = 'print("```")\n';
  const text = `A\n${block(code.trimEnd(), 'x ``` y')}B\n${block('1', '1')}`;
  expect(recordedBlocks(text, 3)).toEqual([
    { row: 3, code, output: 'x ``` y' },
    { row: 3, code: '1\n', output: '1' },
  ]);
});

it.each([
  ['indented', 'print(5)\n  ```\n```output\n5\n   ```\n'],
  ['glued to the last line', 'print(5)\n```\n```output\n5```\n'],
  ['glued to the code', 'print(5)```\n```output\n5\n```\n'],
  ['followed by text', 'print(5)\n```\n```output\n5\n``` So it is 5.\n'],
  ['longer', 'print(5)\n````\n```output\n5\n````\n'],
])('a fence that is %s closes, and the next block is read', (_, text) => {
  for (const next of ['', 'Then\n```python\nx = 1\n```\nand\n', 'Then\n']) {
    const blocks = recordedBlocks(`\`\`\`python\n${text}${next}${block('6', '6')}`, 1);
    expect(blocks.map(({ code, output }) => [code.trim(), output])).toEqual([
      ['print(5)', '5'],
      ['6', '6'],
    ]);
  }
});

it('a block that does not close is none, and the next one is read', () => {
  const open = '```python\nprint(5)\n```\n```output\n5\n';
  expect(recordedBlocks(`${open}${block('6', '6')}`, 1)).toHaveLength(1);
  expect(recordedBlocks(open, 1)).toEqual([]);
});

describe.skipIf(noSandbox !== null)(`data tir-check${skippedFor(noSandbox)}`, () => {
  it('counts outputs that come out again, and lists the others', async () => {
    const rows = [
      { completion: `A${block('x = 6', '')}B${block('print(7 * x)', '42')}` },
      { completion: block('print(1)', '2') },
      { completion: block('1/0', 'ZeroDivisionError: division by zero') },
      { completion: 'none' },
    ];
    const { result, dir, wrong } = await check(rows, 'small');
    expect(result.rows).toEqual({ rows: 4, blocks: 4, replayed: 4, agree: 3 });
    expect(wrong).toEqual([{ row: 2, code: 'print(1)\n', output: '2', found: '1' }]);
    expect(readJson(join(dir, 'dataset_stats.json'))).toMatchObject({
      name: 'tir-check',
      agree: 3,
    });
  });

  it('refuses rows without recorded outputs', async () => {
    await expect(check([{ completion: 'none' }], 'none')).rejects.toThrow('tir_check.column');
  });

  it.skipIf(!hasData())(`agrees with ToRA's executor ${NEEDS_DATA}`, async () => {
    const all = readJsonl(dataPath('tora/gsm8k_tir_outputs.jsonl'));
    const { result } = await check(
      all.filter((_, i) => i % 10 === 0),
      'tora',
    );
    expect(result.rows.replayed).toBeGreaterThan(90);
    expect(result.rows.agree! / result.rows.replayed!).toBeGreaterThanOrEqual(0.98);
  });
});
