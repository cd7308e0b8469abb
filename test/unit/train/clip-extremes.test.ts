/** Clip ratios of single completions beside TRL's, on the completions of the golden losses. */
import { describe, expect, test } from 'vitest';
import { clipExtremes } from '../../../src/train/clip-extremes.js';
import { type GradedCompletion, rolloutOf } from '../../../src/train/rollouts.js';
import { goldenLosses } from '../../support/golden-losses.js';

const { cases, logps, old, advantages } = goldenLosses().grpo;
const whole = cases.filter(({ extremes }) => Object.keys(extremes ?? {}).length > 0);

/** One that the trainer now scores as `live`, and did as `before`. */
function scored(live: readonly number[], before: readonly number[] | null, advantage: number) {
  const completion: GradedCompletion = {
    promptIds: [1],
    ids: live.map(() => 2),
    advantage,
    logprobs: new Float32Array(live.length),
  };
  const rollout = rolloutOf(completion);
  rollout.old = before && Float32Array.from(before);
  return { rollout, live: Float32Array.from(live) };
}

describe.each(whole)('$lossType $level $epsilon $epsilonHigh, old $useOld', (golden) => {
  test('the extremes are TRL’s', () => {
    const rows = logps.map((live, i) =>
      scored(live, golden.useOld ? old[i]! : null, advantages[i]!),
    );
    const found = clipExtremes(rows, { ...golden, importanceSamplingLevel: golden.level });
    expect(Object.keys(found).sort()).toEqual(Object.keys(golden.extremes!).sort());
    for (const [name, value] of Object.entries(golden.extremes!)) {
      expect([found[name]!], name).toBeAllclose([value]);
    }
  });
});

test('the smallest is above 0 where every completion is clipped below', () => {
  const settings = { importanceSamplingLevel: 'token', epsilon: 0.2, epsilonHigh: 0.2 } as const;
  // Ratios e^−1 and 1, then e^−1 and e^−1: half, and all of the tokens are below 0.8.
  const rows = [scored([-2, -1], [-1, -1], -1), scored([-2, -2], [-1, -1], -0.5)];
  expect(clipExtremes(rows, settings)).toEqual({
    'clip_ratio/low_min': 0.5,
    'clip_ratio/high_max': 0,
  });
  expect(clipExtremes([scored([], [], 1)], settings)).toEqual({});
});
