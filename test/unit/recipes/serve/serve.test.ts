/** The server on a tiny model: the same tokens as `generate`, all its forms and fields, refusals, its end. */
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateSchema, loadConfig, serveSchema } from '../../../../src/config/index.js';
import { chatCompletion, endpointSettings, openEndpoint } from '../../../../src/endpoint/index.js';
import { runGenerate } from '../../../../src/recipes/generate.js';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import { openSampler } from '../../../../src/recipes/sampling/open-sampler.js';
import { type RunningServer, startServing } from '../../../../src/recipes/serve.js';
import { renderPrompt } from '../../../../src/tokenizer/index.js';
import { type JsonRow, toJsonl } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { filesIn } from '../../../support/files-in.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';
import { writeRandomAdapter } from '../random-adapter.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const TEMPLATE =
  "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
const SHARED = ['threads=1', 'rollout_precision=float32'];
const { base: model } = tinyTraining(dir);
let server: RunningServer;

const serving = (...words: string[]): Promise<RunningServer> => {
  const keys = [`model=${model}`, 'port=0', `chat_template_path=${at('chat.jinja')}`, ...SHARED];
  return startServing(loadConfig(serveSchema, { overrides: [...keys, ...words] }), SILENT);
};

beforeAll(async () => {
  writeFileSync(at('chat.jinja'), TEMPLATE);
  for (const name of ['adapter-a', 'adapter-b']) writeRandomAdapter({ model, dir: at(name) });
  const adapters = `adapter=${JSON.stringify([at('adapter-a'), at('adapter-b')])}`;
  const bounds = ['max_queue=40', 'max_body_kib=8', 'max_new_tokens=12'];
  // By ONNX Runtime's operators what is kept gives other last bits.
  server = await serving(adapters, ...bounds, 'prefix_cache_mib=0');
}, 120_000);
afterAll(async () => {
  await server.close();
});

async function post(path: string, body: unknown) {
  const isSent = typeof body === 'string' || body instanceof Uint8Array;
  const text = isSent ? body : JSON.stringify(body);
  const reply = await fetch(server.baseUrl + path, { method: 'POST', body: text });
  return { status: reply.status, body: (await reply.json()) as JsonRow };
}

/** The chunks of a stream, without the last line. */
async function stream(path: string, body: JsonRow): Promise<JsonRow[]> {
  const text = JSON.stringify({ ...body, stream: true });
  const reply = await fetch(server.baseUrl + path, { method: 'POST', body: text });
  expect(reply.headers.get('content-type')).toBe('text/event-stream');
  const events = (await reply.text()).trimEnd().split('\n\n');
  expect(events.at(-1)).toBe('data: [DONE]');
  return events.slice(0, -1).map((line) => JSON.parse(line.replace(/^data: /, '')));
}

const read = async (url: string) => (await (await fetch(url)).json()) as JsonRow;
const openAt = async (baseUrl: string) =>
  (await read(baseUrl.replace('/v1', '/health'))).open_completions;
const choices = (body: JsonRow) => body.choices as JsonRow[];
const contentOf = (choice: JsonRow) => (choice.message as JsonRow).content;
const HELLO = [{ role: 'user', content: '12+34=' }];
const MESSAGES = [
  { role: 'system', content: 'Add.' },
  ...[...HELLO, { role: 'assistant', content: '46' }, { role: 'user', content: 'é5+1=' }],
];

async function generate(output: string, ...words: string[]): Promise<JsonRow[]> {
  const files = [`model=${model}`, `input=${at('in.jsonl')}`, `output=${at(output)}`];
  const keys = ['temperature=0', 'max_new_tokens=20', `chat_template_path=${at('chat.jinja')}`];
  const overrides = [...files, ...keys, ...SHARED, 'overwrite=true', ...words];
  await runGenerate(loadConfig(generateSchema, { overrides, env: {} }), SILENT);
  return jsonl(output);
}

