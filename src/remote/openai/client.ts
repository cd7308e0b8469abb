/**
 * The calls of OpenAI's fine-tuning API (API reference, "Files" and "Fine-tuning"). What makes something at the
 * service is asked for once and, where the answer is lost, looked for before it is asked for again.
 */
import { type Endpoint, EndpointError, type EndpointReply } from '../../endpoint/index.js';
import type { RemoteEvent, RemoteFile, RemoteJob } from '../../report/index.js';
import { RunError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { pause } from '../../util/retry.js';
import { pages } from './pages.js';
import type { JobRequest } from './request.js';
import type { Upload } from './rows.js';

/** Key of the job's metadata that holds the marker of the run. */
export const MARKER_KEY = 'lorikeet_run';

export interface FineTuningClient {
  /** The service's copy of a file: one that is there already, else a new one. */
  upload(upload: Upload): Promise<RemoteFile & { readonly isNew: boolean }>;
  /** @param isRequested The job may be there from an earlier call. */
  createJob(
    request: JobRequest,
    options: { readonly isRequested: boolean },
  ): Promise<{ readonly job: RemoteJob; readonly isFound: boolean }>;
  job(id: string): Promise<RemoteJob>;
  cancel(id: string): Promise<RemoteJob>;
  /** Events that `isKnown` does not know, oldest first. */
  newEvents(id: string, isKnown: (event: RemoteEvent) => boolean): Promise<RemoteEvent[]>;
  checkpoints(id: string): Promise<JsonRow[]>;
}

const JOBS = '/fine_tuning/jobs';

export function fineTuningClient(endpoint: Endpoint, signal: AbortSignal): FineTuningClient {
  const jobPath = (id: string) => `${JOBS}/${encodeURIComponent(id)}`;
  const all = (path: string, query: Readonly<Record<string, string>> = {}) =>
    pages(endpoint, { path, query, signal });
  const oneTry = { signal, attempts: 1 };
  return {
    async upload(upload) {
      const { filename, bytes, rows } = upload;
      const { made, isFound } = await once(endpoint, {
        signal,
        isRequested: true,
        list: () => all('/files', { purpose: 'fine-tune' }),
        isWanted: (file) =>
          file.filename === filename && file.bytes === bytes && file.status !== 'error',
        make: () => endpoint.postForm('/files', formOf(upload), oneTry),
      });
      return { id: idOf(made, 'file'), filename, bytes, rows, isNew: !isFound };
    },
    async createJob(request, { isRequested }) {
      const marker = request.metadata[MARKER_KEY]!;
      const { made, isFound } = await once(endpoint, {
        signal,
        isRequested,
        list: () => all(JOBS, { [`metadata[${MARKER_KEY}]`]: marker }),
        isWanted: ({ metadata }) => (metadata as JsonRow | null)?.[MARKER_KEY] === marker,
        make: () => endpoint.post(JOBS, { ...request }, oneTry),
      });
      return { job: asJob(made), isFound };
    },
    job: async (id) => asJob((await endpoint.get(jobPath(id), { signal })).body),
    cancel: async (id) =>
      asJob((await endpoint.post(`${jobPath(id)}/cancel`, {}, { signal })).body),
    async newEvents(id, isKnown) {
      const events: RemoteEvent[] = [];
      for await (const page of all(`${jobPath(id)}/events`)) {
        const fresh = page.map(asEvent).filter((event) => !isKnown(event));
        events.push(...fresh);
        if (fresh.length < page.length) break;
      }
      return events.reverse();
    },
    async checkpoints(id) {
      const found: JsonRow[] = [];
      for await (const page of all(`${jobPath(id)}/checkpoints`)) found.push(...page);
      return found;
    },
  };
}

function formOf({ text, filename }: Upload): FormData {
  const form = new FormData();
  form.set('purpose', 'fine-tune');
  form.set('file', new Blob([text], { type: 'application/jsonl' }), filename);
  return form;
}

interface OnceOptions {
  readonly signal: AbortSignal;
  /** It may be there already. */
  readonly isRequested: boolean;
  /** Where it is, if it is there. */
  readonly list: () => AsyncIterable<JsonRow[]>;
  readonly isWanted: (item: JsonRow) => boolean;
  readonly make: () => Promise<EndpointReply>;
}

/** A failure after which the thing may exist is followed by a look before the next try. */
async function once(
  { settings: { attempts, retryDelayMs: delayMs } }: Endpoint,
  { signal, isRequested, list, isWanted, make }: OnceOptions,
): Promise<{ readonly made: JsonRow; readonly isFound: boolean }> {
  for (let tries = 1, isThere = isRequested; ; tries++) {
    const found = isThere ? await firstOf(list(), isWanted) : undefined;
    if (found !== undefined) return { made: found, isFound: true };
    try {
      return { made: (await make()).body, isFound: false };
    } catch (error) {
      const retry = error instanceof EndpointError ? error.retry : null;
      if (retry === null || tries >= attempts) throw error;
      isThere = true;
      await pause({ failures: tries, delayMs, afterMs: retry.afterMs, signal });
    }
  }
}

async function firstOf(list: AsyncIterable<JsonRow[]>, isWanted: (item: JsonRow) => boolean) {
  for await (const page of list) {
    const found = page.find(isWanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asJob(body: JsonRow): RemoteJob {
  idOf(body, 'job');
  if (typeof body.status === 'string') return body as RemoteJob;
  throw new RunError({ where: 'fine-tuning service', problem: 'its job has no status' });
}

function asEvent(body: JsonRow): RemoteEvent {
  idOf(body, 'event');
  if (typeof body.created_at === 'number') return body as unknown as RemoteEvent;
  throw new RunError({ where: 'fine-tuning service', problem: 'its event has no created_at' });
}

function idOf({ id }: JsonRow, what: string): string {
  if (typeof id === 'string' && id !== '') return id;
  throw new RunError({ where: 'fine-tuning service', problem: `its ${what} has no id` });
}
