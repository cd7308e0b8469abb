import { expect, it } from 'vitest';
import { generateSchema, loadConfig, predictSchema } from '../../../src/config/index.js';

it.each([
  ['generate', generateSchema, 'never'],
  ['predict', predictSchema, 'auto'],
] as const)('resume of %s takes true and false, as that of a trainer', (_, schema, usual) => {
  const read = (...words: string[]) =>
    loadConfig(schema, { overrides: ['model=m', 'input=rows.jsonl', ...words], env: {} }).resume;
  expect(['true', 'false', 'auto', 'never'].map((word) => read(`resume=${word}`))).toEqual([
    ...['auto', 'never', 'auto', 'never'],
  ]);
  expect(read()).toBe(usual);
});
