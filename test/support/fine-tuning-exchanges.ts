/** Exchanges of OpenAI's fine-tuning API in the shapes of its API reference and guides. */
import type { Exchange, Json } from './replay-server.js';

export const JOB_ID = 'ftjob-abc123';
const JOBS = '/v1/fine_tuning/jobs';
export const JOB = `GET ${JOBS}/${JOB_ID}`;
export const EVENTS = `${JOB}/events`;
export const CREATE = `POST ${JOBS}`;
export const LIST = `GET ${JOBS}`;

export const list = (data: readonly Json[], has_more = false): Json => ({
  object: 'list',
  data,
  has_more,
});

export const jobObject = (status: string, more: Json = {}): Json => ({
  object: 'fine_tuning.job',
  id: JOB_ID,
  model: 'gpt-4.1-mini-2025-04-14',
  created_at: 1_760_000_000,
  finished_at: status === 'succeeded' ? 1_760_000_900 : null,
  fine_tuned_model: status === 'succeeded' ? 'ft:gpt-4.1-mini:acme:demo:7p4lURel' : null,
  organization_id: 'org-123',
  result_files: [],
  status,
  validation_file: null,
  training_file: 'file-train',
  seed: 42,
  trained_tokens: status === 'succeeded' ? 5768 : null,
  error: { code: null, message: null, param: null },
  metadata: { lorikeet_run: '$marker' },
  method: {
    type: 'supervised',
    supervised: { hyperparameters: { n_epochs: 3, batch_size: 1, learning_rate_multiplier: 2 } },
  },
  ...more,
});

export const messageEvent = (number: number, message: string): Json => ({
  object: 'fine_tuning.job.event',
  id: `ftevent-${number}`,
  created_at: 1_760_000_000 + number,
  level: 'info',
  message,
  data: {},
  type: 'message',
});

/** As supervised and DPO jobs send them. */
export const stepEvent = (number: number, step: number, loss: number): Json => ({
  ...messageEvent(number, `Step ${step}/3: training loss=${loss}`),
  data: { step, train_loss: loss, total_steps: 3, train_mean_token_accuracy: 0.5 + step / 10 },
  type: 'metrics',
});

/** As reinforcement jobs send them: the rewards stand in `scores` and, under older names, at the top. */
export const rewardEvent = (number: number, step: number, reward: number): Json => ({
  ...messageEvent(number, `Step ${step}/3, train mean reward=${reward}`),
  data: {
    step,
    usage: { samples: { train_reasoning_tokens_mean: 3330 } },
    errors: { graders: [] },
    scores: {
      graders: [{ name: 'g', type: 'python', train_reward_mean: reward }],
      train_reward_mean: reward,
      valid_reward_mean: reward + 0.1,
    },
    total_steps: 3,
    train_mean_reward: reward,
    full_valid_mean_reward: reward + 0.1,
    reasoning_tokens_mean: 3330,
  },
  type: 'metrics',
});

const file = (id: string): Json => ({
  id,
  object: 'file',
  bytes: '$bytes',
  created_at: 1_760_000_000,
  filename: '$filename',
  purpose: 'fine-tune',
  status: 'processed',
});

const checkpoint = {
  object: 'fine_tuning.job.checkpoint',
  id: 'ftckpt_1',
  created_at: 1_760_000_800,
  fine_tuned_model_checkpoint: 'ft:gpt-4.1-mini:acme:demo:96olL566:ckpt-step-2',
  metrics: { full_valid_loss: 0.134, full_valid_mean_token_accuracy: 0.874 },
  fine_tuning_job_id: JOB_ID,
  step_number: 2,
};

/** Files are sent, a job is made, it runs, and it succeeds after two looks. */
export const success = (events: readonly Json[], more: Json = {}): Exchange[] => [
  { request: 'GET /v1/files', body: list([]) },
  { request: 'POST /v1/files', body: file('file-train') },
  { request: 'POST /v1/files', body: file('file-valid') },
  { request: CREATE, body: jobObject('validating_files', more) },
  { request: JOB, body: jobObject('running', more) },
  { request: JOB, body: jobObject('succeeded', more) },
  { request: EVENTS, body: list(newestFirst(events.slice(0, 2))) },
  { request: EVENTS, body: list(newestFirst(events)) },
  { request: `${JOB}/checkpoints`, body: list([checkpoint]) },
];

export const newestFirst = (events: readonly Json[]): Json[] => events.toReversed();
