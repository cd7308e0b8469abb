import { readdirSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { noAnswer } from '../../../src/endpoint/failures.js';
import {
  chatCompletion,
  EndpointError,
  embeddings,
  endpointSettings,
  openEndpoint,
} from '../../../src/endpoint/index.js';
import type { EndpointChoice } from '../../../src/endpoint/settings.js';
import { rejectionOf } from '../../support/failures.js';
import { onLoopback } from '../../support/loopback.js';
import {
  type Answer,
  chatAnswer,
  startServer,
  type TestServer,
} from '../../support/model-server.js';
import { temporaryFolder } from '../../support/temporary.js';

function open(server: TestServer, options: Partial<EndpointChoice> = {}) {
  const settings = endpointSettings({
    baseUrl: server.baseUrl,
    env: {},
    retryDelayMs: 1,
    ...options,
  });
  return openEndpoint(settings);
}

const request = { model: 'judge', messages: [{ role: 'user', content: 'Is 4 right?' }] };

const ANSWERED = { latencyMs: 1, isCached: false };

const failure = (work: Promise<unknown>) => rejectionOf(EndpointError, work);

describe('settings', () => {
  it('reads the key from the environment only, and demands the one that is named', () => {
    const env = { OPENAI_API_KEY: 'k1', MINE: 'k2' };
    const baseUrl = 'http://127.0.0.1:1/v1/';
    expect(endpointSettings({ baseUrl, env }).apiKey).toBe('k1');
    expect(endpointSettings({ baseUrl, env, apiKeyEnv: 'MINE' }).apiKey).toBe('k2');
    expect(endpointSettings({ baseUrl, env: {} })).toMatchObject({
      apiKey: null,
      baseUrl: 'http://127.0.0.1:1/v1',
    });
    expect(() => endpointSettings({ baseUrl, env: {}, apiKeyEnv: 'MINE' })).toThrow('Set MINE');
  });

  it.each([
    [null, 'no endpoint is named'],
    ['api.example.com', 'no http address'],
    ['ftp://host/v1', 'no http address'],
    ['http://me:secret@host/v1', 'holds a user name'],
  ])('refuses the address %s', (baseUrl, problem) => {
    expect(() => endpointSettings({ baseUrl, env: {} })).toThrow(problem);
  });
});

describe('chatCompletion', () => {
  it('sends the request with the key and reads text, counts and cost', async () => {
    const server = await startServer(() => ({ body: chatAnswer('yes') }));
    const endpoint = open(server, {
      env: { OPENAI_API_KEY: 'secret' },
      prices: { input: 2, output: 10 },
    });
    const reply = await chatCompletion(endpoint, { ...request, settings: { temperature: 0 } });
    expect(reply).toMatchObject({ text: 'yes', finishReason: 'stop', isCached: false });
    expect(server.asked[0]).toMatchObject({ method: 'POST', path: '/v1/chat/completions' });
    expect(server.asked[0]?.headers.authorization).toBe('Bearer secret');
    expect(server.asked[0]?.body).toEqual({ ...request, temperature: 0 });
    // (10 · 2 + 2 · 10) / 1e6
    expect(endpoint.stats()).toMatchObject({
      requests: 1,
      prompt_tokens: 10,
      completion_tokens: 2,
      cost: 4e-5,
    });
  });

  it('tries again after 429, 500 and broken JSON, and counts it', async () => {
    const bad: Answer[] = [{ status: 429, body: {} }, { status: 500, body: 'x' }, { body: '{' }];
    const server = await startServer((_, index) => bad[index] ?? { body: chatAnswer('yes') });
    const endpoint = open(server);
    expect((await chatCompletion(endpoint, request)).text).toBe('yes');
    expect(endpoint.stats()).toMatchObject({ retries: 3, failed: 0 });
  });

  it('tries again after an answer without its form, and counts it', async () => {
    const server = await startServer((_, index) => ({
      body: index === 0 ? {} : chatAnswer('yes'),
    }));
    const endpoint = open(server);
    expect((await chatCompletion(endpoint, request)).text).toBe('yes');
    expect(endpoint.stats()).toMatchObject({ retries: 1, failed: 0 });
  });

  it("has no limit of time but its own: that of Node's fetch does not hold", async () => {
    const server = await startServer(() => ({ body: chatAnswer('yes'), delayMs: 2500 }));
    await fetch('data:,');
    const name = Symbol.for('undici.globalDispatcher.1');
    const dispatchers = globalThis as unknown as Record<symbol, object>;
    const usual = dispatchers[name]!;
    onTestFinished(() => {
      dispatchers[name] = usual;
    });
    const Agent = usual.constructor as new (options: object) => object;
    dispatchers[name] = new Agent({ headersTimeout: 100 });
    const [plain, own] = await Promise.allSettled([
      fetch(`${server.baseUrl}/chat/completions`, { method: 'POST', body: '{}' }),
      chatCompletion(open(server, { attempts: 1 }), request),
    ]);
    const cause = { cause: { code: 'UND_ERR_HEADERS_TIMEOUT' } };
    expect(plain).toMatchObject({ status: 'rejected', reason: cause });
    expect(own).toMatchObject({ status: 'fulfilled', value: { text: 'yes' } });
  });

  it('waits as long as the server asks', async () => {
    const server = await startServer((_, index) =>
      index === 0
        ? { status: 429, headers: { 'retry-after': '0.2' }, body: {} }
        : { body: chatAnswer('yes') },
    );
    const start = performance.now();
    await chatCompletion(open(server), request);
    expect(performance.now() - start).toBeGreaterThan(190);
  });

  it('reads a date in Retry-After', async () => {
    const headers = { 'retry-after': 'Fri, 01 Jan 2100 00:00:00 GMT' };
    const server = await startServer(() => ({ status: 503, headers, body: {} }));
    const error = await failure(chatCompletion(open(server, { attempts: 1 }), request));
    expect(error.retry?.afterMs).toBeGreaterThan(1e9);
  });

  it.each([
    [{ status: 429, body: { error: { code: 'insufficient_quota' } } }, 'credit'],
    [{ status: 400, body: { error: { type: 'invalid_request_error' } } }, 'does not accept'],
    [
      { status: 400, body: { error: { message: "'response_format.type' must be 'json_schema'" } } },
      'answers by a JSON schema only',
    ],
    [
      { status: 400, body: { error: { message: 'response_format json_schema is not supported' } } },
      'does not take this response_format',
    ],
    [
      { status: 400, body: { error: { message: "response_format.type must be 'text'" } } },
      'does not take this response_format',
    ],
    [{ status: 401, body: {} }, 'Set the key'],
    [{ status: 404, body: 'not here' }, 'Check base_url'],
    [
      { status: 404, body: { error: { type: 'invalid_request_error', message: 'no such page' } } },
      'Check base_url',
    ],
    [
      { status: 302, headers: { location: 'http://127.0.0.1:9/v1' }, body: {} },
      'answered 302. Give base_url as it is at http://127.0.0.1:9/v1',
    ],
  ])('gives up at once on %j', async (answer, message) => {
    const server = await startServer(() => answer);
    const error = await failure(chatCompletion(open(server), request));
    expect(error.message).toContain(message);
    expect(error.kind).toBe('refused');
    expect(server.asked).toHaveLength(1);
  });

  it.each([
    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) value is supported.",
    "Unsupported parameter: 'temperature' is not supported with this model.",
  ])('says how a model that reasons is asked: %s', async (message) => {
    const error = { type: 'invalid_request_error', message };
    const server = await startServer(() => ({ status: 400, body: { error } }));
    const { message: said } = await failure(chatCompletion(open(server), request));
    expect(said).toContain('temperature=1');
  });

  it('gives up after the last try, on silence as `timeout`', async () => {
    const server = await startServer(() => ({}));
    const endpoint = open(server, { timeoutMs: 50, attempts: 2 });
    const error = await failure(chatCompletion(endpoint, request));
    expect(error.kind).toBe('timeout');
    expect(server.asked).toHaveLength(2);
    expect(endpoint.stats()).toMatchObject({ retries: 1, failed: 1 });
  });

  it('says where nothing listens', async () => {
    const server = await startServer(() => ({}));
    await server.close();
    const error = await failure(chatCompletion(open(server, { attempts: 1 }), request));
    expect(error.kind).toBe('unreachable');
    expect(error.message).toContain('ECONNREFUSED');
  });

  it('waits for an address that never answered in one request only', async () => {
    let isUp = false;
    let tries = 0;
    const settings = endpointSettings({
      baseUrl: 'http://127.0.0.1:1/v1',
      env: {},
      attempts: 3,
      retryDelayMs: 1,
    });
    const endpoint = openEndpoint(settings, async ({ url }) => {
      tries++;
      if (isUp) return { body: { choices: [{ message: { content: 'yes' } }] }, ...ANSWERED };
      throw noAnswer(url, new Error('connect', { cause: { code: 'ECONNREFUSED' } }), 1000);
    });
    const triesOf = async (message?: string) => {
      tries = 0;
      const sent = chatCompletion(endpoint, request);
      if (message === undefined) expect((await sent).text).toBe('yes');
      else expect((await failure(sent)).message).toBe(message);
      return tries;
    };
    const refused =
      'http://127.0.0.1:1/v1/chat/completions: could not be reached (ECONNREFUSED). Check base_url and that the server runs';
    expect([await triesOf(refused), await triesOf(refused)]).toEqual([3, 1]);
    isUp = true;
    expect(await triesOf()).toBe(1);
    // It has answered: an outage is waited out.
    isUp = false;
    expect([await triesOf(refused), await triesOf(refused)]).toEqual([3, 3]);
  });

  it('says that Node leaves a proxy aside where one is set', () => {
    vi.stubEnv('HTTPS_PROXY', 'http://proxy:3128');
    const cause = Object.assign(new Error('connect'), { code: 'ENETUNREACH' });
    const error = noAnswer('https://api.test/v1', new TypeError('fetch failed', { cause }), 1000);
    expect(error.message).toContain('HTTPS_PROXY is read with NODE_USE_ENV_PROXY=1 only');
  });

  it('says that a port is blocked, and tries once', async () => {
    const settings = endpointSettings({
      baseUrl: 'http://127.0.0.1:6000/v1',
      env: {},
      attempts: 3,
    });
    const error = await failure(chatCompletion(openEndpoint(settings), request));
    expect(error.message).toBe(
      'http://127.0.0.1:6000/v1/chat/completions: could not be reached (bad port). Give the server another port: Node blocks this one, as browsers do (the Fetch standard lists 1, 22, 6000, 6667 and more)',
    );
    expect(error.retry).toBeNull();
  });

  it('asks an address that drops packets twice, then no more for a while', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    vi.stubEnv('NODE_USE_ENV_PROXY', '1');
    onTestFinished(() => void vi.useRealTimers());
    let isUp = false;
    let tries = 0;
    const settings = endpointSettings({
      baseUrl: 'http://192.0.2.1/v1',
      env: {},
      attempts: 4,
      retryDelayMs: 1,
      maxConcurrency: 2,
    });
    const endpoint = openEndpoint(settings, async ({ url }) => {
      tries++;
      if (isUp) return { body: chatAnswer('yes'), ...ANSWERED };
      const cause = Object.assign(new Error('connect'), { code: 'UND_ERR_CONNECT_TIMEOUT' });
      throw noAnswer(url, new TypeError('fetch failed', { cause }), 120_000);
    });
    const errors = await Promise.all(
      Array.from({ length: 20 }, () => failure(chatCompletion(endpoint, request))),
    );
    const said =
      'http://192.0.2.1/v1/chat/completions: could not be reached (UND_ERR_CONNECT_TIMEOUT). Check base_url and that the server runs';
    const unsent =
      'http://192.0.2.1/v1/chat/completions: not asked: another request could not reach the server (UND_ERR_CONNECT_TIMEOUT). Check base_url and that the server runs; it is asked again 30 s later';
    expect(errors.map(({ message }) => message).sort()).toEqual([
      ...[said, said],
      ...new Array(18).fill(unsent),
    ]);
    expect(tries).toBe(4);
    expect(endpoint.stats()).toMatchObject({ requests: 20, retries: 2, failed: 20 });
    isUp = true;
    expect((await failure(chatCompletion(endpoint, request))).message).toBe(unsent);
    vi.advanceTimersByTime(30_000);
    expect((await chatCompletion(endpoint, request)).text).toBe('yes');
  });

  it('ends with its signal, without another try', async () => {
    const abort = new AbortController();
    const server = await startServer(() => {
      abort.abort(new Error('enough'));
      return {};
    });
    const sent = chatCompletion(open(server), request, { signal: abort.signal });
    await expect(sent).rejects.toThrow('enough');
    expect(server.asked).toHaveLength(1);
  });

  it('keeps to its concurrency', async () => {
    const server = await startServer(() => ({ body: chatAnswer('yes'), delayMs: 20 }));
    const endpoint = open(server, { maxConcurrency: 3 });
    await Promise.all(Array.from({ length: 12 }, () => chatCompletion(endpoint, request)));
    expect(server.mostAtOnce()).toBe(3);
  });
});

