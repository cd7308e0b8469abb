/** Jobs of OpenAI's fine-tuning against its published protocol on loopback. */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readJson, readJsonl, toJsonl } from '../../../src/util/files.js';
import type { Outcome } from '../../support/call.js';
import {
  CREATE,
  EVENTS,
  JOB,
  JOB_ID,
  jobObject,
  LIST,
  list,
  messageEvent,
  newestFirst,
  rewardEvent,
  stepEvent,
  success,
} from '../../support/fine-tuning-exchanges.js';
import { type Exchange, type ReplayServer, replay } from '../../support/replay-server.js';
import { remoteRuns } from './remote-runs.js';

const KEY = 'sk-loopback-0123456789abcdef';
const EVENT_LIST = [
  messageEvent(1, 'Created fine-tuning job'),
  stepEvent(2, 1, 0.9),
  stepEvent(3, 2, 0.5),
  messageEvent(4, 'The job has successfully completed'),
];
const MESSAGES = [
  { role: 'user', content: '2+2?' },
  { role: 'assistant', content: '4' },
];

const { at, inRun, run } = remoteRuns('OPENAI_API_KEY', KEY);
let server: ReplayServer;

beforeEach(() => {
  write('train.jsonl', toJsonl(Array.from({ length: 10 }, () => ({ messages: MESSAGES }))));
  write(
    'rft.jsonl',
    toJsonl(
      Array.from({ length: 10 }, (_, i) => ({
        messages: [MESSAGES[0]],
        reference_answer: String(i),
      })),
    ),
  );
  write('val.jsonl', toJsonl([{ messages: [MESSAGES[0]], reference_answer: '4' }]));
  write('pairs.jsonl', toJsonl(Array.from({ length: 10 }, () => PAIR)));
  write('grader.json', JSON.stringify(GRADER));
});

const PAIR = { prompt: '2+2?', chosen: '4', rejected: '5' };
const GRADER = {
  type: 'string_check',
  name: 'exact',
  input: '{{sample.output_text}}',
  reference: '{{item.reference_answer}}',
  operation: 'eq',
};

const write = (name: string, text: string) => writeFileSync(at(name), text);

const start = async (exchanges: readonly Exchange[]): Promise<void> => {
  server = await replay(exchanges);
};

const job = (words: readonly string[], signal?: AbortSignal): Promise<Outcome> =>
  run(
    [
      ...['openai', `base_url=${server.address}/v1`, `output_dir=${at('run')}`],
      ...['model=gpt-4.1-mini-2025-04-14', 'poll_interval_s=0.01', 'patience_s=5'],
      ...words,
    ],
    signal,
  );
const sft = (...words: string[]) => job(['sft', `training_file=${at('train.jsonl')}`, ...words]);

