/**
 * One blob from the hub onto the disk: continued where an earlier try broke, checked by size and hash,
 * and in place only when whole.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RunError, SetupError } from '../util/errors.js';
import { withLock } from '../util/lock.js';
import { networkFailure, TransientError } from './failures.js';
import { type FileMeta, send, silence, withRetries } from './http.js';
import type { HubSettings } from './settings.js';

export interface BlobDownload {
  readonly url: string;
  readonly what: string;
  readonly meta: FileMeta;
  /** Where the whole file goes. */
  readonly target: string;
  readonly lock: string;
}

/**
 * Does nothing when the target exists. Two processes may ask for the same blob: one downloads, the
 * other waits.
 * @throws HubUnreachableError, SetupError (no access, cache not writable), RunError (wrong content, disk full).
 */
export async function downloadBlob(settings: HubSettings, job: BlobDownload): Promise<void> {
  if (existsSync(job.target)) return;
  try {
    mkdirSync(dirname(job.target), { recursive: true });
    const signal = settings.signal === null ? {} : { signal: settings.signal };
    await withLock(job.lock, () => downloadLocked(settings, job), signal);
  } catch (error) {
    throw diskFailure(error, settings, job.what) ?? error;
  }
}

async function downloadLocked(settings: HubSettings, job: BlobDownload): Promise<void> {
  if (existsSync(job.target)) return;
  const part = `${job.target}.lorikeet.incomplete`;
  for (let tries = 1; ; tries++) {
    const watched = { what: job.what, progress: () => sizeOf(part) };
    await withRetries(settings, watched, () => fetchInto(settings, job, part));
    const found = await contentHash(part, job.meta.etag);
    if (found === null || found === job.meta.etag) break;
    rmSync(part);
    if (tries === 2) throw wrongContent(job, found);
  }
  renameSync(part, job.target);
}

function wrongContent({ what, meta }: BlobDownload, found: string): RunError {
  return new RunError({
    where: what,
    problem: `the download is damaged: its hash is ${found}, the hub says ${meta.etag}`,
    remedy: 'Try again; if it stays so, a proxy or mirror changes the file',
  });
}

/** Appends what is missing. @throws TransientError when it broke; what came so far stays. */
async function fetchInto(settings: HubSettings, job: BlobDownload, part: string): Promise<void> {
  const { url, what, meta } = job;
  if (meta.size !== null && sizeOf(part) > meta.size) rmSync(part);
  const have = sizeOf(part);
  if (have === meta.size && existsSync(part)) return;
  const idle = new AbortController();
  const response = await send(settings, {
    url,
    what,
    headers: have > 0 ? { range: `bytes=${have}-` } : {},
    accept: [416],
    signal: idle.signal,
  });
  const start = startOf(response, have);
  if (start === null) {
    await response.body?.cancel();
    rmSync(part, { force: true });
    throw new TransientError('it refused to continue the download');
  }
  const file = await open(part, start > 0 ? 'a' : 'w');
  try {
    await writeBody(settings, { response, file, start, job, idle });
    await file.sync();
  } finally {
    await file.close();
  }
  const received = sizeOf(part);
  if (meta.size !== null && received !== meta.size) {
    throw new TransientError(`the connection ended at ${received} of ${meta.size} bytes`);
  }
}

/** The offset of the body's first byte; null when it does not follow what is there. */
function startOf(response: Response, have: number): number | null {
  if (response.status === 200) return 0;
  const range = response.headers.get('content-range') ?? '';
  return response.status === 206 && range.startsWith(`bytes ${have}-`) ? have : null;
}

interface BodyWriting {
  readonly response: Response;
  readonly file: FileHandle;
  readonly start: number;
  readonly job: BlobDownload;
  readonly idle: AbortController;
}

async function writeBody(settings: HubSettings, writing: BodyWriting): Promise<void> {
  const { response, file, start, job, idle } = writing;
  let received = start;
  const report = () => settings.onProgress({ file: job.what, received, total: job.meta.size });
  const timer = setTimeout(() => idle.abort(silence(settings)), settings.timeoutMs);
  report();
  const body = (response.body ?? new ReadableStream()) as ReadableStream<Uint8Array>;
  try {
    for await (const chunk of chunksOf(body, settings)) {
      timer.refresh();
      await file.writeFile(chunk);
      received += chunk.byteLength;
      report();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  settings: HubSettings,
): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    settings.signal?.throwIfAborted();
    throw networkFailure(error);
  }
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/**
 * The hash of the kind that the etag is: SHA-256 (64 digits), or git's blob SHA-1 (40 digits, over
 * `blob <size>\0` and the content); null for an etag of another kind.
 */
async function contentHash(path: string, etag: string): Promise<string | null> {
  if (!/^(?:[0-9a-f]{64}|[0-9a-f]{40})$/.test(etag)) return null;
  const hash = createHash(etag.length === 64 ? 'sha256' : 'sha1');
  if (etag.length === 40) hash.update(`blob ${sizeOf(path)}\0`);
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const NOT_WRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'];

function diskFailure(error: unknown, settings: HubSettings, what: string): Error | null {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const remedy =
      'Free some space, or set HF_HUB_CACHE to a larger disk; the download goes on from here';
    return new RunError({ where: what, problem: `no space left in ${settings.cacheDir}`, remedy });
  }
  if (!NOT_WRITABLE.includes(code ?? '')) return null;
  return new SetupError(
    {
      where: what,
      problem: `the cache folder ${settings.cacheDir} cannot be written (${code})`,
      remedy: 'Set HF_HUB_CACHE to a folder of yours',
    },
    { cause: error },
  );
}
