import { expect, test } from 'vitest';
import { evalSchema, loadConfig } from '../../../../src/config/index.js';
import { contextOf } from '../../../../src/recipes/eval/strategy.js';

const context = (...words: string[]): number => {
  const overrides = ['model=m', 'dataset.path=d', 'max_new_tokens=100', 'max_rounds=3', ...words];
  return contextOf(loadConfig(evalSchema, { overrides, env: {} }), 50);
};

test('a context has room for the outputs of all rounds, at their longest', () => {
  expect(context()).toBe(150);
  expect(context('strategy=tir')).toBe(150 + 3 * 512);
  expect(context('strategy=tir', 'max_tool_output_length=400')).toBe(150 + 3 * 112);
});
