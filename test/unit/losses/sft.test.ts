import { describe, expect, test } from 'vitest';
import { type SftOptions, sftColumns, sftLoss } from '../../../src/losses/index.js';
import { type Tensor, tf, tokenScores } from '../../../src/tensor/index.js';
import { goldenLosses } from '../../support/golden-losses.js';
import { differentiate } from './differentiate.js';

const { logits, labels, cases } = goldenLosses().sft;
const PLAIN: SftOptions = { lossType: 'nll', labelSmoothing: 0, totalTokens: 1 };

/** The head with the unit matrix as its weight: hidden states are logits. */
function onLogits(options: SftOptions) {
  const positions = [...labels.keys()].filter((t) => labels[t] !== -100);
  return tf.tidy(() => {
    const hidden = tf.tensor2d(positions.map((t) => [...logits[t]!]));
    const targets = tf.tensor1d(
      positions.map((t) => labels[t]!),
      'int32',
    );
    const head = (h: Tensor) =>
      tokenScores(h, tf.eye(logits[0]!.length), targets, {
        temperature: 1,
        logitScale: 1,
        softcap: null,
        trainable: false,
        gradients: sftColumns(options),
      });
    const { value, grad } = tf.valueAndGrad((h) => sftLoss(head(h), options).loss)(hidden);
    return { positions, loss: value.dataSync()[0]!, slopes: grad.arraySync() as number[][] };
  });
}

describe.each(cases)('$lossType, label smoothing $labelSmoothing', (golden) => {
  test('loss and slopes of the logits are TRL’s', () => {
    const { lossType, labelSmoothing } = golden;
    const totalTokens = labels.filter((label) => label !== -100).length;
    const { positions, ...found } = onLogits({ lossType, labelSmoothing, totalTokens });
    expect([found.loss]).toBeAllclose([golden.loss], { rtol: 1e-5, atol: 0 });
    for (const [i, position] of positions.entries()) {
      expect(found.slopes[i]!).toBeAllclose(golden.slopes[position]!, { rtol: 1e-5, atol: 1e-6 });
    }
  });
});

test('the loss is −Σ log p over the tokens of the whole step', () => {
  // A micro-batch with three of the step's eight tokens: (1 + 2 + 0.5)/8, slope −1/8 for each.
  const options = { ...PLAIN, totalTokens: 8 };
  const found = differentiate([-1, -2, -0.5], (scores) => sftLoss(scores, options));
  expect([found.loss]).toBeAllclose([0.4375]);
  expect(found.gradient).toBeAllclose([-0.125, -0.125, -0.125]);
  // 3 · 0.5 nats and 3 hits, over 8 tokens.
  expect(found.metrics).toEqual({ entropy: 0.1875, mean_token_accuracy: 0.375 });
});

test('log p far below zero keeps its slope; dft forgets such a token', () => {
  const found = differentiate([-1e4], (scores) => sftLoss(scores, PLAIN));
  expect(found.loss).toBe(1e4);
  expect(found.gradient).toBeAllclose([-1]);
  const forgotten = differentiate([-1e4], (scores) =>
    sftLoss(scores, { ...PLAIN, lossType: 'dft' }),
  );
  expect(forgotten.loss).toBeCloseTo(0);
  expect(forgotten.gradient).toBeAllclose([0]);
});

test('dft weighs each token by its probability, held constant', () => {
  // p = e^−2 = 0.135335: loss 2p, slope −p.
  const found = differentiate([-2], (scores) => sftLoss(scores, { ...PLAIN, lossType: 'dft' }));
  expect([found.loss, found.gradient[0]!]).toBeAllclose([0.270671, -0.135335]);
});