describe('tokens', () => {
  it.each(['base', 'adapter-a'])('are those of generate, of %s by our client', async (name) => {
    const rows = [{ prompt: '1+2=' }, { prompt: '77+1=' }, { messages: MESSAGES }];
    writeFileSync(at('in.jsonl'), toJsonl(rows));
    const served = name === 'base' ? model : at(name);
    const own = await generate('own.jsonl', ...(name === 'base' ? [] : [`adapter=${served}`]));
    const remoteKeys = [`server.base_url=${server.baseUrl}`, `server.model=${served}`];
    const remote = await generate('remote.jsonl', 'engine=server', ...remoteKeys);
    const columns = ['completion_ids', 'completion', 'logprobs', 'finish_reason'] as const;
    const picked = (row: JsonRow) => columns.map((column) => row[column]);
    expect(own.some(({ completion_ids: ids }) => (ids as number[]).length > 5)).toBe(true);
    expect(remote.map(picked)).toEqual(own.map(picked));
    const settings = endpointSettings({ baseUrl: server.baseUrl, env: {} });
    const chat = await chatCompletion(openEndpoint(settings), {
      model: served,
      messages: MESSAGES,
      settings: { temperature: 0, max_tokens: 20, return_token_ids: true },
    });
    expect(chat.choice.token_ids).toEqual(own[2]!.completion_ids);
    expect(chat.text).toBe(own[2]!.completion);
    const source = await openModel({ model, chat_template_path: at('chat.jinja') }, SILENT);
    source.close();
    const { body } = await post('/chat/completions', { messages: MESSAGES, max_tokens: 1 });
    const prompt = renderPrompt(source.tokenizer, { messages: MESSAGES });
    expect((body.usage as JsonRow).prompt_tokens).toBe(prompt.length);
  });

  it('differ between base and adapters, whatever is served in between', async () => {
    const ask = async (name: string) => {
      const asked = { model: name, messages: HELLO, temperature: 0, return_token_ids: true };
      return choices((await post('/chat/completions', asked)).body)[0]!.token_ids;
    };
    const names = [at('adapter-a'), at('adapter-b'), model];
    const alone: unknown[] = [];
    for (const name of names) alone.push(await ask(name));
    expect(new Set(alone.map(String)).size).toBe(3);
    const mixed = await Promise.all([...names, ...names, ...names].map(ask));
    expect(mixed).toEqual([...alone, ...alone, ...alone]);
  });

  it('are the same for the same seed, and others for none', async () => {
    const ask = async (changes: JsonRow) => {
      const { body } = await post('/completions', { prompt: '1+', n: 3, ...changes });
      return choices(body).map(({ text }) => text);
    };
    const seeded = await ask({ seed: 4 });
    expect(new Set(seeded).size).toBe(3);
    expect(await ask({ seed: 4 })).toEqual(seeded);
    expect(await ask({ seed: 5 })).not.toEqual(seeded);
    expect(await ask({})).not.toEqual(await ask({}));
  });
});

