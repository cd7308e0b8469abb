import { expect, test } from 'vitest';
import { sftLoss } from '../../../src/losses/index.js';
import { differentiate } from './golden.js';

test('the loss is −Σ log p over the tokens of the whole step', () => {
  // A micro-batch with three of the step's eight tokens: (1 + 2 + 0.5)/8, slope −1/8 for each.
  const found = differentiate([-1, -2, -0.5], (scores) => sftLoss(scores, { totalTokens: 8 }));
  expect([found.loss]).toBeAllclose([0.4375]);
  expect(found.gradient).toBeAllclose([-0.125, -0.125, -0.125]);
  // 3 · 0.5 nats and 3 hits, over 8 tokens.
  expect(found.metrics).toEqual({ entropy: 0.1875, mean_token_accuracy: 0.375 });
});

test('log p far below zero keeps its slope', () => {
  const found = differentiate([-1e4], (scores) => sftLoss(scores, { totalTokens: 1 }));
  expect(found.loss).toBe(1e4);
  expect(found.gradient).toBeAllclose([-1]);
});
