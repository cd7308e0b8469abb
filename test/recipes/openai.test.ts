/** Jobs at OpenAI by the command line: killed at a bad moment and gone on with, and as a stage of a pipeline. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { readJson, readJsonl, toJsonl } from '../../src/util/files.js';
import {
  CREATE,
  JOB,
  JOB_ID,
  jobObject,
  LIST,
  list,
  messageEvent,
  rewardEvent,
  stepEvent,
  success,
} from '../support/fine-tuning-exchanges.js';
import { type Exchange, type ReplayServer, replay } from '../support/replay-server.js';
import { temporaryFolder } from '../support/temporary.js';
import { call, interrupt, start } from './command-line.js';

const KEY = 'sk-loopback-0123456789abcdef';
const EVENT_LIST = [messageEvent(1, 'Created'), stepEvent(2, 1, 0.9), stepEvent(3, 2, 0.5)];
const [files, upload, , create, ...rest] = success(EVENT_LIST) as [
  ...[Exchange, Exchange, Exchange, Exchange],
  ...Exchange[],
];

let dir: string;
let server: ReplayServer;

beforeEach(() => {
  dir = temporaryFolder();
  const messages = [
    { role: 'user', content: '2+2?' },
    { role: 'assistant', content: '4' },
  ];
  const rows = toJsonl(Array.from({ length: 10 }, () => ({ messages })));
  writeFileSync(join(dir, 'train.jsonl'), rows);
});

const words = (...more: string[]) => [
  ...['openai', 'sft', 'model=gpt-4.1-mini-2025-04-14', `base_url=${server.address}/v1`],
  ...[`training_file=${join(dir, 'train.jsonl')}`, `output_dir=${join(dir, 'run')}`],
  ...['poll_interval_s=0.05', ...more],
];
const env = { OPENAI_API_KEY: KEY };
const killed = (request: string) =>
  interrupt(start(words(), env), 'SIGKILL', () => server.of(request).length > 0);

describe('SIGKILL', () => {
  it('after the job was asked for, before its answer: the next process finds it', async () => {
    server = await replay([
      ...[files, upload, { request: CREATE, fault: 'hold' } as const],
      ...[{ request: LIST, body: list([jobObject('running')]) }, ...rest],
    ]);
    expect((await killed(CREATE)).code).toBe(null);
    const done = await call(words('resume=auto'), env);
    expect(done).toMatchObject({ code: 0 });
    expect(done.err.join('\n')).toContain(`job ${JOB_ID}: found, made earlier`);
    expect(server.of(CREATE)).toHaveLength(1);
    expect(server.of('POST /v1/files')).toHaveLength(1);
  });

  it('between upload and job: the next process makes the one job', async () => {
    server = await replay([
      { request: 'GET /v1/files', body: list([]) },
      { request: 'POST /v1/files', fault: 'hold' },
      ...[upload, create, ...rest],
    ]);
    await killed('POST /v1/files');
    const done = await call(words('resume=auto'), env);
    expect(done).toMatchObject({ code: 0 });
    expect(server.of(CREATE)).toHaveLength(1);
  });

  it('while the job is watched: the next process goes on, and each event is there once', async () => {
    server = await replay([
      ...[files, upload, create, { request: JOB, body: jobObject('running') }],
      { request: JOB, body: jobObject('running') },
      ...rest,
    ]);
    await interrupt(start(words(), env), 'SIGKILL', () => server.of(`${JOB}/events`).length > 0);
    const done = await call(words('resume=auto'), env);
    expect(done).toMatchObject({ code: 0 });
    expect(server.of(CREATE)).toHaveLength(1);
    const ids = readJsonl(join(dir, 'run', 'events.jsonl')).map(({ id }) => id);
    expect(ids).toEqual(['ftevent-1', 'ftevent-2', 'ftevent-3']);
    expect(readFileSync(join(dir, 'run', 'remote.json'), 'utf8')).not.toContain(KEY);
  });
});

/** An answer of the Responses API. */
const response = (model: string, text: string): Exchange => ({
  request: 'POST /v1/responses',
  body: {
    id: 'resp_1',
    object: 'response',
    status: 'completed',
    model,
    output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }],
    usage: { input_tokens: 5, output_tokens: 3, output_tokens_details: { reasoning_tokens: 1 } },
  },
});

describe('a pipeline', () => {
  it('tunes, asks the tuned model by the folder of the job, and makes no job twice', async () => {
    const tuned = response('ft:gpt-4.1-mini:acme:demo:7p4lURel', 'illness 1');
    const rewards = [rewardEvent(1, 1, 0.25), rewardEvent(2, 2, 0.5)];
    server = await replay([...success(rewards), tuned]);
    const rows = Array.from({ length: 14 }, (_, i) => ({
      'Open-ended Verifiable Question': `A ${20 + i}-year-old has sign ${i}. What is it?`,
      'Ground-True Answer': 'Illness 1',
    }));
    writeFileSync(join(dir, 'rows.jsonl'), toJsonl(rows));
    const url = `${server.address}/v1`;
    const argv = [
      ...['run', 'configs/medical/openai.yaml', 'stage=tuned_predictions', `root=${dir}/out`],
      ...[`vars.source=${dir}/rows.jsonl`, 'stages.data.train_samples=10'],
      ...['stages.data.test_samples=4', `stages.rft.base_url=${url}`],
      ...['stages.rft.poll_interval_s=0.05', 'vars.n_runs=1'],
      `stages.tuned_predictions.server.base_url=${url}`,
    ];
    const done = await call(argv, env);
    expect(done).toMatchObject({ code: 0 });
    expect(server.of(CREATE)[0]?.body).toMatchObject({
      suffix: 'medical-rft-demo',
      method: {
        reinforcement: { hyperparameters: { n_epochs: 3, learning_rate_multiplier: 0.1 } },
      },
    });
    const name = 'val_simple_tuned_medium_medical_exact_predictions_run_1_metrics.json';
    const metrics = readJson(join(dir, 'out', 'data', 'rft', 'predictions', name));
    expect(metrics).toMatchObject({ total_samples: 4, accuracy: 1 });
    const again = await call(argv, env);
    expect(again.err.join('\n')).toContain('stage rft: done already, skipped');
    expect(server.of(CREATE)).toHaveLength(1);
  });
});
