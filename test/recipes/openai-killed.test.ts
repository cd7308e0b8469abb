/** The process that makes a job is killed at a bad moment; the next one makes no second job. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readJsonl, toJsonl } from '../../src/util/files.js';
import {
  CREATE,
  JOB,
  JOB_ID,
  jobObject,
  LIST,
  list,
  messageEvent,
  stepEvent,
  success,
} from '../support/fine-tuning-exchanges.js';
import { type Exchange, type ReplayServer, replay } from '../support/replay-server.js';
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
  dir = mkdtempSync(join(tmpdir(), 'lorikeet-openai-'));
  const messages = [
    { role: 'user', content: '2+2?' },
    { role: 'assistant', content: '4' },
  ];
  const rows = toJsonl(Array.from({ length: 10 }, () => ({ messages })));
  writeFileSync(join(dir, 'train.jsonl'), rows);
});

afterEach(async () => {
  await server.close();
  rmSync(dir, { recursive: true });
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

describe('a pipeline', () => {
  it('has the job as a stage, and does not make it again', async () => {
    server = await replay([files, upload, create, ...rest]);
    writeFileSync(join(dir, 'pipeline.yaml'), PIPELINE(server.address, dir));
    const done = await call(['run', join(dir, 'pipeline.yaml')], env);
    expect(done).toMatchObject({ code: 0 });
    expect(readJsonl(join(dir, 'out', 'tune', 'events.jsonl'))).toHaveLength(3);
    const again = await call(['run', join(dir, 'pipeline.yaml')], env);
    expect(again.err.join('\n')).toContain('stage tune: done already, skipped');
    expect(server.of(CREATE)).toHaveLength(1);
  });
});

const PIPELINE = (address: string, root: string): string => `
root: ${root}/out
stages:
  - name: tune
    command: openai
    with:
      method: sft
      model: gpt-4.1-mini-2025-04-14
      training_file: ${root}/train.jsonl
      base_url: ${address}/v1
      poll_interval_s: 0.05
  - name: job
    command: job
    with: {run: "\${stages.tune.output_dir}", output: ${root}/out/job_status.json}
    targets: [train_loss < 1]
`;