describe('streams', () => {
  it('put together are the whole answer, with several choices and counts', async () => {
    const asked = { messages: MESSAGES, n: 2, seed: 9, logprobs: true, return_token_ids: true };
    const { body } = await post('/chat/completions', asked);
    const options = { stream_options: { include_usage: true } };
    const chunks = await stream('/chat/completions', { ...asked, ...options });
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: body.usage });
    expect(new Set(chunks.slice(0, -1).map(({ usage }) => usage))).toEqual(new Set([null]));
    for (const whole of choices(body)) {
      const parts = chunks.flatMap(choices).filter(({ index }) => index === whole.index);
      const deltas = parts.map(({ delta }) => delta as JsonRow);
      expect(deltas[0]).toEqual({ role: 'assistant', content: '' });
      expect(deltas.map(({ content }) => content ?? '').join('')).toBe(contentOf(whole));
      expect(parts.flatMap(({ token_ids: ids }) => ids ?? [])).toEqual(whole.token_ids);
      const contents = parts.flatMap(({ logprobs }) => (logprobs as JsonRow)?.content ?? []);
      expect(contents).toEqual((whole.logprobs as JsonRow).content);
      const written = (contents as JsonRow[]).filter(
        ({ token }) => !/^<.*>$/.test(token as string),
      );
      const bytes = written.flatMap(({ bytes: some }) => some as number[]);
      expect(Buffer.from(bytes).toString()).toBe(contentOf(whole));
      const reasons = parts.map(({ finish_reason: reason }) => reason);
      expect(reasons.filter(Boolean)).toEqual([whole.finish_reason]);
    }
  });

  it('say nothing of the token that ends them, as the whole answer', async () => {
    const asked = { prompt: '1+', temperature: 0, max_tokens: 9, min_tokens: 9 };
    const free = await post('/completions', { ...asked, return_token_ids: true });
    const ids = choices(free.body)[0]!.token_ids as number[];
    const end = { prompt: '1+', temperature: 0, stop_token_ids: [ids[0]!] };
    const { body } = await post('/completions', end);
    expect(choices(body)[0]).toMatchObject({ text: '', finish_reason: 'stop' });
    const chunks = (await stream('/completions', end)).flatMap(choices);
    expect(chunks.map(({ text }) => text).join('')).toBe('');
    expect(chunks.every((chunk) => !('usage' in chunk))).toBe(true);
  });

  it('of texts come in pieces, each of its prompt', async () => {
    const asked = { prompt: ['1+1=', [5, 6, 7]], temperature: 0, min_tokens: 10, logprobs: 0 };
    const { body } = await post('/completions', asked);
    const chunks = await stream('/completions', asked);
    expect(chunks.length).toBeGreaterThan(6);
    const texts = [0, 1].map((choice) =>
      chunks
        .flatMap(choices)
        .filter(({ index }) => index === choice)
        .map(({ text }) => text)
        .join(''),
    );
    expect(texts).toEqual(choices(body).map(({ text }) => text));
    const offsets = (some: JsonRow[]) =>
      some.flatMap(({ logprobs }) => (logprobs as JsonRow).text_offset as number[]);
    const streamed = chunks.flatMap(choices).filter(({ index }) => index === 0);
    expect(offsets(streamed)).toEqual(offsets(choices(body).slice(0, 1)));
  });
});