describe('openai', () => {
  it('sends the rows, makes an SFT job, and keeps its events once, its metrics and its model', async () => {
    await start(success(EVENT_LIST));
    const done = await sft('n_epochs=3', 'batch_size=auto', 'suffix=demo', 'seed=42');
    expect(done).toMatchObject({ code: 0 });
    expect(JSON.parse(done.out)).toMatchObject({
      job_id: JOB_ID,
      status: 'succeeded',
      fine_tuned_model: 'ft:gpt-4.1-mini:acme:demo:7p4lURel',
      trained_tokens: 5768,
      steps: 2,
      checkpoints: 1,
      metrics: { train_loss: 0.5 },
    });
    const [upload] = server.of('POST /v1/files');
    expect(upload?.form).toMatchObject({ purpose: 'fine-tune' });
    expect(upload?.form?.file).toBe(readFileSync(at('train.jsonl'), 'utf8'));
    expect(upload?.headers.authorization).toBe(`Bearer ${KEY}`);
    const [create] = server.of(CREATE);
    const { marker } = readJson(inRun('remote.json')) as { marker: string };
    expect(create?.body).toEqual({
      model: 'gpt-4.1-mini-2025-04-14',
      training_file: 'file-train',
      method: {
        type: 'supervised',
        supervised: { hyperparameters: { n_epochs: 3, batch_size: 'auto' } },
      },
      suffix: 'demo',
      seed: 42,
      metadata: { lorikeet_run: marker },
    });
    expect(readJsonl(inRun('events.jsonl')).map(({ id }) => id)).toEqual(
      EVENT_LIST.map(({ id }) => id),
    );
    expect(readJsonl(inRun('metrics.jsonl')).map(({ loss }) => loss)).toEqual([0.9, 0.5]);
    expect(readJson(inRun('run.json'))).toMatchObject({ status: 'done', command: 'openai' });
    expect(readFileSync(inRun('report.html'), 'utf8')).toContain('svg');
  });

  it('is told by lorikeet job in the words of a local run', async () => {
    await start(success(EVENT_LIST));
    await sft();
    const { out } = await run(['job', at('run'), 'limit=2', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      id: JOB_ID,
      status: 'succeeded',
      method: 'sft',
      fine_tuned_model: 'ft:gpt-4.1-mini:acme:demo:7p4lURel',
      training_file: 'file-train',
      hyperparameters: { n_epochs: 3, batch_size: 1, learning_rate_multiplier: 2 },
      trained_steps: 2,
      trained_tokens: 5768,
      events: [{ id: 'ftevent-4' }, { id: 'ftevent-3' }],
    });
  });

  it('is asked by lorikeet job where and as often as by the run that watched it last', async () => {
    await start(success(EVENT_LIST));
    await sft('timeout_s=5', 'max_attempts=3');
    expect(readJson(inRun('remote.json'))).toMatchObject({ timeout_s: 5, max_attempts: 3 });
    await start([{ request: JOB, fault: 'close' }]);
    await sft('max_attempts=1', 'patience_s=0.01', 'resume=auto');
    const before = server.of(JOB).length;
    expect(await run(['job', at('run'), 'refresh=true'])).toMatchObject({ code: 1 });
    expect(server.of(JOB)).toHaveLength(before + 1);
  });

  it('makes a DPO job from chosen and rejected', async () => {
    await start(success(EVENT_LIST));
    const done = await job(['dpo', `training_file=${at('pairs.jsonl')}`, 'beta=0.1']);
    expect(done.code).toBe(0);
    expect(done.err).toContain("10 brought to the service's form");
    expect(server.of(CREATE)[0]?.body?.method).toEqual({
      type: 'dpo',
      dpo: { hyperparameters: { beta: 0.1 } },
    });
    const [row] = server.of('POST /v1/files')[0]!.form!.file!.split('\n');
    expect(JSON.parse(row as string)).toMatchObject({ input: { messages: [MESSAGES[0]] } });
  });

  it('makes an RFT job with its grader, validation file, answer format and all hyperparameters', async () => {
    await start(success([rewardEvent(1, 1, 0.25), rewardEvent(2, 2, 0.5)]));
    const format = { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'object' } } };
    const done = await job([
      ...['rft', `training_file=${at('rft.jsonl')}`, `validation_file=${at('val.jsonl')}`],
      ...[`grader_file=${at('grader.json')}`, `response_format=${JSON.stringify(format)}`],
      ...['reasoning_effort=high', 'batch_size=32', 'learning_rate_multiplier=1.0', 'n_epochs=3'],
      ...['init_value=0.0', 'kl_coef=0.1', 'model_suffix=expert', 'eval_interval=5'],
    ]);
    expect(done).toMatchObject({ code: 0 });
    expect(server.of(CREATE)[0]?.body).toMatchObject({
      training_file: 'file-train',
      validation_file: 'file-valid',
      suffix: 'expert',
      method: {
        type: 'reinforcement',
        reinforcement: {
          grader: GRADER,
          response_format: format,
          hyperparameters: {
            reasoning_effort: 'high',
            batch_size: 32,
            learning_rate_multiplier: 1,
            n_epochs: 3,
            init_value: 0,
            kl_coef: 0.1,
            eval_interval: 5,
          },
        },
      },
    });
    expect(JSON.parse(done.out).metrics).toMatchObject({
      train_reward_mean: 0.5,
      train_reward_rise: 0.25,
      valid_reward_mean: 0.6,
    });
  });

  it('takes the copy of a file that the service has', async () => {
    await start(success(EVENT_LIST));
    await sft();
    const { filename, bytes } = (readJson(inRun('remote.json')) as { training_file: never })
      .training_file;
    const kept = { id: 'file-old', object: 'file', filename, bytes, status: 'processed' };
    await start([
      { request: 'GET /v1/files', body: list([kept]) },
      ...success(EVENT_LIST).slice(3),
    ]);
    expect(await sft('overwrite=true')).toMatchObject({ code: 0 });
    expect(server.of('POST /v1/files')).toEqual([]);
    expect(server.of(CREATE)[0]?.body).toMatchObject({ training_file: 'file-old' });
  });

  it('reads all pages of events', async () => {
    const [first, second, third, fourth] = EVENT_LIST;
    const paged = success([]).filter(({ request }) => request !== EVENTS);
    await start([
      ...paged,
      { request: EVENTS, body: list([fourth!, third!], true) },
      { request: `${EVENTS}?after=ftevent-3`, body: list([second!, first!]) },
    ]);
    expect(await sft()).toMatchObject({ code: 0 });
    const ids = readJsonl(inRun('events.jsonl')).map(({ id }) => id);
    expect(ids).toEqual(['ftevent-1', 'ftevent-2', 'ftevent-3', 'ftevent-4']);
  });
});

