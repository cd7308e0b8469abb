/** HTTP around the answers: routes, the key, bodies of bounded size, server-sent events, errors as JSON. */
import { isUtf8 } from 'node:buffer';
import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type JsonRow, sha256 } from '../../util/files.js';
import { parseJson } from '../../util/json-object.js';
import { answerStream, answerWhole, openAnswer } from './answer.js';
import { ApiError, asApiError, errorBody } from './api-error.js';
import { asBody, type Endpoint, readRequest } from './read-request.js';
import { modelEntry } from './replies.js';
import type { Scheduler } from './scheduler.js';
import type { ServingSettings } from './settings.js';
import { checkSite } from './web-pages.js';

export interface HttpOptions {
  readonly settings: ServingSettings;
  readonly scheduler: Scheduler;
  /** The address that is listened on. */
  readonly host: string;
  /** Bytes. */
  readonly maxBody: number;
  /** What clients must show; null: nothing. */
  readonly apiKey: string | null;
  /** Aborted when the server is to stop: open requests are ended, with an error. */
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

const POSTS: Readonly<Record<string, Endpoint>> = {
  '/v1/chat/completions': 'chat',
  '/v1/completions': 'completions',
};

export function createHttpServer(options: HttpOptions): Server {
  const started = Math.floor(Date.now() / 1000);
  return createServer((request, response) => {
    route(request, response, { ...options, started }).catch((error: unknown) => {
      if (response.destroyed) return;
      const refusal = asApiError(error);
      if (refusal.status >= 500 && !options.signal.aborted)
        options.log(`error: ${refusal.message}`);
      if (response.headersSent) response.end(`${event(errorBody(refusal))}${event('[DONE]')}`);
      else sendJson(response, errorBody(refusal), refusal);
    });
  });
}

interface RouteOptions extends HttpOptions {
  readonly started: number;
}

async function route(
  request: IncomingMessage,
  response: ServerResponse,
  options: RouteOptions,
): Promise<void> {
  const path = pathOf(request);
  if (options.apiKey === null) checkSite(request, options.host);
  if (path === '/health') return expectMethod(request, 'GET', () => health(response, options));
  checkKey(request, options.apiKey);
  const endpoint = Object.hasOwn(POSTS, path) ? POSTS[path] : undefined;
  if (endpoint !== undefined) {
    return await expectMethod(request, 'POST', () =>
      complete(endpoint, request, response, options),
    );
  }
  if (path === '/v1/models' || path.startsWith('/v1/models/')) {
    return expectMethod(request, 'GET', () =>
      sendJson(response, listed(path.slice('/v1/models'.length), options)),
    );
  }
  const known = ['/health', '/v1/models', ...Object.keys(POSTS)].join(', ');
  throw new ApiError(`there is no ${path || '/'} here. Known are ${known}`, { status: 404 });
}

/** Decoded, without a slash at its end. */
function pathOf({ url = '/' }: IncomingMessage): string {
  const base = 'http://localhost';
  const path = URL.canParse(url, base) ? new URL(url, base).pathname : url;
  try {
    return decodeURIComponent(path).replace(/\/$/, '');
  } catch {
    throw new ApiError(`${url} is no path: its percent signs are not those of UTF-8`);
  }
}

/** What is there to GET can be asked for by HEAD, to which Node sends no body. */
function expectMethod<T>({ method }: IncomingMessage, expected: 'GET' | 'POST', then: () => T): T {
  if (method === expected || (method === 'HEAD' && expected === 'GET')) return then();
  const allow = expected === 'GET' ? 'GET, HEAD' : expected;
  throw new ApiError(`${method} is not allowed here. Use ${expected}`, { status: 405, allow });
}

function health(response: ServerResponse, { signal, scheduler }: RouteOptions): void {
  const status = signal.aborted ? 'stopping' : 'ok';
  sendJson(
    response,
    { status, open_completions: scheduler.open },
    { status: signal.aborted ? 503 : 200 },
  );
}

function checkKey({ headers }: IncomingMessage, key: string | null): void {
  if (key === null) return;
  const given = headers.authorization?.replace(/^Bearer /i, '') ?? '';
  const isSame = timingSafeEqual(Buffer.from(sha256(given)), Buffer.from(sha256(key)));
  if (isSame) return;
  const message = `the key is ${given === '' ? 'missing' : 'wrong'}. Send "Authorization: Bearer KEY"`;
  throw new ApiError(message, { status: 401, code: 'invalid_api_key' });
}

/** @param rest what follows `/v1/models` */
function listed(rest: string, { settings, started }: RouteOptions): JsonRow {
  const entries = settings.models.map(({ name }) => modelEntry(name, started));
  if (rest === '') return { object: 'list', data: entries };
  const found = entries.find(({ id }) => `/${id}` === rest);
  if (found !== undefined) return found;
  const problem = `there is no model "${rest.slice(1)}" here`;
  throw new ApiError(problem, { status: 404, param: 'model', code: 'model_not_found' });
}

async function complete(
  endpoint: Endpoint,
  request: IncomingMessage,
  response: ServerResponse,
  options: RouteOptions,
): Promise<void> {
  const { settings, scheduler } = options;
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const body = await readBody(request, options.maxBody);
  if (options.signal.aborted) throw new ApiError('the server stops', { status: 503 });
  const ask = readRequest(endpoint, body, settings);
  const signal = AbortSignal.any([gone.signal, options.signal]);
  const { maxContext, maxQueue } = settings;
  const answer = openAnswer(ask, { scheduler, maxQueue, maxContext, signal });
  if (!ask.isStream) {
    sendJson(response, await answerWhole(answer));
    return;
  }
  const head = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
  response.writeHead(200, head).flushHeaders();
  await answerStream(answer, (chunk) => {
    if (!response.writableEnded) response.write(event(chunk));
  });
  response.end(event('[DONE]'));
}

const event = (data: JsonRow | string): string =>
  `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

async function readBody(request: IncomingMessage, maxBytes: number): Promise<JsonRow> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
    else if (size > 2 * maxBytes) break;
  }
  if (size > maxBytes) {
    const message = `the body is larger than ${maxBytes} bytes. Shorten it, or serve with a larger max_body_kib`;
    throw new ApiError(message, { status: 413 });
  }
  const bytes = Buffer.concat(chunks);
  if (!isUtf8(bytes)) throw new ApiError('the body is not UTF-8');
  let value: unknown;
  try {
    value = parseJson(bytes.toString('utf8'));
  } catch (error) {
    throw new ApiError(`the body is not JSON: ${(error as Error).message}`);
  }
  return asBody(value);
}

interface SentHead {
  readonly status?: number;
  /** The methods that are allowed, where another one was tried. */
  readonly allow?: string | null;
}

function sendJson(
  response: ServerResponse,
  body: JsonRow,
  { status = 200, allow = null }: SentHead = {},
): void {
  if (response.destroyed) return;
  const close = status === 413 ? { connection: 'close' } : {};
  const allowed = allow === null ? {} : { allow };
  response.writeHead(status, { 'content-type': 'application/json', ...close, ...allowed });
  response.end(JSON.stringify(body));
}
