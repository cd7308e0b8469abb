/** One request and its answer: by HTTP, or by whatever else gives the answers of such a server. */
import type { JsonRow } from '../util/files.js';
import { isObject, parseJson } from '../util/json-object.js';
import { EndpointError, malformed, noAnswer, refusal } from './failures.js';
import type { EndpointSettings } from './settings.js';

/** Longer answers are refused while they come, bytes: of texts, and of Protocol Buffers. */
const MAX_TEXT = 2 ** 26;
const MAX_BYTES = 2 ** 30;
export const PROTO = 'application/x-protobuf';

export interface EndpointRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly body?: JsonRow;
  /** In place of `body`: parts of a form, as of a file's upload. */
  readonly form?: FormData;
  /** In place of `body`: Protocol Buffers. */
  readonly bytes?: Uint8Array;
  /** Further headers; they stay the same when the request is sent again. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly answersText?: boolean;
}

export interface EndpointReply {
  readonly body: JsonRow;
  /** The answer, where it came as Protocol Buffers; `body` is empty then. */
  readonly bytes?: Uint8Array;
  /** From sending the successful try to its whole body, milliseconds; 0 for a kept reply. */
  readonly latencyMs: number;
  /** The reply comes from the cache, or was shared with an identical request on its way. */
  readonly isCached: boolean;
}

/** Sends a request once. @throws EndpointError, which says whether another try may help. */
export type Transport = (request: EndpointRequest) => Promise<EndpointReply>;

type Dispatcher = NonNullable<RequestInit['dispatcher']>;

/** Where Node's `fetch` keeps what sends its requests, once there was one. */
const DISPATCHER = Symbol.for('undici.globalDispatcher.1');
let patient: Dispatcher | undefined;

/** Sends without undici's own limits of 300 s for headers and body: `timeoutMs` is the only one. */
async function patientDispatcher(): Promise<Dispatcher> {
  if (patient !== undefined) return patient;
  await fetch('data:,');
  const usual = (globalThis as unknown as Record<symbol, Dispatcher>)[DISPATCHER]!;
  const Agent = usual.constructor as new (options: object) => Dispatcher;
  patient = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  return patient;
}

/** By `fetch`. It follows no redirect, so the key reaches the configured address only. */
export const httpTransport =
  (settings: EndpointSettings): Transport =>
  (request) =>
    once(settings, request);

async function once(settings: EndpointSettings, request: EndpointRequest): Promise<EndpointReply> {
  const { url, method } = request;
  const start = performance.now();
  const outer = abortOf(settings, request).signal;
  const timeout = AbortSignal.timeout(settings.timeoutMs);
  let response: Response;
  let received: Uint8Array;
  try {
    response = await fetch(url, {
      method,
      headers: headersOf(settings, request),
      redirect: 'manual',
      dispatcher: await patientDispatcher(),
      signal: outer === undefined ? timeout : AbortSignal.any([timeout, outer]),
      ...bodyOf(request),
    });
    received = await bytesOf(url, response);
  } catch (error) {
    outer?.throwIfAborted();
    if (error instanceof EndpointError) throw error;
    throw noAnswer(url, error, settings.timeoutMs);
  }
  const latencyMs = performance.now() - start;
  if (response.ok && isProto(response)) {
    return { body: {}, bytes: received, latencyMs, isCached: false };
  }
  const text = withoutKey(textOf(url, received, response), settings);
  if (!response.ok) {
    const { status, headers } = response;
    throw refusal(url, { status, text, headers });
  }
  const answer = request.answersText === true ? { text } : parsed(url, text);
  return { body: answer, latencyMs, isCached: false };
}

const isProto = ({ headers }: Response): boolean =>
  headers.get('content-type')?.includes(PROTO) === true;

/** @throws EndpointError where it is longer than answers are */
async function bytesOf(url: string, response: Response): Promise<Uint8Array> {
  const limit = isProto(response) ? MAX_BYTES : MAX_TEXT;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += piece.byteLength;
    if (bytes > limit) throw malformed(url, `its answer has more than ${limit} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** What a server says of a failure is shown as it can be read; an answer would be trained and graded. */
function textOf(url: string, bytes: Uint8Array, { ok }: Response): string {
  try {
    return new TextDecoder('utf-8', { fatal: ok }).decode(bytes);
  } catch {
    throw malformed(url, 'its answer is not UTF-8');
  }
}

function bodyOf({ body, form, bytes }: EndpointRequest): {
  body?: NonNullable<RequestInit['body']>;
} {
  if (form !== undefined) return { body: form };
  if (bytes !== undefined) return { body: bytes as Uint8Array<ArrayBuffer> };
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

/** The type of a form, with its boundary, is set by `fetch`. */
function headersOf(
  { apiKey, keyHeader }: EndpointSettings,
  { form, bytes, headers = {} }: EndpointRequest,
): Record<string, string> {
  const key = keyHeader === 'authorization' ? `Bearer ${apiKey}` : `${apiKey}`;
  return {
    'user-agent': 'lorikeet',
    ...(form === undefined && { 'content-type': bytes === undefined ? 'application/json' : PROTO }),
    ...headers,
    ...(apiKey !== null && { [keyHeader]: key }),
  };
}

/** Shorter texts are no keys, and may stand anywhere. */
const SHORTEST_KEY = 8;

/** A server that repeats the key, as some do when they refuse it, brings it into no log and no file. */
function withoutKey(text: string, { apiKey }: EndpointSettings): string {
  return apiKey === null || apiKey.length < SHORTEST_KEY ? text : text.replaceAll(apiKey, '(key)');
}

function parsed(url: string, text: string): JsonRow {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw malformed(url, `its answer is not JSON: ${JSON.stringify(text.slice(0, 80))}`);
  }
  if (isObject(value)) return value;
  throw malformed(url, 'its answer is not a JSON object');
}

/** The signal that ends a request, where there is one. */
export function abortOf(
  { signal }: EndpointSettings,
  request: EndpointRequest,
): { signal?: AbortSignal } {
  const signals = [signal, request.signal].filter((each) => each != null);
  return signals.length === 0 ? {} : { signal: AbortSignal.any(signals) };
}
