import { describe, expect, test } from 'vitest';
import { klBaseline, ktoLoss, ktoMetrics } from '../../../src/losses/index.js';
import { goldenLosses } from '../../support/golden-losses.js';
import { differentiate, goldenColumns, ownersOf } from './differentiate.js';

const { rows, reference, cases } = goldenLosses().kto;

describe.each(cases)('$lossType, KL $kl, $desirable', (golden) => {
  const totalDesirable = golden.desirable.filter(Boolean).length;
  const options = {
    ...golden,
    totalDesirable,
    totalUndesirable: rows.length - totalDesirable,
    totalTokens: rows.flat().length,
    totalDesirableTokens: rows.filter((_, i) => golden.desirable[i]).flat().length,
  };

  /** A micro-batch of some of the rows. */
  const part = (members: readonly number[]) => {
    const batch = {
      sequences: ownersOf(members.map((row) => rows[row]!)),
      referenceLogps: Float32Array.from(members, (row) => reference[row]!),
      desirable: members.map((row) => golden.desirable[row]!),
    };
    const tokens = members.flatMap((row) => rows[row]!);
    return differentiate(
      tokens,
      (scores) => ktoLoss(scores, batch, options),
      goldenColumns(tokens),
    );
  };
  const all = [...rows.keys()];

  test('loss, gradient and metrics are TRL’s', () => {
    const found = part(all);
    expect([found.loss]).toBeAllclose([golden.loss], { rtol: 1e-5, atol: 0 });
    expect(found.gradient).toBeAllclose(golden.gradient, { rtol: 1e-5, atol: 1e-6 });
    for (const [name, value] of Object.entries(golden.metrics)) {
      expect([found.metrics[name]!], name).toBeAllclose([value]);
    }
    const sides = Object.keys(found.metrics).filter((name) => /^(rewards|logps|logits)/.test(name));
    expect(sides.sort()).toEqual(Object.keys(golden.metrics).sort());
    const has = { good: totalDesirable > 0, bad: totalDesirable < rows.length };
    const names = ktoMetrics(has, { logits: true });
    expect(Object.keys(found.metrics).sort()).toEqual(names.sort());
  });

  test('micro-batches add up to the step', () => {
    const [first, rest, whole] = [part(all.slice(0, 3)), part(all.slice(3)), part(all)];
    expect([first.loss + rest.loss]).toBeAllclose([whole.loss]);
    for (const name of Object.keys(golden.metrics)) {
      expect([first.metrics[name]! + rest.metrics[name]!]).toBeAllclose([whole.metrics[name]!]);
    }
  });

  test('the baseline is the mean of mismatched answers, at least 0', () => {
    expect([klBaseline(golden.mismatched)]).toBeAllclose([golden.kl]);
  });
});
