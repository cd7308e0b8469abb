import { describe, expect, test } from 'vitest';
import {
  CORRECT,
  ENTROPY,
  type GradientColumn,
  LOGP,
  MEAN_LOGP,
  tf,
  tokenScores,
} from '../../../src/tensor/index.js';
import type { HeadOptions } from '../../../src/tensor/ops/head-options.js';
import { checkGradients, type Operand, operand, randomOperand, tensorOf } from './ops-gradient.js';

const [M, H, V] = [7, 3, 5];
const TARGETS = [0, 4, 2, 2, 1, 3, 0];

type Distribution = Omit<HeadOptions, 'trainable' | 'chunk'>;

/** `[M, 4]`, or `[M, 3]` without the mean log p. */
const formula =
  ({ temperature, logitScale, softcap, gradients }: Distribution) =>
  (hidden: Float64Array, weight: Float64Array): number[] =>
    TARGETS.flatMap((target, m) => {
      const z = Array.from({ length: V }, (_, v) => {
        let sum = 0;
        for (let i = 0; i < H; i++) sum += hidden[m * H + i]! * weight[v * H + i]!;
        const raw = sum * logitScale;
        return (softcap === null ? raw : softcap * Math.tanh(raw / softcap)) / temperature;
      });
      const top = Math.max(...z);
      const total = top + Math.log(z.reduce((sum, value) => sum + Math.exp(value - top), 0));
      const logps = z.map((value) => value - total);
      const entropy = -logps.reduce((sum, logp) => sum + Math.exp(logp) * logp, 0);
      const mean = logps.reduce((sum, logp) => sum + logp, 0) / V;
      const columns = [logps[target]!, entropy, z[target] === top ? 1 : 0];
      return gradients?.includes('mean_logp') === true ? [...columns, mean] : columns;
    });

const PLAIN: Distribution = { temperature: 1, logitScale: 1, softcap: null };
const COLUMNS = { logp: LOGP, entropy: ENTROPY, mean_logp: MEAN_LOGP } as const;

/** Weights on the columns that carry a gradient. */
const onColumns = (gradients: readonly GradientColumn[]) => {
  const width = gradients.includes('mean_logp') ? 4 : 3;
  const carried: number[] = gradients.map((name) => COLUMNS[name]);
  return (index: number) => (carried.includes(index % width) ? Math.cos(index) : 0);
};

function check(hidden: Operand, options: Distribution & { readonly chunk?: number }): void {
  const targets = tf.tensor1d(TARGETS, 'int32');
  const weight = randomOperand('weight', [V, H]);
  const dy = onColumns(options.gradients ?? ['logp']);
  const all = { ...options, chunk: options.chunk ?? 100 };
  checkGradients({
    inputs: [hidden, weight],
    op: (h, w) => tokenScores(h!, w!, targets, { ...all, trainable: true }),
    formula: formula(options),
    dy,
  });
  const frozen = tensorOf(weight);
  checkGradients({
    inputs: [hidden],
    op: (h) => tokenScores(h!, frozen, targets, { ...all, trainable: false }),
    formula: (h) => formula(options)(h, weight.values),
    dy,
  });
  tf.dispose([targets, frozen]);
}

test.each([
  { name: 'plain', options: PLAIN },
  { name: 'soft cap', options: { ...PLAIN, softcap: 0.8 } },
])('a hidden state that is NaN has scores that are, $name', ({ options }) => {
  tf.tidy(() => {
    const hidden = tf.tensor2d([[0.1, Number.NaN, 0.3], ...Array(M - 1).fill([0.1, 0.2, 0.3])]);
    const weight = tensorOf(randomOperand('weight', [V, H]));
    const targets = tf.tensor1d(TARGETS, 'int32');
    const scores = tokenScores(hidden, weight, targets, { ...options, trainable: false });
    const logps = scores.slice([0, LOGP], [M, 1]).dataSync();
    expect([...logps].map(Number.isNaN)).toEqual([true, ...Array(M - 1).fill(false)]);
  });
});

describe('gradients', () => {
  const hidden = randomOperand('hidden', [M, H]);

  test.each([
    { name: 'plain', options: PLAIN },
    { name: 'temperature', options: { ...PLAIN, temperature: 0.7 } },
    { name: 'logit scale', options: { ...PLAIN, logitScale: 3 } },
    { name: 'soft cap', options: { ...PLAIN, softcap: 1.5 } },
    { name: 'all three', options: { temperature: 1.4, logitScale: 2, softcap: 2.5 } },
  ])('$name', ({ options }) => check(hidden, options));

  test.each([1, 2, 3, 7])('in chunks of %i', (chunk) => check(hidden, { ...PLAIN, chunk }));

  const columns: GradientColumn[][] = [
    ['entropy'],
    ['mean_logp'],
    ['logp', 'entropy'],
    ['logp', 'entropy', 'mean_logp'],
  ];
  test.each(columns)('of %s %s %s', (...gradients) => {
    const present = gradients.filter((name) => name !== undefined);
    check(hidden, { temperature: 1.4, logitScale: 2, softcap: 2.5, gradients: present, chunk: 3 });
  });

  test('logits of some hundreds', () => {
    const large = randomOperand('large', [M, H], { std: 150 });
    check(large, { ...PLAIN, gradients: ['logp', 'entropy', 'mean_logp'] });
  });
});

test('a certain and an impossible target stay finite', () => {
  // Logits ±1000: log p = 0 and −2000, entropy 0.
  tf.tidy(() => {
    const hidden = tf.tensor2d([[1000], [1000]]);
    const weight = tf.tensor2d([[1], [-1]]);
    const targets = tf.tensor1d([0, 1], 'int32');
    const head = (h: typeof hidden) =>
      tokenScores(h, weight, targets, { ...PLAIN, trainable: false });
    expect(head(hidden).dataSync()).toBeAllclose([0, 0, 1, -2000, 0, 0]);
    // d log p / dh = w_t − Σ p·w: 1 − 1 and −1 − 1.
    const slope = tf.grad((h) => tf.sum(tf.slice(head(h as never), [0, LOGP], [2, 1])))(hidden);
    expect(slope.dataSync()).toBeAllclose([0, -2]);
  });
});

test('the columns: log p, entropy in nats, whether the target is the mode', () => {
  // Two equal logits: log p = −ln 2, entropy ln 2.
  tf.tidy(() => {
    const scores = tokenScores(
      tensorOf(operand([1, 1], [0])),
      tensorOf(operand([2, 1], [1, 1])),
      tf.tensor1d([0], 'int32'),
      { ...PLAIN, trainable: false },
    ).dataSync();
    expect(scores[LOGP]).toBeCloseTo(-Math.LN2, 6);
    expect(scores[ENTROPY]).toBeCloseTo(Math.LN2, 6);
    expect(scores[CORRECT]).toBe(1);
  });
});

test('entropy and mean log p carry no gradient unless asked for', () => {
  tf.tidy(() => {
    const weight = tensorOf(randomOperand('weight', [V, H]));
    const head = (h: ReturnType<typeof tensorOf>) =>
      tokenScores(h, weight, tf.tensor1d([1], 'int32'), { ...PLAIN, trainable: false });
    const slope = tf.grad((h) => tf.slice(head(h), [0, ENTROPY], [1, 1]).sum());
    expect(slope(tensorOf(operand([1, H], [1, 2, 3]))).dataSync()).toBeAllclose([0, 0, 0]);
  });
});
