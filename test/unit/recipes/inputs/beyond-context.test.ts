import { expect, it } from 'vitest';
import { sayBeyondContext } from '../../../../src/recipes/inputs/beyond-context.js';

const sequences = [3, 4, 5, 9].map((length) => ({ ids: new Array<number>(length).fill(1) }));

it.each([
  [4, ["warning: longer than the model's context of 4 tokens: 2 of 4 sequences"]],
  [9, []],
])('sequences beyond a context of %i tokens are counted', (context, said) => {
  const lines: string[] = [];
  sayBeyondContext(sequences, { context, log: (line) => void lines.push(line) });
  expect(lines).toEqual(said.map((line) => `${line}. Lower max_length to stay within it`));
});