describe('fields', () => {
  it('stop, min_tokens, logit_bias and the length hold', async () => {
    const asked = { prompt: '1+', temperature: 0, max_tokens: 9, min_tokens: 9 };
    const { body } = await post('/completions', asked);
    const text = choices(body)[0]!.text as string;
    expect(choices(body)[0]).toMatchObject({ finish_reason: 'length' });
    expect(body.usage).toMatchObject({ completion_tokens: 9 });
    const stop = text.slice(-2);
    const cut = await post('/completions', { ...asked, stop: [stop, 'never'] });
    const expected = { text: text.slice(0, text.indexOf(stop)), finish_reason: 'stop' };
    expect(choices(cut.body)[0]).toMatchObject(expected);
    const bias = { logit_bias: { 65: 100 }, return_token_ids: true };
    const biased = await post('/completions', { ...asked, ...bias });
    expect(choices(biased.body)[0]!.token_ids).toEqual(Array(9).fill(65));
  });

  it('best_of that is n hides nothing', async () => {
    const { body } = await post('/completions', { prompt: '1', n: 2, best_of: 2, max_tokens: 2 });
    expect(choices(body)).toHaveLength(2);
  });

  it('response_format allows only its JSON', async () => {
    const format = { name: 'answer', schema: { enum: ['yes', 'no'] } };
    const { body } = await post('/chat/completions', {
      messages: HELLO,
      n: 4,
      seed: 1,
      response_format: { type: 'json_schema', json_schema: format },
    });
    for (const choice of choices(body)) {
      expect(['"yes"', '"no"']).toContain(contentOf(choice));
      expect(choice.finish_reason).toBe('stop');
    }
  });

  it('messages of every role and form that OpenAI has are written as they are', async () => {
    const tokens = async (messages: JsonRow[]) => {
      const { status, body } = await post('/chat/completions', { messages, max_tokens: 1 });
      expect(status, JSON.stringify(body)).toBe(200);
      return (body.usage as JsonRow).prompt_tokens;
    };
    const said = { role: 'assistant', content: '46', refusal: null, annotations: [] };
    const parts = [
      { type: 'text', text: '12+' },
      { type: 'text', text: '34=' },
    ];
    const plain = await tokens(
      [{ role: 'system', content: 'Add.' }, ...HELLO, MESSAGES[2]!].concat({
        role: 'tool',
        content: '46',
      }),
    );
    const forms = [
      { role: 'developer', content: 'Add.' },
      ...[{ role: 'user', content: parts }, said],
      { role: 'tool', content: '46', tool_call_id: 'call_1' },
    ];
    expect(await tokens(forms)).toBe(plain);
  });

  it('that mean nothing here, or nothing at their value, are taken', async () => {
    const { status } = await post('/chat/completions', {
      messages: HELLO,
      user: 'me',
      presence_penalty: 0,
      frequency_penalty: 0,
      top_p: null,
      tool_choice: 'none',
      top_logprobs: 0,
      stream: false,
      store: false,
      max_tokens: 2,
      max_completion_tokens: 2,
      modalities: ['text'],
    });
    expect(status).toBe(200);
  });

  it.each<[JsonRow, string | null, RegExp]>([
    [{ presence_penalty: 0.5 }, 'presence_penalty', /not supported.*repetition_penalty/],
    [{ frequency_penalty: -1 }, 'frequency_penalty', /not supported/],
    [{ functions: [] }, 'functions', /tools is its newer name/],
    [{ top_logprobs: 3 }, 'top_logprobs', /it needs logprobs: true/],
    [{ logprobs: true, top_logprobs: 21 }, 'top_logprobs', /21 is not a whole .* <= 20/],
    [{ temprature: 1 }, 'temprature', /nearest known field is temperature/],
    [{ temperature: -1 }, 'temperature', /-1 is not a number >= 0 and <= 10/],
    [{ n: 1.5 }, 'n', /1.5 is not a whole number >= 1 and <= 128/],
    [{ max_tokens: 0 }, 'max_tokens', /0 is not a whole number >= 1/],
    [{ max_tokens: 200 }, 'max_tokens', /answer up to 200, the context 128/],
    [{ stop: 7 }, 'stop', /neither a text nor a list/],
    [{ stop: '' }, 'stop', /stops nothing/],
    [{ logit_bias: { x: 1 } }, 'logit_bias', /map token ids/],
    [{ logit_bias: { 99999: 1 } }, 'logit_bias', /has no token 99999.*ids from 0 to/],
    [{ stop_token_ids: [-1] }, 'stop_token_ids', /has no token -1/],
    [{ min_tokens: 13 }, 'min_tokens', /13 is more than the 12 tokens.*max_tokens/],
    [{ temperature: 1e-40 }, 'temperature', /1e-40 is neither 0 nor at least 0.0001/],
    [{ repetition_penalty: 1e-40 }, 'repetition_penalty', /is not a number >= 0.01 and <= 100/],
    [{ repetition_penalty: 1e300 }, 'repetition_penalty', /is not a number >= 0.01 and <= 100/],
    [{ n: 41 }, 'n', /41 are more completions than the queue holds \(40\).*max_queue/],
    [{ stream_options: {} }, 'stream_options', /needs stream: true/],
    [
      { stream: true, stream_options: { include_usage: 1 } },
      'stream_options.include_usage',
      /1 is not true or false/,
    ],
    [{ stream: true, stream_options: { usage: true } }, 'stream_options.usage', /no such field/],
    [{ max_tokens: 3, max_completion_tokens: 4 }, 'max_tokens', /3 is not the 4 of max_comp.*one/],
    [{ modalities: ['text', 'audio'] }, 'modalities', /the answers are text/],
    [
      { chat_template_kwargs: { 'a(': 1 } },
      'chat_template_kwargs',
      /chat_template_kwargs.a\(: the chat template reads no such name/,
    ],
    [
      { messages: [...HELLO, { role: 'oracle', content: 'x' }] },
      'messages[1].role',
      /"oracle" is none of system, developer, user, assistant, tool/,
    ],
    [{ messages: [{ from: 'human', value: 'x' }] }, 'messages[0].role', /nothing is none of/],
    [{ messages: ['Hello'] }, 'messages[0]', /"Hello" is not \{role, content\}/],
    [
      { messages: [{ role: 'user', content: 'x', name: 'Ann' }] },
      'messages[0].name',
      /the chat template reads no such field. Leave it out/,
    ],
    [
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] },
      'messages',
      /expected \{role, content\} with texts/,
    ],
    [{ messages: null }, 'messages', /it is missing/],
    [{ messages: 'Hello' }, 'messages', /no list of \{role, content\}/],
    [{ messages: { role: 'user', content: 'x' } }, 'messages', /no list of/],
    [{ messages: [{ role: 'user' }] }, 'messages', /expected \{role, content\}/],
    [{ response_format: { type: 'xml' } }, 'response_format', /none of text, json_object/],
  ])('%j is refused', async (changes, param, message) => {
    const { status, body } = await post('/chat/completions', { messages: HELLO, ...changes });
    const error = body.error as JsonRow;
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ type: 'invalid_request_error', param });
    expect(status).toBe(400);
  });

  it.each<[JsonRow, string, RegExp]>([
    [{ prompt: 7 }, 'prompt', /neither a text nor token ids/],
    [{ prompt: '1', echo: true }, 'echo', /not part of the answer/],
    [{ prompt: '1', logprobs: 21 }, 'logprobs', /21 is not a whole number >= 0 and <= 20/],
    [{ prompt: '1', best_of: 3 }, 'best_of', /n gives them all/],
    [{ prompt: ['1', '2'], n: 21 }, 'prompt', /21 each of 2 prompts are more .* holds \(40\)/],
    [
      { prompt: ['1', [5, 99999]] },
      'prompt',
      /^prompt: the model has no token 99999\. Give ids from/,
    ],
  ])('%j of a completion is refused', async (asked, param, message) => {
    const { status, body } = await post('/completions', asked);
    expect([status, (body.error as JsonRow).param]).toEqual([400, param]);
    expect((body.error as JsonRow).message).toMatch(message);
  });
});

