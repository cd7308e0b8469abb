/**
 * A client of an OpenAI-compatible server: JSON in, JSON out, with retries, bounded concurrency, replies
 * kept by content, and counts. Left out: streaming.
 */
import type { JsonRow } from '../util/files.js';
import { limiter } from '../util/limiter.js';
import { pause } from '../util/retry.js';
import { EndpointError, isSilent, notAsked } from './failures.js';
import { diskCache, type ReplyCache, requestKey } from './reply-cache.js';
import type { EndpointSettings } from './settings.js';
import {
  abortOf,
  type EndpointReply,
  type EndpointRequest,
  httpTransport,
  type Transport,
} from './transport.js';

interface PostOptions {
  readonly signal?: AbortSignal;
  /** The server answers in words, which come as `{ text }`. Such replies are not kept. */
  readonly answersText?: boolean;
  /** In place of the settings' tries. 1 where a lost answer does not mean that nothing was done. */
  readonly attempts?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly check?: CheckReply;
  /** Called when the request has waited for those before it, and is sent. */
  readonly onTurn?: () => void;
}

/** @throws EndpointError for an answer that is not what was asked for: it is not kept, and counts as a failed try. */
export type CheckReply = (body: JsonRow) => void;

export interface EndpointStats {
  /** Requests made of the endpoint, kept replies included. */
  readonly requests: number;
  readonly cached: number;
  readonly retries: number;
  /** Requests that failed for good. */
  readonly failed: number;
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  /** Sum over the answers, seconds. */
  readonly latency_s: number;
  /** By the settings' prices; null without prices. */
  readonly cost: number | null;
}

export interface Endpoint {
  readonly settings: EndpointSettings;
  /**
   * @param path Below the base address, as `/chat/completions`.
   * @throws EndpointError when the tries are used up or would not help.
   */
  post(path: string, body: JsonRow, options?: PostOptions): Promise<EndpointReply>;
  /** Sends a form, as of a file's upload. The answer is not kept. */
  postForm(path: string, form: FormData, options?: PostOptions): Promise<EndpointReply>;
  /** Sends Protocol Buffers. The answer is not kept. */
  postBytes(path: string, bytes: Uint8Array, options?: PostOptions): Promise<EndpointReply>;
  get(path: string, options?: { signal?: AbortSignal }): Promise<EndpointReply>;
  stats(): EndpointStats;
}

/** What an endpoint has done so far. */
type Counts = { -readonly [Name in keyof Omit<EndpointStats, 'cost'>]: number };

type AskOptions = Pick<PostOptions, 'attempts' | 'check' | 'onTurn'>;

type Ask = (request: EndpointRequest, options?: AskOptions) => Promise<EndpointReply>;

/** @param transport Sends one request; default: by HTTP to the settings' address. */
export function openEndpoint(
  settings: EndpointSettings,
  transport: Transport = httpTransport(settings),
): Endpoint {
  const count: Counts = {
    requests: 0,
    cached: 0,
    retries: 0,
    failed: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    latency_s: 0,
  };
  const ask = patiently(settings, transport, count);
  const askOnce =
    settings.cacheDir === null ? ask : keepingReplies(ask, diskCache(settings.cacheDir), count);
  const to = (path: string) => {
    count.requests++;
    return settings.baseUrl + path;
  };
  const post = (path: string, content: Content, { signal, headers }: PostOptions) => ({
    method: 'POST' as const,
    url: to(path),
    ...content,
    ...(signal && { signal }),
    ...(headers && { headers }),
  });
  return {
    settings,
    post: async (path, body, options = {}) => {
      const { answersText = false } = options;
      const request = post(path, { body }, options);
      return answersText
        ? await ask({ ...request, answersText }, options)
        : await askOnce(request, options);
    },
    postForm: (path, form, options = {}) => ask(post(path, { form }, options), options),
    postBytes: (path, bytes, options = {}) => ask(post(path, { bytes }, options), options),
    get: (path, { signal } = {}) =>
      ask({ method: 'GET', url: to(path), ...(signal && { signal }) }),
    stats: () => ({ ...count, cost: costOf(settings, count) }),
  };
}

/** How long a server that could not be reached gets one try of each request, or none. */
const IMPATIENT_MS = 30_000;
/** Tries of a request whose address drops packets: each waits for a connection as long as it may. */
const SILENT_ATTEMPTS = 2;

type Content = Pick<EndpointRequest, 'body' | 'form' | 'bytes'>;

