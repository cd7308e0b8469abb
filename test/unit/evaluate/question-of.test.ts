/** The question of rows of every form. */
import { expect, it } from 'vitest';
import { questionOf } from '../../../src/evaluate/index.js';

const turns = [
  { role: 'system', content: 'Be short.' },
  { role: 'user', content: 'first' },
  { role: 'assistant', content: 'yes' },
  { role: 'user', content: 'last' },
];

it.each([
  ['the question stands before a prompt', { prompt: 'p', question: 'q' }, 'q'],
  ['the problem of mathematical sets', { problem: 'x', messages: turns }, 'x'],
  ['a prompt of text', { prompt: 'p' }, 'p'],
  ['a prompt of turns: the last of the user', { prompt: turns }, 'last'],
  ['messages: the last of the user', { messages: turns }, 'last'],
  ['none', { answer: '4' }, ''],
])('%s', (_, row, question) => {
  expect(questionOf(row)).toBe(question);
});
