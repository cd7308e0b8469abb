import { expect, test } from 'vitest';
import { fieldNames, shown } from '../../../src/util/shown.js';

test('a value is shown as JSON, by its beginning; what has no JSON is nothing', () => {
  expect(shown({ role: 'user', content: [1] })).toBe('{"role":"user","content":[1]}');
  expect(shown('x'.repeat(100))).toBe(`"${'x'.repeat(79)}…`);
  expect(shown(null)).toBe('null');
  expect(shown(undefined)).toBe('nothing');
});

test('columns are named, plain ones with their values', () => {
  expect(fieldNames({ text: 'a', answer: null, n: 5, ok: true, messages: [] })).toBe(
    'text, answer=null, n=5, ok=true, messages',
  );
  expect(fieldNames({ question: 'a', ' answer': null })).toBe('question, " answer"=null');
  expect(fieldNames({})).toBe('no field');
});
