import { describe, expect, it } from 'vitest';
import { checkedRows } from '../../../src/util/checked-rows.js';
import { InputError } from '../../../src/util/errors.js';

interface Row {
  readonly step: number;
  readonly parts: Readonly<Record<string, number>>;
}
const check = (row: object) =>
  checkedRows<Row>('rows.jsonl', [{ step: 1, parts: {} }, { ...row }], {
    ...{ step: 'number', parts: 'object' },
  });

describe('checkedRows', () => {
  it('gives the rows that have the fields, with what else is in them', () => {
    expect(check({ step: 2, parts: { a: 1 }, more: null })[1]).toEqual({
      ...{ step: 2, parts: { a: 1 }, more: null },
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