describe('the cache', () => {
  it('asks once for the same content, in one process and in the next', async () => {
    const cacheDir = temporaryFolder();
    const server = await startServer(() => ({ body: chatAnswer('yes'), delayMs: 10 }));
    const endpoint = open(server, { cacheDir });
    const both = await Promise.all([1, 2].map(() => chatCompletion(endpoint, request)));
    expect(both.map((each) => each.isCached)).toEqual([false, true]);
    const { messages, model } = request;
    expect((await chatCompletion(open(server, { cacheDir }), { messages, model })).text).toBe(
      'yes',
    );
    expect(server.asked).toHaveLength(1);
    expect(endpoint.stats()).toMatchObject({ requests: 2, cached: 1, prompt_tokens: 10 });
    await chatCompletion(endpoint, { ...request, settings: { temperature: 1 } });
    expect(server.asked).toHaveLength(2);
    expect(readdirSync(cacheDir)).not.toHaveLength(0);
  });

  it('keeps no answer without its form, and takes none from an earlier time', async () => {
    const cacheDir = temporaryFolder();
    const server = await startServer((_, index) =>
      index < 2 ? { body: { error: { message: 'overloaded' } } } : { body: chatAnswer('yes') },
    );
    const endpoint = open(server, { cacheDir, attempts: 1 });
    const error = await failure(chatCompletion(endpoint, request));
    expect(error.message).toMatch(/holds no choices\[0\].message: .*overloaded/);
    expect(readdirSync(cacheDir)).toEqual([]);
    await endpoint.post('/chat/completions', { ...request });
    expect(readdirSync(cacheDir)).toHaveLength(1);
    expect(await chatCompletion(endpoint, request)).toMatchObject({ text: 'yes', isCached: false });
    expect(await chatCompletion(endpoint, request)).toMatchObject({ text: 'yes', isCached: true });
  });

  it('keeps no failure', async () => {
    const cacheDir = temporaryFolder();
    const server = await startServer((_, index) =>
      index === 0 ? { status: 400, body: {} } : { body: chatAnswer('yes') },
    );
    const endpoint = open(server, { cacheDir });
    await failure(chatCompletion(endpoint, request));
    expect((await chatCompletion(endpoint, request)).text).toBe('yes');
  });
});

