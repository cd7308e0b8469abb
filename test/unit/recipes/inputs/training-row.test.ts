/** Problem rows as what a model learns to write, and what of a row is read as its prompt. */
import { expect, it } from 'vitest';
import { renameColumns } from '../../../../src/data/columns.js';
import { promptRow } from '../../../../src/recipes/inputs/prompt-row.js';
import { sayForms } from '../../../../src/recipes/inputs/row-form.js';
import { trainingRow } from '../../../../src/recipes/inputs/training-row.js';
import type { JsonRow } from '../../../../src/util/files.js';

const tags = { reasoningStart: '[', reasoningEnd: ']', solutionStart: '{', solutionEnd: '}' };
const style = { tags, form: 'tags' } as const;

it('an answer may be a number', () => {
  const row = { question: '5 + 1?', reasoning: 'count', answer: 6 };
  expect(trainingRow(row, style, 'f:1')).toMatchObject({ completion: '[count]{6}' });
});

it('without its working or answer a question is refused with what it has', () => {
  const row = { question: '5 + 1?', reasoning: null, answer: 'six' };
  expect(() => trainingRow(row, style, 'f:1')).toThrow(
    'f:1: a question without its working and answer (it has question, reasoning=null, answer)',
  );
});

it('with a bare answer, or with other columns, a row is refused with the columns to name', () => {
  expect(() => trainingRow({ question: '5 + 1?', answer: 'six' }, style, 'f:1')).toThrow(
    "To learn the answer as it stands: dataset.columns='{prompt: question, completion: answer}'",
  );
  const row = { id: 3, Frage: '5 + 1?', Antwort: 'six' };
  expect(() => trainingRow(row, style, 'f:1')).toThrow(
    "f:1: needs messages, prompt and completion, or text; found id=3, Frage, Antwort. Name its columns, as dataset.columns='{prompt: COLUMN, completion: COLUMN}'",
  );
  const renamed = renameColumns(row, { prompt: 'Frage', completion: 'Antwort' }) as JsonRow;
  expect(trainingRow(renamed, style, 'f:1')).toMatchObject({ completion: 'six' });
});

it.each<[JsonRow, string]>([
  [
    { instruction: 'Add.', input: '1 2', output: '3' },
    '{prompt: "{instruction}\\n{input}", completion: output}',
  ],
  [{ id: 'a', instruction: 'Add.', response: '3' }, '{prompt: instruction, completion: response}'],
  [{ source: 's', Answer: '3', Query: 'q' }, '{prompt: Query, completion: Answer}'],
  [{ problem: 'p', answer: '3', solution: 's' }, '{prompt: problem, completion: solution}'],
  [{ input: 'i', target: 't' }, '{prompt: input, completion: COLUMN}'],
  [{ instruction: 'Add.', input: null, output: 3 }, '{prompt: instruction, completion: COLUMN}'],
  [{ toString: 'x' }, '{prompt: COLUMN, completion: COLUMN}'],
])('of the columns of %j those of known names are named', (row, columns) => {
  expect(() => trainingRow(row, style, 'f:1')).toThrow(`, as dataset.columns='${columns}'`);
});

it('beside a text, which TRL trains on, it is refused with the way to learn the text', () => {
  const row = { question: '5 + 1?', text: 'Five and one are six.' };
  expect(() => trainingRow(row, style, 'f:1')).toThrow(
    'f:1: a question without its working and answer (it has question, text). Give answer "<working>\\n#### N", or reasoning and answer; map other names by dataset.columns. To learn its text as it stands, as TRL does, take the question out: dataset.columns={unread: question}',
  );
  const renamed = renameColumns(row, { unread: 'question' }) as JsonRow;
  expect(trainingRow(renamed, style, 'f:1')).toMatchObject({ text: row.text });
});

it('a row of several forms is read by the same one as a prompt and to train on, and is counted', () => {
  const solved = { question: '5 + 1?', reasoning: 'count', answer: '6' };
  const asked = [{ role: 'user', content: '5 + 1?' }];
  const beside = { ...solved, text: 'an article' };
  expect(trainingRow(beside, style, 'f:1')).toEqual({ prompt: asked, completion: '[count]{6}' });
  expect(promptRow(beside)).toEqual({ prompt: asked });
  const written = { question: '5 + 1?', prompt: 'Which is right?', completion: '1' };
  expect(trainingRow(written, style, 'f:1')).toBe(written);
  expect(promptRow(written)).toBe(written);
  const lines: string[] = [];
  sayForms([solved, beside, written, beside, { text: 'x', question: 5 }], (line) => {
    lines.push(line);
  });
  expect(lines).toEqual([
    'data: 2 rows with question and text: question is what the model reads',
    'data: 1 row with prompt and question: prompt is what the model reads',
  ]);
});
