/** `data genselect`: one right solution among wrong ones, named by its number. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataSchema, loadConfig } from '../../../../src/config/index.js';
import { runData } from '../../../../src/recipes/data.js';
import { readJsonl, toJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();

const run = (name: string, rows: readonly object[], ...words: string[]) => {
  const input = join(dir, `${name}.jsonl`);
  writeFileSync(input, toJsonl(rows));
  const overrides = ['name=genselect', `output_dir=${join(dir, name)}`, ...words];
  overrides.push(`genselect.input=${input}`);
  return runData(loadConfig(dataSchema, { overrides }), SILENT);
};

const solved = (question: string, marks: string) =>
  [...marks].map((mark, i) => ({ question, completion: `${mark}${i}`, correct: mark === '+' }));

describe('data genselect', () => {
  it('names the right one among at most so many, and leaves out what has one kind only', async () => {
    const rows = [...solved('a', '+--++---'), ...solved('b', '++'), ...solved('c', '-+')];
    const { rows: counts } = await run('made', rows, 'genselect.candidates=4');
    expect(counts).toEqual({ solutions: 12, questions: 3, train: 2 });
    const made = readJsonl(join(dir, 'made', 'train.jsonl'));
    expect(made.map(({ question, candidates }) => [question, candidates])).toEqual([
      ['a', 4],
      ['c', 2],
    ]);
    for (const { prompt, completion } of made) {
      const text = (prompt as { content: string }[])[0]!.content;
      const signs = [...text.matchAll(/^Solution \d+:\n([+-])/gm)].map(([, sign]) => sign);
      expect(signs.filter((sign) => sign === '+')).toHaveLength(1);
      expect(completion).toBe(`\\boxed{${signs.indexOf('+') + 1}}`);
    }
  });

  it('refuses rows without a grade, and sets that teach nothing', async () => {
    const bare = run('bare', [{ question: 'a', completion: 'x' }]);
    await expect(bare).rejects.toThrow(/bare\.jsonl:1: a row needs question and completion/);
    const none = run('none', solved('a', '++'));
    await expect(none).rejects.toThrow(/none of its questions \(1\) has right and wrong/);
  });
});