describe('top_logprobs', () => {
  const told = (list: unknown) => list as { token: string; logprob: number; bytes: number[] }[];

  it('of a chat are the likeliest tokens of each place, as `score` has them', async () => {
    const asked = { model, messages: HELLO, max_tokens: 3, temperature: 0 };
    const fields = { logprobs: true, top_logprobs: 20, return_token_ids: true };
    const { body } = await post('/chat/completions', { ...asked, ...fields });
    const [choice] = choices(body);
    const content = (choice!.logprobs as JsonRow).content as JsonRow[];
    expect(content).toHaveLength(3);
    const source = await openModel({ model, chat_template_path: at('chat.jinja') }, SILENT);
    const sampler = await openSampler(source, {
      threads: 1,
      maxBatch: 64,
      maxPromptLength: 100,
      maxNewTokens: 1,
    });
    const before = renderPrompt(source.tokenizer, { messages: HELLO });
    const all = Array.from({ length: source.spec.vocabSize }, (_, id) => id);
    for (const [place, { top_logprobs: top, ...own }] of content.entries()) {
      const logprobs = (await sampler.score(all.map((id) => [...before, id]))).map(
        (row) => row.at(-1)!,
      );
      const best = all.toSorted((a, b) => logprobs[b]! - logprobs[a]!).slice(0, 20);
      expect(told(top).map(({ token }) => token)).toEqual(
        best.map((id) => source.tokenizer.decode([id])),
      );
      for (const [i, { logprob }] of told(top).entries()) {
        expect(logprob).toBeCloseTo(logprobs[best[i]!]!, 4);
      }
      if (place === 0) expect(told(top)[0]).toEqual(own);
      before.push((choice!.token_ids as number[])[place]!);
    }
    sampler.dispose();
    source.close();
  });

  it('of a text are by token, with the one that was sampled; the same in pieces', async () => {
    const asked = { prompt: '1+', seed: 3, max_tokens: 8, min_tokens: 8, logprobs: 2 };
    const { body } = await post('/completions', asked);
    const {
      tokens,
      token_logprobs: own,
      top_logprobs: top,
    } = choices(body)[0]!.logprobs as {
      tokens: string[];
      token_logprobs: number[];
      top_logprobs: Record<string, number>[];
    };
    expect(tokens).toHaveLength(8);
    for (const [i, token] of tokens.entries()) {
      const logprobs = Object.values(top[i]!);
      expect(top[i]![token]).toBeGreaterThanOrEqual(own[i]!);
      expect(logprobs.length).toBeLessThanOrEqual(3);
      expect(logprobs[0]).toBe(Math.max(...logprobs));
    }
    expect(top.some((each) => Object.keys(each).length === 3)).toBe(true);
    const chunks = await stream('/completions', asked);
    const pieces = chunks.flatMap(choices).map(({ logprobs }) => logprobs as JsonRow);
    expect(pieces.flatMap(({ top_logprobs: some }) => some)).toEqual(top);
  });

  it('are null or empty where none are asked for', async () => {
    const text = await post('/completions', { prompt: '1+', logprobs: 0, max_tokens: 2 });
    expect((choices(text.body)[0]!.logprobs as JsonRow).top_logprobs).toBeNull();
    const chat = { messages: HELLO, logprobs: true, max_tokens: 1 };
    const { body } = await post('/chat/completions', chat);
    const [first] = (choices(body)[0]!.logprobs as JsonRow).content as JsonRow[];
    expect(first!.top_logprobs).toEqual([]);
  });
});