describe('an answer', () => {
  /** @param write what is sent after the head of a reply */
  async function answered(write: (response: ServerResponse) => void): Promise<EndpointError> {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      write(response);
    });
    const { address } = await onLoopback(server);
    const settings = endpointSettings({
      baseUrl: address,
      env: {},
      attempts: 1,
      timeoutMs: 20_000,
    });
    return await failure(chatCompletion(openEndpoint(settings), request));
  }

  it('that never ends is refused while it comes', async () => {
    // 65 MiB, and then nothing.
    const error = await answered(
      (response) => void response.write(Buffer.alloc(65 * 2 ** 20, ' ')),
    );
    expect([error.kind, error.message]).toEqual([
      'malformed',
      expect.stringMatching(/its answer has more than 67108864 bytes[.] Check base_url/),
    ]);
  });

  it('that is not UTF-8 is refused', async () => {
    const text = JSON.stringify(chatAnswer('y?s'));
    const broken = Buffer.from(text);
    broken[text.indexOf('?')] = 0xff;
    const error = await answered((response) => void response.end(broken));
    expect([error.kind, error.message]).toEqual([
      'malformed',
      expect.stringMatching(/its answer is not UTF-8[.] Check base_url/),
    ]);
  });
});

describe('embeddings', () => {
  it('orders the vectors by index and refuses another count', async () => {
    const data = [
      { index: 1, embedding: [0, 1] },
      { index: 0, embedding: [1, 0] },
    ];
    const server = await startServer(() => ({ body: { data } }));
    const endpoint = open(server, { attempts: 1 });
    expect(await embeddings(endpoint, { model: 'e', input: ['a', 'b'] })).toEqual([
      [1, 0],
      [0, 1],
    ]);
    const error = await failure(embeddings(endpoint, { model: 'e', input: ['a'] }));
    expect(error.kind).toBe('malformed');
  });
});
