import { describe, expect, test } from 'vitest';
import { type DpoLossType, dpoLoss, dpoMetrics } from '../../../src/losses/index.js';
import { PAIR_TERMS } from '../../../src/losses/preference-terms.js';
import type { Tensor } from '../../../src/tensor/index.js';
import { needsReference } from '../../../src/util/reference-free.js';
import { goldenLosses } from '../../support/golden-losses.js';
import { differentiate, goldenColumns, ownersOf } from './differentiate.js';

const { rows, reference, cases } = goldenLosses().dpo;

const SETTINGS = { simpoGamma: 0.5, cpoAlpha: 1, discopopTau: 0.05 };
const chosenTokens = (all: readonly (readonly number[])[]) =>
  all.slice(0, all.length / 2).flat().length;

describe.each(cases)(
  '$losses, beta $beta, label smoothing $labelSmoothing, LD $ldAlpha, $divergence, tau $discopopTau',
  (golden) => {
    const { losses, beta, labelSmoothing, ldAlpha, divergence, discopopTau } = golden;
    const pairs = rows.length / 2;
    const tokens = rows.flat();
    const batch = {
      pairs,
      sequences: ownersOf(rows),
      referenceLogps: needsReference(losses.map(({ type }) => type))
        ? Float32Array.from(reference)
        : null,
    };
    const options = {
      ...SETTINGS,
      losses,
      beta,
      labelSmoothing,
      ldAlpha,
      divergence,
      discopopTau,
      totalPairs: pairs,
      totalTokens: tokens.length,
      totalChosenTokens: chosenTokens(rows),
    };
    const lossOf = (scores: Tensor) => dpoLoss(scores, batch, options);
    const found = differentiate(tokens, lossOf, goldenColumns(tokens));

    test('loss and gradient are TRL’s', () => {
      expect([found.loss]).toBeAllclose([golden.loss], { rtol: 1e-5 });
      expect(found.gradient).toBeAllclose(golden.gradient, { rtol: 1e-5, atol: 1e-6 });
    });

    test('metrics are TRL’s', () => {
      for (const [name, value] of Object.entries(golden.metrics)) {
        expect([found.metrics[name]!], name).toBeAllclose([value]);
      }
      expect(found.metrics).toMatchObject({ entropy: 0.5 });
      const plain = differentiate(tokens, lossOf).metrics;
      for (const [metrics, logits] of [[found.metrics, true] as const, [plain, false] as const]) {
        const names = dpoMetrics(
          losses.map(({ type }) => type),
          { logits },
        );
        expect(Object.keys(metrics).sort()).toEqual(names.sort());
      }
    });
  },
);

/** One pair of one token each: Δ = chosen − rejected, as the reference is 0 for both. */
function onePair(
  lossType: DpoLossType,
  chosen: number,
  {
    rejected = 0,
    ...options
  }: { readonly rejected?: number; readonly [key: string]: unknown } = {},
) {
  const batch = { pairs: 1, sequences: Int32Array.of(0, 1), referenceLogps: Float32Array.of(0, 0) };
  const all = {
    ...SETTINGS,
    losses: [{ type: lossType, weight: 1 }],
    beta: 1,
    labelSmoothing: 0,
    totalPairs: 1,
    totalTokens: 2,
    totalChosenTokens: 1,
    ...options,
  };
  return differentiate([chosen, rejected], (scores) => dpoLoss(scores, batch, all));
}

test('every loss type has a value from TRL', () => {
  const covered = new Set(cases.flatMap(({ losses }) => losses.map(({ type }) => type)));
  expect([...covered].sort()).toEqual(Object.keys(PAIR_TERMS).sort());
});

test('losses stay finite far from zero', () => {
  for (const type of Object.keys(PAIR_TERMS) as DpoLossType[]) {
    for (const chosen of [-800, -1e-3]) {
      const found = onePair(type, chosen, { labelSmoothing: 0.1, rejected: -400 });
      expect(Number.isFinite(found.loss), `${type} at ${chosen}`).toBe(true);
      expect(found.gradient.every(Number.isFinite), `${type} at ${chosen}`).toBe(true);
    }
  }
});