describe('a service in trouble', () => {
  it('may break the connection while the job is watched', async () => {
    const close = { request: JOB, fault: 'close' } as const;
    const [running, ...rest] = success(EVENT_LIST).slice(4);
    await start([...success(EVENT_LIST).slice(0, 4), running!, close, close, close, ...rest]);
    const done = await sft('max_attempts=1');
    expect(done.code).toBe(0);
    expect(done.err).toMatch(/out of reach .*the job goes on/);
    expect(done.err).toContain('in reach again');
    expect(readJsonl(inRun('events.jsonl'))).toHaveLength(4);
  });

  it('that stays away ends the watching, which another call takes up', async () => {
    const away = success(EVENT_LIST).slice(0, 4);
    await start([...away, { request: JOB, fault: 'close' }]);
    const lost = await sft('patience_s=0.05', 'max_attempts=1');
    expect(lost.code).toBe(1);
    expect(lost.err).toMatch(new RegExp(`lost sight of job ${JOB_ID}.*resume=auto`));
    await start(success(EVENT_LIST).slice(4));
    expect(await sft('resume=auto')).toMatchObject({ code: 0 });
    expect(server.of(CREATE)).toEqual([]);
    expect(readJsonl(inRun('events.jsonl'))).toHaveLength(4);
  });

  it('that loses the answer to a job is asked whether it has it, not for a second one', async () => {
    const [files, upload] = success([]);
    await start([
      ...[files!, upload!, { request: CREATE, fault: 'close' } as const],
      {
        request: LIST,
        body: list([jobObject('queued', { id: 'other', metadata: {} }), jobObject('queued')]),
      },
      ...success(EVENT_LIST).slice(4),
    ]);
    const done = await sft();
    expect(done.code).toBe(0);
    expect(done.err).toContain(`job ${JOB_ID}: found, made earlier`);
    expect(server.of(CREATE)).toHaveLength(1);
    expect(server.of(LIST)[0]?.query.get('metadata[lorikeet_run]')).toBe(
      server.of(CREATE)[0]?.body?.metadata &&
        (server.of(CREATE)[0]!.body!.metadata as { lorikeet_run: string }).lorikeet_run,
    );
  });

  it('that answers 429 and 503 is asked again', async () => {
    const [files, upload, , create, ...rest] = success(EVENT_LIST);
    await start([
      ...[files!, upload!],
      { request: CREATE, status: 429, headers: { 'retry-after': '0' }, body: {} },
      { request: LIST, body: list([]) },
      { request: CREATE, status: 503, headers: { 'retry-after': '0' }, body: {} },
      ...[create!, ...rest],
    ]);
    expect(await sft()).toMatchObject({ code: 0 });
    expect(server.of(CREATE)).toHaveLength(3);
  });

  it('that refuses the key says so without it', async () => {
    const message = `Incorrect API key provided: ${KEY}.`;
    const body = { error: { message, type: 'invalid_request_error', code: 'invalid_api_key' } };
    await start([{ request: 'GET /v1/files', status: 401, body }]);
    const done = await sft();
    expect(done.code).toBe(1);
    expect(done.err).toMatch(/401 \(invalid_api_key\): Incorrect API key provided: \(key\)/);
    expect(server.asked).toHaveLength(1);
  });

  it('fails a job with its error, and keeps the events', async () => {
    const error = { code: 'exceeded_quota', message: 'The job ran out of credit', param: null };
    const events = [messageEvent(1, 'Created'), { ...messageEvent(2, 'Failed'), level: 'error' }];
    const failed = success(events).map((each) =>
      each.request === JOB ? { ...each, body: jobObject('failed', { error }) } : each,
    );
    await start(failed);
    const done = await sft();
    expect(done.code).toBe(1);
    expect(done.err).toMatch(/ended as failed \(exceeded_quota\): The job ran out of credit/);
    expect(readJson(inRun('run.json'))).toMatchObject({ status: 'failed' });
    const { out } = await run(['job', at('run'), '--json']);
    expect(JSON.parse(out)).toMatchObject({ status: 'failed', events: [{ level: 'error' }, {}] });
    const again = await sft('resume=auto');
    expect(again.err).toContain('Give overwrite=true');
    expect(server.of(CREATE)).toHaveLength(1);
  });
});

