/** A run in the words of a fine-tuning service: states, means of rewards, events. */
import { describe, expect, it } from 'vitest';
import { metricRows } from '../../../../src/remote/openai/event-metrics.js';
import { jobStatus, type RemoteEvent } from '../../../../src/report/index.js';
import type { MetricRow } from '../../../../src/report/rows/metric-row.js';
import type { RunRecord } from '../../../../src/report/run/run-record.js';

const RECORD: RunRecord = {
  run_id: '20260101T000000Z-1a2b3c4d',
  command: 'grpo',
  stage: 'rft',
  status: 'done',
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:10:00.000Z',
  phases: {},
  versions: {},
  machine: {},
  device: 'cpu',
  seeds: { seed: 42 },
  config_hash: '1a2b3c4d',
  config: {
    model: 'base',
    run_name: 'expert',
    seed: 42,
    dataset: { path: 'train.jsonl', name: null },
    eval: { dataset: { path: null, name: 'gsm8k' } },
    num_train_epochs: 3,
    max_steps: null,
    per_device_train_batch_size: 8,
    gradient_accumulation_steps: 16,
    num_generations: 4,
    learning_rate: 1e-5,
    beta: 0.1,
  },
  results: { steps: 20, mean_reward: 0.75 },
  resumes: [],
  files: [],
  alarms: [{ step: 19, metric: 'kl', value: 3 }],
};
const START = Date.parse(RECORD.started_at) / 1000;

/** Rewards .01, .02, … .20; a step every ten seconds. */
const METRICS: MetricRow[] = Array.from({ length: 20 }, (_, i) => ({
  step: i + 1,
  reward: (i + 1) / 100,
  loss: 0.5,
  num_tokens: 100 * (i + 1),
  wall_time: START + 10 * (i + 1) + 0.5,
  ...(i === 9 && { 'eval/reward': 0.4 }),
}));

const status = (record: Partial<RunRecord> = {}, { limit = 10, isAlive = false } = {}) =>
  jobStatus(
    { dir: 'out/rft', record: { ...RECORD, ...record }, metrics: METRICS },
    { limit, isAlive },
  );

/** All that a service has a name for. */
const NAMED = {
  ...{ reward: 0.1, 'eval/reward': 0.2, loss: 0.3, 'eval/loss': 0.4 },
  ...{ mean_token_accuracy: 0.5, 'eval/mean_token_accuracy': 0.6 },
};

it('what an event says of a step is read back by the same names', () => {
  const run = { dir: 'out', record: RECORD, metrics: [{ step: 1, ...NAMED }] };
  const [, event] = jobStatus(run, { limit: 2, isAlive: false }).events;
  const received = { ...event, id: 'e', data: { step: 1, ...event?.data } } as RemoteEvent;
  expect(metricRows([received])).toMatchObject([{ step: 1, ...NAMED }]);
});

describe('jobStatus', () => {
  it('names the job, its files, its hyperparameters and its model', () => {
    expect(status()).toMatchObject({
      object: 'fine_tuning.job',
      id: RECORD.run_id,
      status: 'succeeded',
      method: 'grpo',
      model: 'base',
      fine_tuned_model: 'out/rft/model',
      suffix: 'expert',
      created_at: START,
      finished_at: START + 600,
      training_file: 'train.jsonl',
      validation_file: 'gsm8k',
      hyperparameters: { n_epochs: 3, batch_size: 32, learning_rate: 1e-5, kl_coef: 0.1 },
      trained_steps: 20,
      trained_tokens: 2000,
    });
  });

  it('counts a batch in rows, whatever trains on them', () => {
    const of = (config: object) => status({ config }).hyperparameters.batch_size;
    const sizes = { per_device_train_batch_size: 8, gradient_accumulation_steps: 16 };
    expect([of(sizes), of({ ...sizes, num_generations: 8 }), of({ batch_size: 4 })]).toEqual([
      128, 16, 4,
    ]);
    expect(of({})).toBeNull();
  });

  it('takes the means of the first and last tenth of the steps', () => {
    const { metrics } = status();
    expect(metrics.train_reward_mean).toBeCloseTo((0.19 + 0.2) / 2, 12);
    expect(metrics.train_reward_mean_first).toBeCloseTo((0.01 + 0.02) / 2, 12);
    expect(metrics.train_reward_rise).toBeCloseTo(0.18, 12);
    expect(metrics).toMatchObject({ valid_reward_mean: 0.75, train_loss: 0.5, valid_loss: null });
    expect(status({ results: {} }).metrics.valid_reward_mean).toBe(0.4);
  });

  it('lists the last events, newest first, with alarms as warnings', () => {
    const { events } = status({}, { limit: 4 });
    expect(events.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'Job succeeded'],
      ['info', 'Step 20: train_reward_mean=0.2, train_loss=0.5'],
      ['warn', 'step 19, metric kl, value 3'],
      ['info', 'Step 19: train_reward_mean=0.19, train_loss=0.5'],
    ]);
    expect(events[1]).toMatchObject({
      created_at: START + 200,
      type: 'metrics',
      data: { train_reward_mean: 0.2, train_loss: 0.5 },
    });
    expect(status({}, { limit: 0 }).events).toEqual([]);
    expect(status({}, { limit: 1000 }).events.at(-1)?.message).toBe('Job started');
  });

  it.each([
    ['running', true, 'running', null],
    ['running', false, 'failed', null],
    ['failed', false, 'failed', null],
    ['interrupted', false, 'paused', null],
    ['done', false, 'succeeded', 'out/rft/model'],
  ] as const)('a %s run (alive: %s) is %s', (run, isAlive, state, model) => {
    const job = status({ status: run }, { isAlive });
    expect([job.status, job.fine_tuned_model]).toEqual([state, model]);
  });

  it('says why a run failed, in the job and in its last event', () => {
    const failed = status({ status: 'failed', error: 'step 3: the loss is NaN' });
    expect(failed.error).toEqual({ message: 'step 3: the loss is NaN' });
    expect(failed.events[0]?.message).toBe('Job failed: step 3: the loss is NaN');
    expect(status({ status: 'running' }).error?.message).toMatch(/ended without writing a reason/);
    expect(status({ status: 'running' }, { isAlive: true }).error).toBeNull();
    expect(status().error).toBeNull();
  });
});