test('the sigmoid loss neither overflows nor vanishes far from zero', () => {
  // −log σ(−1000) = log(1 + e^1000) = 1000, slope −1; −log σ(1000) = e^−1000 = 0, slope 0.
  expect(onePair('sigmoid', -1000)).toMatchObject({
    loss: 1000,
    gradient: new Float32Array([-1, 1]),
  });
  expect(onePair('sigmoid', 1000).loss).toBe(0);
  expect(Math.abs(onePair('sigmoid', 1000).gradient[0]!)).toBe(0);
  // With smoothing 0.1: 0.9·0 + 0.1·1000, slope 0.1.
  const smoothed = onePair('sigmoid', 1000, { labelSmoothing: 0.1 });
  expect([smoothed.loss, ...smoothed.gradient]).toBeAllclose([100, 0.1, -0.1]);
});

test('the hinge loss stops at a margin of 1', () => {
  // max(0, 1 − 0.5·1.5) = 0.25, slope −β; beyond: 0.
  const inside = onePair('hinge', 1.5, { beta: 0.5 });
  expect([inside.loss, ...inside.gradient]).toBeAllclose([0.25, -0.5, 0.5]);
  const beyond = onePair('hinge', 2.5, { beta: 0.5 });
  expect([beyond.loss, ...beyond.gradient]).toBeAllclose([0, 0, 0]);
});

test('exponents of the alpha-divergence end at 80', () => {
  // d = (e^80 − 1) / 1 at r = 200, whatever r is beyond: −log σ(βd) = 0, and no slope.
  const divergence = { type: 'alpha_divergence', alpha: 2 };
  expect(onePair('sigmoid', 200, { divergence })).toMatchObject({ loss: 0 });
  const far = onePair('hinge', 0, { rejected: 200, beta: 1e-30, divergence });
  expect([far.loss]).toBeAllclose([1 + 1e-30 * Math.exp(80)]);
  expect(Math.abs(far.gradient[1]!)).toBe(0);
});

test('discopop mixes its halves by the step that tau is as wide as', () => {
  // x = 0.1, σ(0.1 / 0.05) = σ(2): (1 − σ(2))·ℓ(0.1) + σ(2)·e^−0.1.
  const step = 1 / (1 + Math.exp(-2));
  const expected = (1 - step) * Math.log1p(Math.exp(-0.1)) + step * Math.exp(-0.1);
  expect([onePair('discopop', 0.1).loss]).toBeAllclose([expected]);
});

test('micro-batches add up to the step', () => {
  const options = {
    ...SETTINGS,
    losses: [
      { type: 'sigmoid', weight: 0.7 },
      { type: 'sft', weight: 0.3 },
    ],
    beta: 0.3,
    labelSmoothing: 0,
    totalPairs: rows.length / 2,
    totalTokens: rows.flat().length,
    totalChosenTokens: chosenTokens(rows),
  } as const;
  const part = (chosen: readonly number[]) => {
    const members = [...chosen, ...chosen.map((row) => row + rows.length / 2)];
    const part = members.map((row) => rows[row]!);
    const batch = {
      pairs: chosen.length,
      sequences: ownersOf(part),
      referenceLogps: Float32Array.from(members, (row) => reference[row]!),
    };
    return differentiate(part.flat(), (scores) => dpoLoss(scores, batch, options));
  };
  const [first, rest, all] = [part([0]), part([1, 2, 3]), part([0, 1, 2, 3])];
  expect([first.loss + rest.loss]).toBeAllclose([all.loss]);
  for (const [name, value] of Object.entries(all.metrics)) {
    expect([first.metrics[name]! + rest.metrics[name]!], name).toBeAllclose([value]);
  }
});
