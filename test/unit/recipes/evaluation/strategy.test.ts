import { expect, test } from 'vitest';
import { evalSchema, loadConfig } from '../../../../src/config/index.js';
import { evaluate, numericGrader } from '../../../../src/evaluate/index.js';
import { contextOf } from '../../../../src/recipes/evaluation/strategy.js';
import { chosenCompletion } from '../../../../src/recipes/evaluation/strategy-completer.js';

const context = (...words: string[]): number => {
  const overrides = ['model=m', 'dataset.path=d', 'max_new_tokens=100', 'max_rounds=3', ...words];
  return contextOf(loadConfig(evalSchema, { overrides, env: {} }), 50);
};

test('a context has room for the outputs of all rounds, at their longest', () => {
  expect(context()).toBe(150);
  expect(context('strategy=tir')).toBe(150 + 3 * 512);
  expect(context('strategy=tir', 'max_tool_output_length=400')).toBe(150 + 3 * 112);
});

test('outputs of code are no tokens of the completion', async () => {
  const rows = [{ question: 'What is 6 * 7?', answer: '#### 42' }];
  const problem = { id: '0', question: 'What is 6 * 7?', promptIds: [1], row: rows[0]! };
  const candidate = {
    text: '42',
    answer: '42',
    finishReason: 'stop',
    adapter: null,
    seconds: 0,
    weight: 1,
    // Seven ids: three were sampled, three are of an output, one was sampled behind it.
    ids: [5, 6, 7, 8, 8, 8, 9],
    logprobs: new Float32Array([-1, -1, -1, -1]),
    tokens: 4,
    executions: 2,
    failedExecutions: 1,
  };
  const solution = {
    problem,
    candidates: [candidate],
    chosen: 0,
    answer: '42',
    agreement: null,
    tokens: 4,
    seconds: 0,
    stopped: 'done' as const,
    selections: 0,
    invalidSelections: 0,
  };
  const evaluated = await evaluate({
    rows,
    complete: async () => [chosenCompletion(solution, { strategy: 'tir' })],
    grade: numericGrader(),
  });
  expect(evaluated.metrics).toMatchObject({ mean_length: 4, max_length: 4 });
  expect(evaluated.rows[0]).toMatchObject({
    tokens: 4,
    tool_tokens: 3,
    tool_calls: 2,
    tool_failures: 1,
  });
});
