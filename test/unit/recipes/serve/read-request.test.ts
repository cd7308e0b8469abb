/** Requests of many prompts. */
import { expect, it } from 'vitest';
import { readRequest } from '../../../../src/recipes/serve/read-request.js';
import type { ServingSettings } from '../../../../src/recipes/serve/settings.js';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';

const settingsOf = (maxQueue: number, rendered: unknown[] = []) => {
  const tokenizer = {
    encode: (text: string) => {
      rendered.push(text);
      return [1];
    },
  };
  return {
    models: [{ name: 'm', source: { tokenizer, spec: { vocabSize: 8 } } }],
    ...{ maxContext: 16, maxQueue, render: {}, constraintOf: () => null },
    params: { ...PLAIN_SAMPLING, maxNewTokens: 4, seed: 0 },
  } as unknown as ServingSettings;
};

it('takes as many as the queue holds', () => {
  const prompt = Array.from({ length: 200_000 }, () => [1]);
  expect(readRequest('completions', { prompt }, settingsOf(200_000)).prompts).toHaveLength(200_000);
});

it('refuses more before it renders one', () => {
  const rendered: unknown[] = [];
  const prompt = ['a', 'b', 'c'];
  expect(() => readRequest('completions', { prompt }, settingsOf(2, rendered))).toThrow(
    /1 each of 3 prompts are more completions than the queue holds \(2\)/,
  );
  expect(rendered).toEqual([]);
});

it('refuses ids that are no tokens before they reach the others of a batch', () => {
  for (const id of [-1, 8]) {
    expect(() => readRequest('completions', { prompt: [[1], [7, id]] }, settingsOf(2))).toThrow(
      `prompt: the model has no token ${id}. Give ids from 0 to 7`,
    );
  }
});
