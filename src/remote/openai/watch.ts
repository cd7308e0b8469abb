/** Following a job until it ends: its state, its events and its metrics go into the run folder as they come. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { EndpointError } from '../../endpoint/index.js';
import {
  EVENTS_FILE,
  type RemoteEvent,
  type RemoteJob,
  readRemoteEvents,
  runPaths,
} from '../../report/index.js';
import { appendText } from '../../util/append.js';
import { messageOf, RunError } from '../../util/errors.js';
import { toJsonl, writeJsonl } from '../../util/files.js';
import type { FineTuningClient } from './client.js';
import { metricRows } from './event-metrics.js';

/** States after which a job changes no more. */
const ENDED = ['succeeded', 'failed', 'cancelled'];

const hasEnded = ({ status }: RemoteJob): boolean => ENDED.includes(status);

export interface WatchOptions {
  readonly id: string;
  /** Run folder. */
  readonly dir: string;
  readonly pollMs: number;
  /** So long the service may be out of reach. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  readonly onJob: (job: RemoteJob) => void;
}

/** @throws RunError when the service stays out of reach; EndpointError when it refuses */
export async function watchJob(
  client: FineTuningClient,
  options: WatchOptions,
): Promise<RemoteJob> {
  const { id, dir, pollMs, signal, log, onJob } = options;
  const keeper = eventKeeper(dir);
  const outage = outageOf(options);
  for (let state = ''; ; ) {
    const job = await outage(() => client.job(id));
    if (job !== null) {
      onJob(job);
      if (job.status !== state) log(`job ${id}: ${job.status}`);
      state = job.status;
      const events = await outage(() => client.newEvents(id, keeper.isKnown));
      for (const event of keeper.add(events ?? [])) log(`  ${event.message}`);
      if (hasEnded(job) && events !== null) return job;
    }
    await sleep(pollMs, undefined, { signal });
  }
}

/** Reads job and events once. */
export async function refreshJob(
  client: FineTuningClient,
  { id, dir }: Pick<WatchOptions, 'id' | 'dir'>,
): Promise<RemoteJob> {
  const keeper = eventKeeper(dir);
  const job = await client.job(id);
  keeper.add(await client.newEvents(id, keeper.isKnown));
  return job;
}

/** Each event is written once; what a killed process has half written is dropped and asked for again. */
function eventKeeper(dir: string) {
  const path = join(dir, EVENTS_FILE);
  const events = readRemoteEvents(dir);
  writeJsonl(path, events);
  const known = new Set(events.map(({ id }) => id));
  return {
    isKnown: ({ id }: RemoteEvent) => known.has(id),
    add(fresh: readonly RemoteEvent[]): readonly RemoteEvent[] {
      if (fresh.length === 0) return fresh;
      appendText(path, toJsonl(fresh));
      events.push(...fresh);
      for (const { id } of fresh) known.add(id);
      writeJsonl(runPaths(dir).metrics, metricRows(events));
      return fresh;
    },
  };
}

/** Null while the service is out of reach, which is said once for each outage. */
function outageOf({ id, patienceMs, signal, log }: WatchOptions) {
  let since: number | null = null;
  return async <T>(ask: () => Promise<T>): Promise<T | null> => {
    try {
      const answer = await ask();
      if (since !== null) log(`job ${id}: in reach again`);
      since = null;
      return answer;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof EndpointError) || error.retry === null) throw error;
      if (since === null) log(`job ${id}: out of reach (${error.message}); the job goes on`);
      since ??= performance.now();
      if (performance.now() - since < patienceMs) return null;
      throw lost(id, error);
    }
  };
}

function lost(id: string, error: EndpointError): RunError {
  return new RunError(
    {
      problem: `lost sight of job ${id}: ${messageOf(error)}`,
      remedy: 'The job goes on at the service. Give resume=auto to go on watching it',
    },
    { cause: error },
  );
}