describe('the next turn of a chat', () => {
  it('computes what is new of its prompt, with the same answer', async () => {
    const other = await serving('max_new_tokens=12', 'temperature=0');
    const ask = async (baseUrl: string, messages: readonly JsonRow[]) => {
      const body = JSON.stringify({ model, messages, temperature: 0, max_tokens: 6 });
      const reply = await fetch(`${baseUrl}/chat/completions`, { method: 'POST', body });
      const { choices: all, usage } = (await reply.json()) as JsonRow;
      const details = (usage as JsonRow).prompt_tokens_details as JsonRow;
      return {
        content: contentOf((all as JsonRow[])[0]!),
        cached: details.cached_tokens as number,
      };
    };
    const FIRST = [{ role: 'system', content: 'Add the numbers, please.' }, ...HELLO];
    const first = await ask(other.baseUrl, FIRST);
    expect(first.cached).toBe(0);
    const said = { role: 'assistant', content: first.content };
    const messages = [...FIRST, said, { role: 'user', content: '1' }];
    const second = await ask(other.baseUrl, messages);
    const source = await openModel({ model, chat_template_path: at('chat.jinja') }, SILENT);
    source.close();
    const former = renderPrompt(source.tokenizer, { messages: FIRST }).length;
    expect(second.cached).toBeGreaterThanOrEqual(former);
    expect(await ask(server.baseUrl, messages)).toEqual({ content: second.content, cached: 0 });
    await other.close();
  });
});

