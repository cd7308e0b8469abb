import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/util/errors.js';
import { checkedRows, readRecord } from '../../../src/util/own-files.js';
import { temporaryFile } from '../../support/temporary.js';

interface Row {
  readonly step: number;
  readonly parts: Readonly<Record<string, number>>;
}
const check = (row: object) =>
  checkedRows<Row>('rows.jsonl', [{ step: 1, parts: {} }, { ...row }], {
    step: 'number',
    parts: 'object',
  });

describe('checkedRows', () => {
  it('gives the rows that have the fields, with what else is in them', () => {
    expect(check({ step: 2, parts: { a: 1 }, more: null })[1]).toEqual({
      step: 2,
      parts: { a: 1 },
      more: null,
    });
  });

  it.each([
    [{ parts: {} }, '"step" is missing, and should be of type number'],
    [{ step: '2', parts: {} }, '"step" is "2", and should be of type number'],
    [{ step: 2, parts: null }, '"parts" is null, and should be of type object'],
  ])('names what is wrong: %j', (row, problem) => {
    expect(() => check(row)).toThrow(InputError);
    expect(() => check(row)).toThrow(`rows.jsonl: row 2: field ${problem}`);
  });
});

interface State {
  readonly hash: string;
  readonly model: string | null;
  readonly outputs: readonly string[];
}

describe('readRecord', () => {
  const read = (text: string) =>
    readRecord<State>(temporaryFile(text), {
      fields: { hash: 'string', model: 'string or null', outputs: 'list' },
      remedy: 'Delete it',
    });

  it('gives the object that has the fields, null where it may be', () => {
    const state = { hash: 'h', model: null, outputs: ['a'], more: 1 };
    expect(read(JSON.stringify(state))).toEqual(state);
    expect(read(JSON.stringify({ ...state, model: 'm' })).model).toBe('m');
  });

  it.each([
    ['null', 'is not a JSON object'],
    ['[1]', 'is not a JSON object'],
    ['{"hash":"h","outputs":[]}', 'field "model" is missing, and should be of type string or null'],
    ['{"hash":null,"model":null,"outputs":[]}', 'field "hash" is null'],
    ['{"hash":"h","model":1,"outputs":[]}', 'field "model" is 1'],
    ['{"hash":"h","model":null,"outputs":{}}', 'field "outputs" is {}, and should be of type list'],
  ])('names file, field and remedy: %s', (text, problem) => {
    expect(() => read(text)).toThrow(InputError);
    expect(() => read(text)).toThrow(`: ${problem}`);
    expect(() => read(text)).toThrow(/\. Delete it$/);
  });
});
