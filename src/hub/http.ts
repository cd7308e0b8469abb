/**
 * Requests to the hub: token to the hub's own address only, redirects followed by hand (the first answer
 * carries the file's hash, the last one the bytes), silence cut off, retries with back-off.
 */
import { RunError } from '../util/errors.js';
import { mayPass, pause } from '../util/retry.js';
import { retryAfterMs } from '../util/retry-after.js';
import { networkFailure, refused, TransientError, unreachable } from './failures.js';
import type { HubSettings } from './settings.js';

const MAX_REDIRECTS = 5;
/** With no connection at all a second try is enough to know. */
const NO_CONNECTION_ATTEMPTS = 2;

export interface HubRequest {
  readonly url: string;
  /** What is asked for, in words for errors. */
  readonly what: string;
  readonly method?: 'GET' | 'HEAD';
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses beside 2xx that the caller deals with. */
  readonly accept?: readonly number[];
  /** Ends the request, body included. */
  readonly signal?: AbortSignal;
  /** A redirect that is not followed. */
  readonly isLast?: (headers: Headers) => boolean;
}

export interface FileMeta {
  /** Hash of the content: SHA-256 for large files, git's blob SHA-1 for small ones. */
  readonly etag: string;
  readonly size: number | null;
}

/**
 * One request with redirects. The body is the caller's to read.
 * @throws TransientError for what may pass, LorikeetError for what may not.
 */
export async function send(settings: HubSettings, request: HubRequest): Promise<Response> {
  let { url } = request;
  const { what, isLast } = request;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops++) {
    const response = await sendOnce(settings, { ...request, url });
    const location = response.headers.get('location');
    const { status, headers } = response;
    if (status < 300 || status > 399 || location === null || isLast?.(headers)) return response;
    await response.body?.cancel();
    url = new URL(location, url).href;
  }
  throw new RunError({ where: what, problem: `more than ${MAX_REDIRECTS} redirects` });
}

async function sendOnce(settings: HubSettings, request: HubRequest): Promise<Response> {
  const { url, method = 'GET', headers = {}, accept = [], what } = request;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(silence(settings)), settings.timeoutMs);
  const signals = [timeout.signal, request.signal, settings.signal].filter((each) => each != null);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: { ...commonHeaders(settings, url), ...headers },
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    settings.signal?.throwIfAborted();
    throw networkFailure(error);
  } finally {
    clearTimeout(timer);
  }
  if (response.status < 400 || accept.includes(response.status)) return response;
  await response.body?.cancel();
  if (mayPass(response.status)) {
    throw new TransientError(`it answered ${response.status}`, {
      retryAfterMs: retryAfterMs(response.headers.get('retry-after')),
    });
  }
  throw refused(settings, what, {
    status: response.status,
    code: response.headers.get('x-error-code'),
  });
}

export function silence(settings: HubSettings): DOMException {
  return new DOMException(`no answer for ${settings.timeoutMs} ms`, 'TimeoutError');
}

function commonHeaders(settings: HubSettings, url: string): Record<string, string> {
  const headers = { 'user-agent': 'lorikeet', 'accept-encoding': 'identity' };
  const own = new URL(url).origin === new URL(settings.endpoint).origin;
  if (!own || settings.token === null) return headers;
  return { ...headers, authorization: `Bearer ${settings.token}` };
}

/**
 * Repeats `attempt` after a TransientError. The count starts again whenever `progress` has grown since
 * the last failure, so a long download survives many breaks.
 * @throws HubUnreachableError when the tries are used up.
 */
export async function withRetries<T>(
  settings: HubSettings,
  { what, progress = () => 0 }: { readonly what: string; readonly progress?: () => number },
  attempt: () => Promise<T>,
): Promise<T> {
  let failures = 0;
  let furthest = progress();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      failures = progress() > furthest ? 1 : failures + 1;
      furthest = Math.max(furthest, progress());
      const allowed = error.noConnection ? NO_CONNECTION_ATTEMPTS : settings.attempts;
      if (failures >= Math.min(allowed, settings.attempts))
        throw unreachable(settings, what, error);
      const { retryDelayMs: delayMs, signal } = settings;
      await pause({ failures, delayMs, afterMs: error.retryAfterMs, signal });
    }
  }
}

export interface JsonPage {
  readonly body: unknown;
  /** Address of the next page of a long list. */
  readonly next: string | null;
}

/** @throws as `withRetries`. */
export async function getJson(settings: HubSettings, url: string, what: string): Promise<JsonPage> {
  return await withRetries(settings, { what }, async () => {
    const signal = AbortSignal.timeout(settings.timeoutMs);
    const response = await send(settings, { url, what, signal });
    const next = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get('link') ?? '')?.[1] ?? null;
    try {
      return { body: (await response.json()) as unknown, next };
    } catch (error) {
      throw error instanceof SyntaxError
        ? new TransientError('its answer is not JSON', { cause: error })
        : networkFailure(error);
    }
  });
}

/** Hash and size of a file, by HEAD; redirects are followed only until an answer has the hash. */
export async function fileMeta(
  settings: HubSettings,
  url: string,
  what: string,
): Promise<FileMeta> {
  return await withRetries(settings, { what }, async () => {
    const isLast = (found: Headers) => found.has('x-linked-etag');
    const { headers } = await send(settings, { url, what, method: 'HEAD', isLast });
    const etag = headers.get('x-linked-etag') ?? headers.get('etag') ?? '';
    const own = headers.has('location') ? null : headers.get('content-length');
    const size = headers.get('x-linked-size') ?? own;
    return {
      etag: etag.replace(/^W\//, '').replaceAll('"', ''),
      size: size === null ? null : Number(size),
    };
  });
}
