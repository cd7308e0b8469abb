/** Hand-written vignettes through filter, split, lower case and prompt. */
import { expect, test } from 'vitest';
import { MEDICAL_PROMPTS, medicalSplits, withPrompt } from '../../../src/data/index.js';

const FILTER = /^(A|An) \d{1,2}-year-old/u;
const vignette = (age: number) =>
  `${age === 8 || age === 80 ? 'An' : 'A'} ${age}-year-old man has pain.`;
const rows = [
  ...[5, 8, 42, 63, 80, 99].map((age) => ({ q: vignette(age), a: `Angina OF ${age}` })),
  { q: 'A 101-year-old woman has a cough.', a: 'x' },
  { q: 'The A 40-year-old man.', a: 'x' },
  { q: 'a 40-year-old man.', a: 'x' },
  { q: 'Which drug causes a dry cough?', a: 'x' },
  { q: vignette(42), a: 'Other answer' },
];
const options = {
  questionColumn: 'q',
  answerColumn: 'a',
  filter: FILTER,
  seed: 42,
  train: 3,
  test: 3,
};
const where = (index: number) => `rows.jsonl:${index + 1}`;

test('only ages of one or two digits at the head are kept, once each, in disjoint splits', () => {
  const splits = medicalSplits(rows, where, options);
  const { train, val, ...counts } = splits;
  expect(counts).toEqual({ matching: 6, duplicates: 1, unanswered: 0 });
  const questions = [...train, ...val].map(({ messages }) => messages[0]?.content);
  expect([...questions].sort()).toEqual([5, 8, 42, 63, 80, 99].map(vignette).sort());
  expect(train).toHaveLength(3);
  const first = train[0]!;
  const age = /\d+/.exec(String(first.messages[0]?.content))?.[0];
  expect(first).toEqual({
    messages: [{ role: 'user', content: vignette(Number(age)) }],
    reference_answer: `angina of ${age}`,
  });
  expect(medicalSplits(rows, where, options)).toEqual(splits);
  expect(medicalSplits(rows, where, { ...options, seed: 1 }).train).not.toEqual(train);
});

test('a question without an answer is left out and counted', () => {
  const open = ['', ' \n', null].map((a, i) => ({ q: vignette(20 + i), a }));
  const splits = medicalSplits([...open, ...rows], where, options);
  expect(splits).toEqual({ ...medicalSplits(rows, where, options), unanswered: 3 });
  expect(() => medicalSplits(open, where, options)).toThrow(
    '3 + 3 rows are more than the 0 questions that match and have an answer (3 have none). ' +
      'Ask for fewer, or widen medical.filter (null keeps all), or name another medical.answer_column',
  );
});

test('without a filter all questions count; too many rows and missing columns are errors', () => {
  const all = medicalSplits(rows, where, { ...options, filter: null, train: 6, test: 4 });
  expect(all.matching).toBe(10);
  expect(() => medicalSplits(rows, where, { ...options, train: 4 })).toThrow(
    'train_samples + test_samples: 4 + 3 rows are more than the 6 questions that match',
  );
  expect(() => medicalSplits([{ q: 'x' }], where, options)).toThrow(
    'rows.jsonl:1: no text in column "a" (it has q)',
  );
});

test('the prompt goes before the first user message, once, and only before text', () => {
  const prompt = MEDICAL_PROMPTS.simple!;
  const [row] = medicalSplits(rows, where, options).train;
  const once = withPrompt([row!], prompt);
  expect(once[0]?.messages[0]?.content).toBe(`${prompt}\n\n${row?.messages[0]?.content}`);
  expect(withPrompt(once, prompt)).toEqual(once);
  const parts = {
    messages: [{ role: 'user', content: [{ type: 'text' }] }],
    reference_answer: 'x',
  };
  const system = { messages: [{ role: 'system', content: 's' }], reference_answer: 'x' };
  expect(withPrompt([parts, system], prompt)).toEqual([parts, system]);
});
