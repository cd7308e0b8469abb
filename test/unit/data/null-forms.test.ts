/** Rows of sets that were put together have null in the columns of other forms. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadRows } from '../../../src/data/index.js';
import { readPrompts } from '../../../src/recipes/inputs/prompt-input.js';
import { toJsonl } from '../../../src/util/files.js';
import { temporaryFolder } from '../../support/temporary.js';

const rows = [
  { question: 'q', reasoning: 'r', answer: '2', messages: null, text: null, prompt: null },
  { question: null, prompt: 'p', completion: 'c', messages: null, tools: null },
  { question: null, answer: null },
];

const read = [
  { question: 'q', reasoning: 'r', answer: '2' },
  { prompt: 'p', completion: 'c', tools: null },
  { question: null, answer: null },
];

it('they are dropped, unless the row has nothing else', async () => {
  const path = join(temporaryFolder(), 'rows.jsonl');
  writeFileSync(path, toJsonl(rows));
  expect((await loadRows(path)).rows).toEqual(read);
  expect((await readPrompts({ input: path, prompt: null })).rows).toEqual(read);
});