/**
 * At most so many at a time as the settings say, each with its tries. A server that has never answered, while a
 * request used up its tries, gets one of each for a while, or none where packets are dropped: nobody waits for
 * an address that is wrong.
 */
function patiently(settings: EndpointSettings, transport: Transport, count: Counts): Ask {
  const withPermit = limiter(settings.maxConcurrency);
  let hasAnswered = false;
  let impatientUntil = 0;
  let unreached: EndpointError | null = null;
  return (request, { attempts = settings.attempts, check, onTurn } = {}) =>
    withPermit(async () => {
      onTurn?.();
      const isImpatient = !hasAnswered && performance.now() < impatientUntil;
      if (isImpatient && unreached !== null && isSilent(unreached)) {
        count.failed++;
        throw notAsked(request.url, unreached, IMPATIENT_MS);
      }
      try {
        const send = async () => {
          const reply = await transport(request);
          check?.(reply.body);
          return reply;
        };
        const reply = await withRetries(send, {
          attempts: isImpatient ? 1 : attempts,
          silentAttempts: hasAnswered ? attempts : SILENT_ATTEMPTS,
          settings,
          request,
          onRetry: () => count.retries++,
        });
        hasAnswered = true;
        const usage = tokensOf(reply.body);
        count.prompt_tokens += usage.prompt;
        count.completion_tokens += usage.completion;
        count.latency_s += reply.latencyMs / 1000;
        return reply;
      } catch (error) {
        count.failed++;
        if (!(error instanceof EndpointError)) throw error;
        if (error.kind === 'refused' || error.kind === 'malformed') hasAnswered = true;
        if (error.kind === 'unreachable') {
          impatientUntil = performance.now() + IMPATIENT_MS;
          unreached = error;
        }
        throw error;
      }
    });
}

/** Replies come from the cache where it has them; identical requests on their way are one. */
function keepingReplies(ask: Ask, cache: ReplyCache, count: Counts): Ask {
  const onTheirWay = new Map<string, Promise<EndpointReply>>();
  const shared = (body: JsonRow): EndpointReply => {
    count.cached++;
    return { body, latencyMs: 0, isCached: true };
  };
  return async (request, options = {}) => {
    const key = requestKey(request.url, request.body);
    const kept = cache.get(key);
    if (kept !== null && isGood(kept, options)) return shared(kept);
    const first = onTheirWay.get(key);
    if (first !== undefined) return shared((await first).body);
    const sent = ask(request, options).finally(() => onTheirWay.delete(key));
    onTheirWay.set(key, sent);
    const reply = await sent;
    cache.put(key, { url: request.url, body: request.body }, reply.body);
    return reply;
  };
}

function isGood(kept: JsonRow, { check }: AskOptions): boolean {
  try {
    check?.(kept);
    return true;
  } catch (error) {
    if (error instanceof EndpointError) return false;
    throw error;
  }
}

async function withRetries(
  send: () => Promise<EndpointReply>,
  {
    attempts,
    silentAttempts,
    settings,
    request,
    onRetry,
  }: {
    readonly attempts: number;
    /** Fewer, where the address drops packets. */
    readonly silentAttempts: number;
    readonly settings: EndpointSettings;
    readonly request: EndpointRequest;
    readonly onRetry: () => void;
  },
): Promise<EndpointReply> {
  for (let tries = 1; ; tries++) {
    try {
      return await send();
    } catch (error) {
      if (!(error instanceof EndpointError) || error.retry === null) throw error;
      const allowed = isSilent(error) ? Math.min(attempts, silentAttempts) : attempts;
      if (tries >= allowed) throw error;
      onRetry();
      const { signal } = abortOf(settings, request);
      const { afterMs } = error.retry;
      await pause({ failures: tries, delayMs: settings.retryDelayMs, afterMs, signal });
    }
  }
}

function tokensOf({ usage }: JsonRow): { readonly prompt: number; readonly completion: number } {
  const { prompt_tokens, completion_tokens } = (usage ?? {}) as Record<string, unknown>;
  return { prompt: wholeOrZero(prompt_tokens), completion: wholeOrZero(completion_tokens) };
}

const wholeOrZero = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;

function costOf(
  { prices }: EndpointSettings,
  count: { readonly prompt_tokens: number; readonly completion_tokens: number },
): number | null {
  if (prices === null) return null;
  const { prompt_tokens, completion_tokens } = count;
  return (prompt_tokens * prices.input + completion_tokens * prices.output) / 1e6;
}
