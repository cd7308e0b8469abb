import { expect, test } from 'vitest';
import { sayOtherBase } from '../../../../src/recipes/inputs/quantization.js';

const KEYS = {
  load_in_4bit: false,
  bnb_4bit_quant_type: 'nf4',
  use_bnb_nested_quant: false,
} as const;
const IN_4_BITS = { ...KEYS, load_in_4bit: true };

const said = (keys: Partial<typeof KEYS | typeof IN_4_BITS>, trainedOn: string | null) => {
  const lines: string[] = [];
  const adapter = { quantization: trainedOn };
  sayOtherBase(keys, { adapter, where: 'adapter', log: (line) => lines.push(line) });
  return lines;
};

test('an adapter on the base that it was trained on is nothing to say', () => {
  expect([said(KEYS, null), said(IN_4_BITS, 'nf4')]).toEqual([[], []]);
});

test.each([
  [KEYS, 'nf4, nested', 'as it is; load_in_4bit=true use_bnb_nested_quant=true takes the base'],
  [IN_4_BITS, 'fp4', '(nf4); load_in_4bit=true bnb_4bit_quant_type=fp4 alone takes the base'],
  // A command without these keys, such as those of a judge.
  [{}, 'nf4', 'as it is; lorikeet export with load_in_4bit=true merges it into the base'],
  [KEYS, 'another way', 'used on it as it is'],
] as const)('another base is named with what takes its own, %#', (keys, trainedOn, expected) => {
  expect(said(keys, trainedOn)).toEqual([expect.stringContaining(expected)]);
});
