/** A loopback server that answers by a script and records what it was asked. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { onLoopback } from './loopback.js';

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Record<string, unknown> | null;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** Text is sent as it is; anything else as JSON. Undefined never answers. */
  readonly body?: unknown;
  readonly delayMs?: number;
}

export interface TestServer {
  readonly baseUrl: string;
  readonly asked: Asked[];
  /** Requests being answered at the same time, at most. */
  readonly mostAtOnce: () => number;
  close(): Promise<void>;
}

export async function startServer(
  answer: (asked: Asked, index: number) => Answer,
): Promise<TestServer> {
  const asked: Asked[] = [];
  let now = 0;
  let most = 0;
  const server = createServer(async (request, response) => {
    most = Math.max(most, ++now);
    let text = '';
    for await (const chunk of request) text += chunk;
    const { method = '', url = '', headers } = request;
    asked.push({ method, path: url, headers, body: text === '' ? null : JSON.parse(text) });
    const {
      status = 200,
      headers: extra = {},
      body,
      delayMs = 0,
    } = answer(asked.at(-1)!, asked.length - 1);
    if (delayMs > 0) await new Promise((done) => setTimeout(done, delayMs));
    now--;
    if (body === undefined) return;
    response.writeHead(status, { 'content-type': 'application/json', ...extra });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  const { address, close } = await onLoopback(server);
  return {
    baseUrl: `${address}/v1`,
    asked,
    mostAtOnce: () => most,
    close,
  };
}

/** A chat completion as a server sends it. */
export function chatAnswer(content: string, usage = { prompt_tokens: 10, completion_tokens: 2 }) {
  return {
    choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }],
    usage,
  };
}