describe('bounds', () => {
  it.each<[string, unknown, number, RegExp]>([
    ['/completions', 'x'.repeat(9000), 413, /larger than 8192 bytes.*max_body_kib/],
    ['/completions', 'oops', 400, /not JSON/],
    [
      '/completions',
      `{"prompt":"a","user":${'['.repeat(2000)}${']'.repeat(2000)}}`,
      400,
      /nested deeper/,
    ],
    ['/completions', Buffer.from('{"prompt":"\xe9"}', 'latin1'), 400, /not UTF-8/],
    ['/completions', { prompt: '1', model: 'x' }, 404, /Served are .*adapter-a/],
    ['/nothing', {}, 404, /Known are/],
    ['/models', {}, 405, /Use GET/],
  ])('%s refuses what is too much or nowhere: %#', async (path, asked, status, message) => {
    const reply = await post(path, asked);
    expect((reply.body.error as JsonRow).message).toMatch(message);
    expect(reply.status).toBe(status);
  });

  it.each([
    ['HEAD', '/models', 200, null],
    ['DELETE', '/models', 405, 'GET, HEAD'],
    ['GET', '/completions', 405, 'POST'],
    ['HEAD', '/completions', 405, 'POST'],
  ])('%s %s has status %i and allows %s', async (method, path, status, allow) => {
    const reply = await fetch(`${server.baseUrl}${path}`, { method });
    expect(reply.status).toBe(status);
    expect(reply.headers.get('allow')).toBe(allow);
    expect((await reply.text()) === '').toBe(method === 'HEAD');
  });

  it.each<[string, number, Record<string, string>]>([
    ['/v1/models/%E0%A4%A', 400, {}],
    ['//', 404, {}],
    ['/v1/models?a=b', 200, {}],
    ['/v1/models', 200, { origin: 'http://localhost:3000', host: '[::1]:80' }],
    ['/v1/models', 403, { origin: 'https://example.org' }],
    ['/v1/models', 403, { origin: 'null' }],
    ['/v1/models', 403, { host: 'rebound.example.org', origin: 'http://rebound.example.org' }],
    ['/health', 403, { host: '127.0.0.1.example.org' }],
  ])('GET %s has status %i with %j', async (path, expected, headers) => {
    const { port } = new URL(server.baseUrl);
    const status = await new Promise((resolve, reject) => {
      const asked = get({ port, path, headers }, (reply) => resolve(reply.resume().statusCode));
      asked.on('error', reject);
    });
    expect(status).toBe(expected);
  });

  it('/v1/models lists adapters and base, /health says ok', async () => {
    const { data } = await read(`${server.baseUrl}/models`);
    const names = [at('adapter-a'), at('adapter-b'), model];
    expect((data as JsonRow[]).map(({ id }) => id)).toEqual(names);
    const one = encodeURIComponent(model);
    expect(await read(`${server.baseUrl}/models/${one}`)).toMatchObject({ id: model });
    const health = await read(server.baseUrl.replace('/v1', '/health'));
    expect(health).toEqual({ status: 'ok', open_completions: 0 });
  });
});

describe('the server', () => {
  it('asks for the key, and refuses one that is not set or a port in use', async () => {
    process.env.LORIKEET_TEST_KEY = 'secret';
    const other = await serving('api_key_env=LORIKEET_TEST_KEY');
    const status = async (headers: Record<string, string>) =>
      (await fetch(`${other.baseUrl}/models`, { headers })).status;
    expect(await status({})).toBe(401);
    expect(await status({ authorization: 'Bearer wrong' })).toBe(401);
    expect(await status({ authorization: 'Bearer secret' })).toBe(200);
    const { port } = new URL(other.baseUrl);
    await expect(serving(`port=${port}`)).rejects.toThrow(/the port is in use/);
    await other.close();
    await expect(serving('api_key_env=NO_SUCH_KEY')).rejects.toThrow(/NO_SUCH_KEY is not set/);
    await expect(serving('max_model_len=500')).rejects.toThrow(/more than the model's context/);
  });

  const LONG = { prompt: '1+', n: 32, max_tokens: 120, min_tokens: 120 };

  it('ends open requests with an error when it stops, whole and streamed', async () => {
    const other = await serving();
    const open = [false, true].map(async (isStream) => {
      const body = JSON.stringify({ ...LONG, stream: isStream });
      const reply = await fetch(`${other.baseUrl}/completions`, { method: 'POST', body });
      return { status: reply.status, text: await reply.text() };
    });
    while ((await openAt(other.baseUrl)) !== 64);
    await other.close();
    const [whole, streamed] = await Promise.all(open);
    expect(whole).toEqual({ status: 503, text: expect.stringMatching(/the server stops/) });
    expect(streamed!.status).toBe(200);
    expect(streamed!.text).toMatch(/the server stops.*\n\ndata: \[DONE\]\n\n$/);
  });

  it('frees the place of a client that is gone', async () => {
    const gone = new AbortController();
    const body = JSON.stringify(LONG);
    const asked = fetch(`${server.baseUrl}/completions`, {
      method: 'POST',
      body,
      signal: gone.signal,
    });
    while ((await openAt(server.baseUrl)) !== 32);
    const full = await post('/completions', { prompt: '1', n: 9 });
    expect(full.status).toBe(429);
    expect((full.body.error as JsonRow).message).toMatch(/32 .* 9 more .* queue holds 40/);
    gone.abort();
    await expect(asked).rejects.toThrow(/abort/i);
    await expect.poll(() => openAt(server.baseUrl)).toBe(0);
  });
});
