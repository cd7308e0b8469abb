/**
 * MLflow's REST protocol against a server on loopback that answers as MLflow 3.17 does (its answers were
 * recorded by scripts/checks/trackers.ts), and what happens when a tracker fails.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { checkTrackers, openTrackers, type TrackerName } from '../../../../src/report/index.js';
import type { Trackers } from '../../../../src/report/trackers/open-trackers.js';
import { SetupError } from '../../../../src/util/errors.js';
import { type Loopback, onLoopback } from '../../../support/loopback.js';
import { temporaryFolder } from '../../../support/temporary.js';

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly authorization: string | undefined;
}

let server: Loopback;
let calls: Call[];
/** Paths that answer with an error, and what they answer. */
let refused: Record<string, { status: number; body: unknown }>;
let dir: string;

const RUN = {
  info: { run_id: 'abc', artifact_uri: 'mlflow-artifacts:/7/abc/artifacts' },
  data: {
    tags: [
      {
        key: 'mlflow.loggedArtifacts',
        value: '[{"path": "eval/samples_step_2.json", "type": "table"}]',
      },
    ],
  },
};

const ANSWERS: Readonly<Record<string, unknown>> = {
  'experiments/get-by-name': { experiment: { experiment_id: '7' } },
  'experiments/create': { experiment_id: '8' },
  'runs/create': { run: { info: RUN.info } },
  'runs/search': { runs: [RUN] },
};

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : JSON.parse(text);
}

beforeEach(async () => {
  calls = [];
  refused = {};
  dir = temporaryFolder();
  const mlflow = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://x');
    const path = pathname.replace(/^\/api\/2\.0\/(mlflow\/)?/, '');
    const { authorization } = request.headers;
    calls.push({ method: request.method ?? '', path, body: await bodyOf(request), authorization });
    const refusal = refused[path];
    response.statusCode = refusal?.status ?? 200;
    response.end(JSON.stringify(refusal?.body ?? ANSWERS[path] ?? {}));
  });
  server = await onLoopback(mlflow);
});

const lines: string[] = [];

function open(
  startStep: number | null = null,
  env: Record<string, string> = {},
  names: readonly TrackerName[] = ['tensorboard', 'mlflow'],
): Promise<Trackers> {
  lines.length = 0;
  return openTrackers({
    names,
    env: { MLFLOW_TRACKING_URI: `${server.address}/`, ...env },
    run: { runId: 'r-1', dir, name: 'first', config: { model: 'm', lora: { r: 8 } }, startStep },
    eventDir: join(dir, 'tensorboard'),
    wandbProject: null,
    log: (line) => lines.push(line),
  });
}

const bodies = (path: string) => calls.filter((call) => call.path === path).map(({ body }) => body);

describe('mlflow', () => {
  it('makes a run with its config, sends numbers under their steps, and ends it', async () => {
    const trackers = await open(null, { MLFLOW_TRACKING_TOKEN: 'secret' });
    trackers.log({ step: 1, loss: 2.5, note: 'no number' });
    trackers.log({ step: 2, loss: Number.NaN });
    const cells = [['1+1', '2', true]];
    const header = ['question', 'completion', 'correct'];
    trackers.table({ name: 'eval/samples_step_2', step: 2, header, rows: cells });
    await trackers.finish('interrupted');
    await trackers.finish('failed');
    expect(calls.every(({ authorization }) => authorization === 'Bearer secret')).toBe(true);
    expect(bodies('runs/create')).toMatchObject([{ experiment_id: '7', run_name: 'first' }]);
    const batches = bodies('runs/log-batch');
    expect(batches[0]?.params).toEqual([
      { key: 'model', value: 'm' },
      { key: 'lora.r', value: '8' },
    ]);
    const metrics = batches.slice(1).flatMap((batch) => batch.metrics as object[]);
    expect(metrics).toMatchObject([
      { key: 'loss', value: 2.5, step: 1 },
      { key: 'loss', value: 'NaN', step: 2 },
    ]);
    expect(bodies('mlflow-artifacts/artifacts/7/abc/artifacts/eval/samples_step_2.json')).toEqual([
      { columns: header, data: cells },
    ]);
    expect(bodies('runs/update')).toMatchObject([{ run_id: 'abc', status: 'KILLED' }]);
    expect(lines).toEqual([`mlflow: ${server.address}/#/experiments/7/runs/abc`]);
  });

  it('is told that the run failed where a tracker after it does not open', async () => {
    writeFileSync(join(dir, 'tensorboard'), 'a file, where a folder is to be');
    await expect(open(null, {}, ['mlflow', 'tensorboard'])).rejects.toThrow(/tensorboard/);
    expect(bodies('runs/update')).toMatchObject([{ run_id: 'abc', status: 'FAILED' }]);
  });

  it.each([0, 2])(
    'goes on with the run of a resumed folder at step %s, its earlier tables kept',
    async (step) => {
      const trackers = await open(step);
      trackers.table({ name: 'eval/samples_step_4', step: 4, header: ['a'], rows: [] });
      await trackers.finish('done');
      expect(bodies('runs/create')).toEqual([]);
      expect(bodies('runs/search')[0]?.filter).toBe("tags.`lorikeet.run_id` = 'r-1'");
      expect(bodies('runs/set-tag')[0]?.value).toBe(
        '[{"path": "eval/samples_step_2.json", "type": "table"}, {"path": "eval/samples_step_4.json", "type": "table"}]',
      );
    },
  );

  it('makes an experiment that is not there', async () => {
    refused['experiments/get-by-name'] = {
      status: 404,
      body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'No Experiment' },
    };
    await (await open(null, { MLFLOW_EXPERIMENT_NAME: 'new' })).finish('done');
    expect(bodies('experiments/create')).toEqual([{ name: 'new' }]);
    expect(bodies('runs/create')).toMatchObject([{ experiment_id: '8' }]);
  });

  it('refuses a run before it begins when no server is named or none answers', async () => {
    const names = ['mlflow'] as const;
    await expect(checkTrackers({ names, env: {} })).rejects.toThrow(/MLFLOW_TRACKING_URI/);
    const silent = checkTrackers({ names, env: { MLFLOW_TRACKING_URI: 'http://127.0.0.1:9' } });
    await expect(silent).rejects.toThrow(SetupError);
    await expect(silent).rejects.toThrow(/127\.0\.0\.1:9: MLflow does not answer \(.*\)\. Start/);
  });
});

describe('a tracker that fails', () => {
  it('is left alone, says so once, counts what it missed, and holds up no other', async () => {
    const trackers = await open();
    refused['runs/log-batch'] = { status: 500, body: { error_code: 'INTERNAL', message: 'full' } };
    for (let step = 1; step <= 5; step++) trackers.log({ step, loss: 1 });
    await trackers.finish('done');
    expect(lines.slice(1)).toEqual([
      expect.stringContaining('mlflow: no more is sent there ('),
      'mlflow: 5 rows not sent; metrics.jsonl has all',
    ]);
    expect(lines[1]).toContain('MLflow says INTERNAL: full');
    expect(readdirSync(join(dir, 'tensorboard'))).toHaveLength(1);
  });
});
