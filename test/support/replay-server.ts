/**
 * A server on loopback that plays exchanges back: requests in the order they are expected, and the answers of a
 * published protocol. It checks nothing by itself; tests look at what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { groupBy } from '../../src/util/group.js';
import { type Loopback, onLoopback } from './loopback.js';

export type Json = Record<string, unknown>;

export interface Exchange {
  /** Method and path, as `GET /v1/files`; of the query only `after` counts, where it is written here. */
  readonly request: string;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** `$marker`, `$filename` and `$bytes` stand for what was sent before. */
  readonly body?: unknown;
  /** `close`: the connection breaks without an answer. `hold`: no answer ever comes. */
  readonly fault?: 'close' | 'hold';
}

export interface Asked {
  /** As in `Exchange`. */
  readonly request: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Of JSON. */
  readonly body: Json | null;
  /** Of a form: its fields, files as text. */
  readonly form: Readonly<Record<string, string>> | null;
  /** As it came. */
  readonly bytes: Buffer;
}

export interface ReplayServer extends Loopback {
  readonly asked: Asked[];
  /** Requests of this kind, by method and path. */
  of(request: string): Asked[];
}

/**
 * Exchanges of one request are played in their order, and the last of them again and again. A request without an
 * exchange is answered 404.
 */
export async function replay(exchanges: readonly Exchange[]): Promise<ReplayServer> {
  const queues = groupBy(exchanges, ({ request }) => request);
  const asked: Asked[] = [];
  const sent: Record<string, unknown> = {};
  const server = createServer((request, response) => {
    void answer(request, response).catch(() => request.socket.destroy());
  });
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const own = await readRequest(request);
    asked.push(own);
    note(own, sent);
    const after = own.query.get('after');
    const queue = queues.get(after === null ? own.request : `${own.request}?after=${after}`);
    const next = queue !== undefined && queue.length > 1 ? queue.shift() : queue?.[0];
    if (next?.fault === 'hold') return;
    if (next?.fault === 'close') return void request.socket.destroy();
    const { status = 200, headers = {}, body } = next ?? NOT_FOUND;
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(Buffer.isBuffer(body) ? body : filled(body, sent));
  };
  return {
    ...(await onLoopback(server)),
    asked,
    of: (request) => asked.filter((each) => each.request === request),
  };
}

const NOT_FOUND = {
  status: 404,
  headers: {},
  body: {
    error: { message: 'no such exchange', type: 'invalid_request_error', code: 'not_found' },
  },
};

export async function readRequest(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const url = new URL(request.url ?? '', 'http://loopback');
  const type = request.headers['content-type'] ?? '';
  return {
    request: `${request.method} ${url.pathname}`,
    query: url.searchParams,
    headers: request.headers,
    body: type.includes('json') && bytes.length > 0 ? (JSON.parse(bytes.toString()) as Json) : null,
    form: type.startsWith('multipart/') ? await formOf(bytes, type) : null,
    bytes,
  };
}

async function formOf(bytes: Buffer, type: string): Promise<Record<string, string>> {
  const form = await new Response(bytes, { headers: { 'content-type': type } }).formData();
  const fields: Record<string, string> = {};
  for (const [name, value] of form.entries()) {
    fields[name] = typeof value === 'string' ? value : await value.text();
    if (typeof value !== 'string') fields.filename = value.name;
  }
  return fields;
}

function note({ body, form }: Asked, sent: Record<string, unknown>): void {
  const metadata = body?.metadata as Json | undefined;
  if (metadata?.lorikeet_run !== undefined) sent.marker = metadata.lorikeet_run;
  if (form?.file !== undefined) {
    sent.filename = form.filename;
    sent.bytes = Buffer.byteLength(form.file);
  }
}

const filled = (body: unknown, sent: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(body, (_key, value: unknown) =>
    typeof value === 'string' && value.startsWith('$') ? (sent[value.slice(1)] ?? value) : value,
  );
