/** Clip ratios of single completions: the smallest of those below and the largest of those above, as TRL's. */
import type { GrpoOptions } from '../losses/index.js';
import { largest, mean, smallest } from '../util/numbers.js';
import type { Scored } from './rollouts.js';

export type ClipSettings = Pick<GrpoOptions, 'importanceSamplingLevel' | 'epsilon' | 'epsilonHigh'>;

/** Whether the ratio of each token is clipped in the direction of the gain; one number where it is one ratio. */
function clipped({ rollout, live }: Scored, settings: ClipSettings): boolean[] {
  const { completion, old } = rollout;
  if (old === null || completion.advantage === 0) return [false];
  const gaps = Array.from(live, (logp, t) => logp - old[t]!);
  const logs = settings.importanceSamplingLevel === 'token' ? gaps : [mean(gaps)!];
  const bound = completion.advantage > 0 ? 1 + settings.epsilonHigh : 1 - settings.epsilon;
  return logs.map((log) =>
    completion.advantage > 0 ? Math.exp(log) > bound : Math.exp(log) < bound,
  );
}

/** Empty without completions that have tokens. */
export function clipExtremes(
  scored: readonly Scored[],
  settings: ClipSettings,
): Record<string, number> {
  const shares = scored
    .filter(({ live }) => live.length > 0)
    .map((one) => {
      const all = clipped(one, settings);
      const share = all.filter(Boolean).length / all.length;
      const isGain = one.rollout.completion.advantage > 0;
      return { low: isGain ? 0 : share, high: isGain ? share : 0 };
    });
  if (shares.length === 0) return {};
  return {
    'clip_ratio/low_min': smallest(shares.map(({ low }) => low)),
    'clip_ratio/high_max': largest(shares.map(({ high }) => high)),
  };
}
