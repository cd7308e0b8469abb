import { describe, expect, it } from 'vitest';
import { type AlarmName, Alarms, alarmLine, HEALTHY_RANGES } from '../../../src/train/alarms.js';

const HEALTHY = {
  reward: 0.5,
  frac_reward_zero_std: 0.3,
  entropy: 0.4,
  kl: 0.05,
  'sampling/sampling_logp_difference/mean': 0.01,
  'sampling/importance_sampling_ratio/min': 0.8,
  'clip_ratio/region_mean': 0.01,
  'completions/clipped_ratio': 0.05,
  grad_norm: 0.3,
};

const PROVOKING: Readonly<Record<AlarmName, Readonly<Record<string, number>>>> = {
  reward_low: { reward: 0.1 },
  zero_std_high: { frac_reward_zero_std: 0.9 },
  entropy_low: { entropy: 0.01 },
  entropy_high: { entropy: 3 },
  kl_high: { kl: 0.7 },
  logp_difference_high: { 'sampling/sampling_logp_difference/mean': 0.2 },
  importance_ratio_low: { 'sampling/importance_sampling_ratio/min': 0.01 },
  clip_region_high: { 'clip_ratio/region_mean': 0.2 },
  truncation_high: { 'completions/clipped_ratio': 0.6 },
  grad_norm_low: { grad_norm: 1e-6 },
  grad_norm_high: { grad_norm: 50 },
};

/** Names of the alarms of each row. */
function namesOf(rows: readonly object[], alarms = new Alarms({ trainer: 'grpo' })): string[][] {
  return rows.map((row) => alarms.check({ ...row }).map(({ name }) => name));
}

const repeated = (row: Readonly<Record<string, number>>, times: number) =>
  Array.from({ length: times }, () => row);

describe('alarms', () => {
  it('stay silent in a healthy run', () => {
    expect(namesOf(repeated(HEALTHY, 100)).flat()).toEqual([]);
  });

  it.each(Object.keys(PROVOKING) as AlarmName[])('%s sounds once for its cause', (name) => {
    const rows = [...repeated(HEALTHY, 20), ...repeated({ ...HEALTHY, ...PROVOKING[name] }, 30)];
    expect(namesOf(rows).flat()).toEqual([name]);
  });

  it('wait for five rows on end, and sound again after the metric came back for as many', () => {
    const bad = { ...HEALTHY, kl: 0.7 };
    expect(namesOf([...repeated(bad, 4), HEALTHY, ...repeated(bad, 4)]).flat()).toEqual([]);
    const found = (back: number) =>
      namesOf([...repeated(bad, 6), ...repeated(HEALTHY, back), ...repeated(bad, 6)]);
    const sounded = (rows: string[][]) => rows.flatMap(([name], i) => (name ? [i] : []));
    expect(sounded(found(4))).toEqual([4]);
    expect(sounded(found(5))).toEqual([4, 15]);
  });

  it('let the reward rise first', () => {
    const rows = repeated({ ...HEALTHY, reward: 0 }, 30);
    expect(namesOf(rows).findIndex((names) => names.length > 0)).toBe(24);
  });

  it('take other ranges, and none', () => {
    const rows = repeated({ ...HEALTHY, kl: 0.7, entropy: 3 }, 10);
    const ranges = { kl: [null, 1], entropy: null } as const;
    expect(namesOf(rows, new Alarms({ trainer: 'grpo', ranges })).flat()).toEqual([]);
  });

  it('know the trainer: entropy is no concern of SFT', () => {
    const rows = repeated({ grad_norm: 5, entropy: 4 }, 10);
    expect(namesOf(rows, new Alarms({ trainer: 'sft' })).flat()).toEqual([]);
    expect(Object.keys(HEALTHY_RANGES.sft)).toEqual(['grad_norm']);
  });

  it('read as one line with advice', () => {
    const alarms = new Alarms({ trainer: 'grpo' });
    const rows = repeated({ ...HEALTHY, kl: 0.7 }, 5);
    const [alarm] = rows.flatMap((row) => alarms.check(row));
    expect(alarmLine(alarm!)).toMatch(/^kl_high: kl is 0.700, healthy is at most 0.5\. The policy/);
  });
});
