import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { plateauFactor } from '../../../src/train/evaluations.js';
import {
  learningRateAt,
  type Ramp,
  type SchedulerType,
  wholeWarmup,
} from '../../../src/train/schedule.js';

interface Golden {
  readonly peak: number;
  readonly total: number;
  readonly schedules: readonly {
    readonly type: SchedulerType;
    readonly warmup: number;
    readonly kwargs: Readonly<Record<string, number | string>>;
    readonly rates: readonly number[];
  }[];
  readonly plateaus: readonly {
    readonly values: readonly number[];
    readonly kwargs: {
      readonly mode: 'min' | 'max';
      readonly factor: number;
      readonly patience: number;
      readonly threshold: number;
      readonly cooldown: number;
      readonly min_lr?: number;
      readonly eps?: number;
    };
    readonly factors: readonly number[];
  }[];
}

// From scripts/golden/schedules.py.
const FILE = new URL('../../fixtures/train/schedules.json', import.meta.url);
const golden: Golden = JSON.parse(readFileSync(FILE, 'utf8'));

function shapeOf(kwargs: Readonly<Record<string, number | string>>) {
  const number = (name: string) => kwargs[name] as number;
  const shape = {
    numCycles: number('num_cycles'),
    lrEnd: number('lr_end'),
    power: number('power'),
    minLrRate: kwargs.min_lr === undefined ? number('min_lr_rate') : number('min_lr') / golden.peak,
    warmupLrRate: number('warmup_lr_rate'),
    timescale: number('timescale'),
    numDecaySteps: number('num_decay_steps'),
    warmupType: kwargs.warmup_type as Ramp,
    decayType: kwargs.decay_type as Ramp,
    minLrRatio: number('min_lr_ratio'),
  };
  return Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined));
}

it('a warm-up below 1 is a share of all steps, rounded up as transformers does', () => {
  // TrainingArguments(warmup_steps=w).get_warmup_steps(n) of transformers 5
  const cases = [0, 0.05, 0.1, 0.999, 1, 7].map((steps) => wholeWarmup(steps, 30));
  expect(cases).toEqual([0, 2, 3, 30, 1, 7]);
});

describe('rates are those of transformers', () => {
  it.each(golden.schedules)(
    '$type, warm-up $warmup, $kwargs',
    ({ type, warmup, kwargs, rates }) => {
      const schedule = {
        type,
        learningRate: golden.peak,
        warmupSteps: warmup,
        totalSteps: golden.total,
        shape: shapeOf(kwargs),
      };
      const found = rates.map((_, step) => learningRateAt(schedule, step) / golden.peak);
      const expected = rates.map((rate) => rate / golden.peak);
      expect(found).toBeAllclose(expected, { rtol: 1e-10, atol: 1e-12 });
    },
  );
});

describe('reductions on a plateau are those of torch', () => {
  it.each(golden.plateaus)('$kwargs', ({ values, kwargs, factors }) => {
    // torch's own default of eps
    const { mode, min_lr: floor = 0, eps = 1e-8, ...shape } = kwargs;
    const plateau = { ...shape, lowest: floor / golden.peak, least: eps / golden.peak };
    const history = values.map((value, step) => ({ step, value }));
    const found = factors.map((_, i) =>
      plateauFactor(history.slice(0, i + 1), { ...plateau, greaterIsBetter: mode === 'max' }),
    );
    expect(found).toBeAllclose(factors, { rtol: 1e-10, atol: 0 });
  });
});
