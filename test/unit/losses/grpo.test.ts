import { describe, expect, test } from 'vitest';
import type { GrpoBatch } from '../../../src/losses/grpo.js';
import { type GrpoOptions, grpoLoss, tokenCoefficient } from '../../../src/losses/index.js';
import { goldenLosses } from '../../support/golden-losses.js';
import { differentiate, ownersOf } from './differentiate.js';

const golden = goldenLosses().grpo;
type Case = (typeof golden.cases)[number];

const tokensOf = (rows: readonly number[], of: readonly (readonly number[])[]) =>
  rows.flatMap((row) => of[row]!);

/** Loss, gradient and metrics of one micro-batch. */
function microBatch(kind: Case, members: readonly number[]) {
  const isLearnt = (row: number) => !kind.masked.includes(row);
  const rows = members.filter(isLearnt);
  const lengths = golden.logps.map((row) => row.length);
  const count = (some: readonly number[]) => some.reduce((sum, i) => sum + lengths[i]!, 0);
  const totals = {
    sequences: lengths.length,
    tokens: count([...lengths.keys()].filter(isLearnt)),
    microTokens: count(rows),
    microBatches: kind.groups.length,
    maxCompletionLength: golden.maxCompletionLength,
  };
  const perToken = (value: (row: number) => number) =>
    Float32Array.from(rows.flatMap((row) => golden.logps[row]!.map(() => value(row))));
  const floats = (of: readonly (readonly number[])[]) => Float32Array.from(tokensOf(rows, of));
  const [mode, cap, floor = null] = kind.correction ?? [];
  const batch = {
    sequences: ownersOf(rows.map((row) => golden.logps[row]!)),
    count: rows.length,
    advantages: perToken((row) => golden.advantages[row]!),
    coefficients: perToken((row) => tokenCoefficient(kind.lossType, lengths[row]!, totals)),
    oldLogps: kind.useOld ? floats(golden.old) : null,
    referenceLogps: kind.beta > 0 ? floats(golden.reference) : null,
    sampledLogps: floats(golden.sampled),
    sampledBy:
      mode === undefined || cap === undefined
        ? null
        : { logps: floats(golden.sampled), mode, cap, floor },
  };
  const options: GrpoOptions = {
    ...kind,
    objective: kind.lossType === 'cispo' || kind.lossType === 'sapo' ? kind.lossType : 'clip',
    importanceSamplingLevel: kind.level,
    totalTokens: totals.tokens,
    totalSequences: totals.sequences,
  };
  return differentiate(tokensOf(rows, golden.logps), (scores) => grpoLoss(scores, batch, options), {
    entropies: tokensOf(rows, golden.entropies),
  });
}

describe.each(golden.cases)(
  '$lossType $level, beta $beta $klEstimator, delta $delta, entropy $entropyCoef, old $useOld, correction $correction, masked $masked, groups $groups',
  (kind) => {
    const groups = kind.groups.filter((rows) => rows.some((row) => !kind.masked.includes(row)));
    const parts = groups.map((rows) => microBatch(kind, rows));

    test('loss and gradient are TRL’s', () => {
      expect([parts.reduce((sum, { loss }) => sum + loss, 0)]).toBeAllclose([kind.loss], {
        atol: 1e-5,
      });
      for (const [i, { gradient }] of parts.entries()) {
        expect(gradient).toBeAllclose(kind.gradients[i]!, { rtol: 1e-5, atol: 1e-6 });
      }
      const slopes = parts.flatMap(({ entropyGradient }) => [...entropyGradient]);
      expect([slopes.reduce((sum, slope) => sum + slope, 0)]).toBeAllclose([kind.entropySlope]);
    });

    test('metrics are TRL’s', () => {
      for (const [name, value] of Object.entries(kind.metrics ?? {})) {
        expect([parts[0]!.metrics[name]!], name).toBeAllclose([value]);
      }
      const total = (name: string) => parts.reduce((sum, { metrics }) => sum + metrics[name]!, 0);
      expect([total('mean_token_accuracy')]).toBeAllclose([1]);
    });
  },
);

/** One token with coefficient 1. */
function oneToken(
  logp: number,
  {
    old = logp,
    advantage = 1,
    beta = 0,
    reference = 0,
    sampledBy = null as GrpoBatch['sampledBy'],
  },
) {
  const batch = {
    sequences: Int32Array.of(0),
    count: 1,
    advantages: Float32Array.of(advantage),
    coefficients: Float32Array.of(1),
    oldLogps: Float32Array.of(old),
    referenceLogps: beta > 0 ? Float32Array.of(reference) : null,
    sampledBy,
  };
  const options = {
    objective: 'clip',
    importanceSamplingLevel: 'token',
    epsilon: 0.2,
    epsilonHigh: 0.28,
    delta: null,
    beta,
    klEstimator: 'k3',
    klWeighed: false,
    entropyCoef: 0,
    sapo: { positive: 1, negative: 1.05 },
    totalTokens: 1,
    totalSequences: 1,
  } as const;
  return differentiate([logp], (scores) => grpoLoss(scores, batch, options));
}

test('the ratio is clipped on the side that would gain, and only there', () => {
  const [up, down] = [Math.log(1.5), Math.log(0.5)];
  const cases = [
    // Above 1.28 with A = 1: −1.28, no slope. With A = −1: −min(−1.5, −1.28) = 1.5, slope ρ = 1.5.
    { logp: up, advantage: 1, loss: -1.28, slope: 0 },
    { logp: up, advantage: -1, loss: 1.5, slope: 1.5 },
    // Below 0.8 with A = −1: 0.8, no slope. With A = 1: −0.5, slope −ρ.
    { logp: down, advantage: -1, loss: 0.8, slope: 0 },
    { logp: down, advantage: 1, loss: -0.5, slope: -0.5 },
  ];
  for (const { logp, advantage, loss, slope } of cases) {
    const found = oneToken(logp, { old: 0, advantage });
    expect([found.loss, found.gradient[0]!]).toBeAllclose([loss, slope]);
  }
});

test('a huge ratio against the gain stays finite', () => {
  // ρ = e^20 with A = −1: loss e^20 = 485165195.4; clipped to 1.28 with A = 1.
  expect([oneToken(0, { old: -20, advantage: -1 }).loss]).toBeAllclose([485165195.4]);
  expect([oneToken(0, { old: -20, advantage: 1 }).loss]).toBeAllclose([-1.28]);
});

test.each(['token_mask', 'sequence_mask', 'token_truncate'] as const)(
  'a weight beyond float32 is no number of its own: %s',
  (mode) => {
    // π/π_sampler = e^100; masked it is 0, cut it is the cap of 3.
    const sampledBy = { mode, cap: 3, floor: null, logps: Float32Array.of(-101) };
    const weight = mode === 'token_truncate' ? 3 : 0;
    const { loss, gradient } = oneToken(-1, { advantage: 2, sampledBy });
    expect([loss, gradient[0]!]).toBeAllclose([-2 * weight, -2 * weight]);
  },
);

test('the KL estimate is e^(r−p) − (r−p) − 1', () => {
  // p = −2, r = −1: e − 1 − 1 = 0.718282, its slope to p is 1 − e^(r−p) = −1.718282; A = 0, β = 0.5.
  const found = oneToken(-2, { advantage: 0, beta: 0.5, reference: -1 });
  expect([found.loss, found.gradient[0]!]).toBeAllclose([0.359141, -0.859141]);
  expect([found.metrics.kl!]).toBeAllclose([0.718282]);
});
