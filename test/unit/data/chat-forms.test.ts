/** ShareGPT's and Alpaca's rows in our form, and columns made of a text. */
import { describe, expect, it } from 'vitest';
import { chatForm } from '../../../src/data/chat-forms.js';
import { renameColumns } from '../../../src/data/columns.js';

describe('chatForm', () => {
  it('takes conversations as messages', () => {
    const conversations = [{ from: 'human', value: 'hi' }];
    expect(chatForm({ id: 'a', conversations })).toEqual({ id: 'a', messages: conversations });
  });

  it('puts the system prompt of conversations first, unless they begin with one', () => {
    const human = { from: 'human', value: 'hi' };
    const row = { system: 'Be brief', conversations: [human] };
    const first = { role: 'system', content: 'Be brief' };
    expect(chatForm(row)).toEqual({ system: 'Be brief', messages: [first, human] });
    const own = [{ from: 'system', value: 'Own' }, human];
    expect(chatForm({ ...row, conversations: own })).toMatchObject({ messages: own });
    for (const system of ['', null]) {
      expect(chatForm({ ...row, system })).toMatchObject({ messages: [human] });
    }
    expect(chatForm({ ...row, system: 7 })).toBe('column "system" is no text');
  });

  it('makes a question of an instruction and its input', () => {
    const row = { instruction: 'Add.', input: '1 2', output: '3' };
    expect(chatForm(row)).toEqual({ ...row, question: 'Add.\n1 2', completion: '3' });
    for (const input of ['', null, undefined]) {
      const bare = { instruction: 'Hi.', input, output: 'yo' };
      expect(chatForm(bare)).toMatchObject({ question: 'Hi.', completion: 'yo' });
    }
    const pair = { instruction: 'Add.', input: '1 2', chosen: '3', rejected: '4' };
    expect(chatForm(pair)).toEqual({ ...pair, question: 'Add.\n1 2' });
  });

  it('keeps the system prompt and earlier turns of an instruction', () => {
    const row = { instruction: 'Add.', output: '3', system: 'Be brief', history: [['hi', 'yo']] };
    expect(chatForm(row)).toMatchObject({
      prompt: [
        { role: 'system', content: 'Be brief' },
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'yo' },
        { role: 'user', content: 'Add.' },
      ],
      completion: '3',
    });
  });

  it('leaves rows that have our columns, and all others', () => {
    const alpaca = { instruction: 'Add.', output: '3' };
    const rows = [
      { ...alpaca, question: 'q' },
      { ...alpaca, text: 't' },
      { instruction: 'Add.' },
      { conversations: 'x' },
    ];
    for (const row of rows) expect(chatForm(row)).toBe(row);
  });

  it.each([
    [{ input: 7 }, 'column "input" is no text'],
    [{ output: ['3'] }, 'column "output" is no text'],
    [{ system: ['a'] }, 'column "system" is no text'],
    [{ history: 'hi' }, 'column "history" is no list of [instruction, answer]'],
    [{ history: [['hi']] }, 'column "history" is no list of [instruction, answer]'],
  ])('says what is wrong with %j', (columns, problem) => {
    expect(chatForm({ instruction: 'Add.', output: '3', ...columns })).toBe(problem);
  });
});

describe('renameColumns', () => {
  const row = { instruction: 'Add.', input: null, n: 2, list: [1], '{odd}': 'x' };

  it('fills a text with columns, which stay, and cuts white space at its ends', () => {
    const columns = { question: '{instruction}\n{input}', prompt: 'n is {n}: {instruction}' };
    expect(renameColumns(row, columns)).toEqual({
      ...row,
      question: 'Add.',
      prompt: 'n is 2: Add.',
    });
  });

  it('prefers a column of that very name', () => {
    expect(renameColumns(row, { question: '{odd}' })).toMatchObject({ question: 'x' });
  });

  it.each([
    [
      '{instruct} {input}',
      'no column "instruct" for question (it has instruction, input=null, n=2, list, {odd}). The nearest is instruction',
    ],
    [
      '{list}',
      'column "list" is no text for question (it has instruction, input=null, n=2, list, {odd})',
    ],
    [
      'instruct',
      'no column "instruct" for question (it has instruction, input=null, n=2, list, {odd}). The nearest is instruction',
    ],
  ])('says what is wrong with %s', (theirs, problem) => {
    expect(renameColumns(row, { question: theirs })).toBe(problem);
  });

  it.each([
    [{ answer: 'solutoin' }, 'no column "solutoin" for answer', '. The nearest is solution'],
    [{ answer: '{question} {text}' }, 'no column "text" for answer', ''],
    [
      { solution: 'reasoning' },
      'no column "reasoning" for solution',
      '. Write columns={reasoning: solution}',
    ],
    [{ working: 'reasoning' }, 'no column "reasoning" for working', ''],
  ])('says of %j how to write it, or which column is meant', (columns, problem, remedy) => {
    const solved = { question: 'q', answer: '3', solution: 's' };
    expect(renameColumns(solved, columns)).toBe(
      `${problem} (it has question, answer, solution)${remedy}`,
    );
  });
});