describe('a stop', () => {
  it('leaves the job to go on, says how to see and to end it, and lorikeet job does both', async () => {
    const stop = new AbortController();
    const paged = success(EVENT_LIST.slice(0, 2)).filter(({ request }) => request !== JOB);
    await start([...paged, { request: JOB, body: jobObject('running') }]);
    const going = job(['sft', `training_file=${at('train.jsonl')}`], stop.signal);
    while (server.of(JOB).length < 2) await new Promise((next) => setTimeout(next, 5));
    stop.abort('SIGINT');
    const done = await going;
    expect(done.code).toBe(130);
    expect(done.err).toMatch(new RegExp(`job ${JOB_ID} goes on.*resume=auto.*job .*cancel=true`));
    expect(readJson(inRun('run.json'))).toMatchObject({ status: 'interrupted' });
    const events = newestFirst(EVENT_LIST);
    await start([
      { request: `POST /v1/fine_tuning/jobs/${JOB_ID}/cancel`, body: jobObject('cancelled') },
      { request: JOB, body: jobObject('cancelled') },
      { request: EVENTS, body: list(events) },
    ]);
    const remote = readJson(inRun('remote.json')) as { base_url: string };
    writeFileSync(
      inRun('remote.json'),
      JSON.stringify({ ...remote, base_url: `${server.address}/v1` }),
    );
    const { out, code } = await run(['job', at('run'), 'cancel=true', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ status: 'cancelled', trained_steps: 2 });
    expect(readJsonl(inRun('events.jsonl'))).toHaveLength(4);
  });
});

describe('what is refused before anything is sent', () => {
  beforeEach(() => start([]));
  afterEach(() => expect(server.asked).toEqual([]));

  it.each<[RegExp, readonly string[]]>([
    [/beta: is no hyperparameter of sft/, ['sft', 'beta=0.1', 'training_file=train.jsonl']],
    [/grader_file: rft needs one/, ['rft', 'training_file=rft.jsonl']],
    [
      /grader_file: belongs to method=rft/,
      ['sft', 'training_file=train.jsonl', 'grader_file=grader.json'],
    ],
    [/no such file/, ['sft', 'training_file=absent.jsonl']],
    [/rft\.jsonl:1: messages: the last message is of user/, ['sft', 'training_file=rft.jsonl']],
    [
      /train\.jsonl:1: messages: the last message/,
      ['rft', 'training_file=train.jsonl', 'grader_file=grader.json'],
    ],
  ])('%s', async (message, words) => {
    const placed = words.map((word) => word.replace(/(file|grader)=/, `$1=${at()}/`));
    const done = await job(placed);
    expect(done.code).toBe(2);
    expect(done.err).toMatch(message);
  });

  it('a call without a key', async () => {
    vi.stubEnv('OPENAI_API_KEY', '');
    const done = await sft();
    expect(done.code).toBe(2);
    expect(done.err).toMatch(/OPENAI_API_KEY is not set.*\.env/);
  });

  it('a key with a line break in it, unseen', async () => {
    vi.stubEnv('OPENAI_API_KEY', `${KEY}\nx`);
    const done = await sft();
    expect(done.code).toBe(2);
    expect(done.err).toContain('OPENAI_API_KEY: it holds a space');
  });

  it('nothing: a dry run says what would be sent', async () => {
    const done = await sft('--dry-run');
    expect(done.code).toBe(0);
    expect(done.out).toMatch(/train\.jsonl: 10 rows, \d+ bytes, about \d+ tokens/);
    expect(done.out).toContain('makes one sft job of gpt-4.1-mini-2025-04-14');
  });
});
