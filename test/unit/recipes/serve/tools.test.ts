/** Tools in the shapes of OpenAI's API (function calling), from answers that are given here. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import type { ServedModel, ServedModels } from '../../../../src/recipes/sampling/served-models.js';
import { createHttpServer } from '../../../../src/recipes/serve/http-server.js';
import { Scheduler } from '../../../../src/recipes/serve/scheduler.js';
import { type FinishReason, PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import type { JsonRow } from '../../../../src/util/files.js';
import { SILENT } from '../../../support/context.js';
import { type Loopback, onLoopback } from '../../../support/loopback.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const dir = temporaryFolder();
/** In the manner of Qwen 2.5. */
const TAUGHT =
  '{%- if tools %}{{ "<tools>" }}{% for tool in tools %}{{ tool | tojson }}{% endfor %}{{ "</tools>\\nCall by\\n<tool_call>\\n{{\\"name\\": <function-name>, \\"arguments\\": <args-json-object>}}\\n</tool_call>\\n" }}{% endif %}';
const CALLS =
  '{% if m.tool_calls %}{% for call in m.tool_calls %}<tool_call>{{ call.function.arguments | tojson }}</tool_call>{% endfor %}{% endif %}';
const TURNS = `{% for m in messages %}[{{ m.role }}]{{ m.content }}${CALLS}\n{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}`;

const servers = new Map<string, Loopback>();
/** What the model writes next, why it ends, and what it was given. */
const script: { text: string; finishReason: FinishReason; prompt: string } = {
  text: '',
  finishReason: 'stop',
  prompt: '',
};

/** A server whose model has this chat template. */
async function serve(name: string, base: string, template: string) {
  const path = join(dir, `${name}.jinja`);
  writeFileSync(path, template);
  const source = await openModel({ model: base, chat_template_path: path }, SILENT);
  source.close();
  const model: ServedModel = { name, source, adapter: null, version: null };
  const sampler: Pick<ServedModels['sampler'], 'generate'> = {
    async generate(requests, _params, { onToken, onCompletion } = {}) {
      for (const { id: requestId, promptIds } of requests) {
        const { text, finishReason } = script;
        script.prompt = source.tokenizer.decode(promptIds);
        const ids = source.tokenizer.encode(text, { addSpecialTokens: false });
        const logprobs = Float32Array.from(ids, () => -0.5);
        for (const id of ids) onToken?.({ requestId, sampleIndex: 0, id, logprob: -0.5 });
        onCompletion?.({
          requestId,
          sampleIndex: 0,
          promptIds,
          ids,
          text,
          logprobs,
          finishReason,
          adapter: null,
          seconds: 0,
        });
      }
      return [];
    },
  };
  const served = { sampler, use: async () => undefined } as unknown as ServedModels;
  const params = { ...PLAIN_SAMPLING, maxNewTokens: 50, seed: 0 };
  const server = createHttpServer({
    settings: {
      ...{ models: [model], maxContext: 4096, params, render: {}, maxQueue: 8 },
      constraintOf: () => null,
    },
    scheduler: new Scheduler(served),
    host: '127.0.0.1',
    maxBody: 2 ** 20,
    apiKey: null,
    signal: new AbortController().signal,
    log: () => undefined,
  });
  servers.set(name, await onLoopback(server));
}

const { base } = tinyTraining(dir);

beforeAll(async () => {
  await serve('hermes', base, TAUGHT + TURNS);
  await serve('plain', base, TURNS);
  await serve('other', base, `{% if tools %}<function=name>{% endif %}${TURNS}`);
}, 120_000);

const USER = { role: 'user', content: 'What is 1 + 2?' };
const ADD = {
  type: 'function',
  function: {
    name: 'add',
    description: 'Adds two numbers.',
    parameters: { type: 'object', properties: { a: { type: 'number' }, b: { type: 'number' } } },
  },
};

async function ask(body: JsonRow, name = 'hermes') {
  const all = JSON.stringify({ messages: [USER], tools: [ADD], ...body });
  const url = `${servers.get(name)!.address}/v1/chat/completions`;
  const reply = await fetch(url, { method: 'POST', body: all });
  return { status: reply.status, text: await reply.text() };
}

interface Choice {
  readonly message: JsonRow;
  readonly finish_reason: string;
}

async function choiceOf(body: JsonRow = {}): Promise<Choice> {
  const { text } = await ask(body);
  return (JSON.parse(text) as { choices: Choice[] }).choices[0]!;
}

const writes = (text: string, finishReason: FinishReason = 'stop') =>
  Object.assign(script, { text, finishReason });
const call = (a: number) =>
  `<tool_call>\n{"name": "add", "arguments": {"a": ${a}, "b": 2}}\n</tool_call>`;
const called = (a: number) => ({
  id: expect.stringMatching(/^call_[\w-]+$/),
  type: 'function',
  function: { name: 'add', arguments: `{"a":${a},"b":2}` },
});

describe('calls', () => {
  it('are apart from the text, with arguments as JSON text', async () => {
    writes(call(1));
    expect(await choiceOf()).toEqual({
      index: 0,
      logprobs: null,
      finish_reason: 'tool_calls',
      message: { role: 'assistant', content: null, refusal: null, tool_calls: [called(1)] },
    });
    writes(`I add.\n${call(1)}\n${call(5)}\n`);
    const { message } = await choiceOf();
    expect(message).toMatchObject({ content: 'I add.\n', tool_calls: [called(1), called(5)] });
  });

  it('come in a stream when they are whole, behind the text', async () => {
    writes(`I add <some>.\n${call(1)}${call(5)}`);
    const { text } = await ask({ stream: true });
    const events = text.trimEnd().split('\n\n').slice(0, -1);
    const deltas = events.map((line) => {
      const { choices } = JSON.parse(line.replace(/^data: /, '')) as JsonRow;
      const [{ delta, finish_reason: reason }] = choices as [JsonRow];
      return { ...(delta as JsonRow), reason } as JsonRow;
    });
    expect(deltas.map(({ content }) => (content as string) ?? '').join('')).toBe('I add <some>.\n');
    expect(deltas.filter(({ content }) => content).length).toBeGreaterThan(2);
    const calls = deltas.flatMap(({ tool_calls: some }) => (some as JsonRow[]) ?? []);
    expect(calls).toEqual([
      { index: 0, ...called(1) },
      { index: 1, ...called(5) },
    ]);
    expect(deltas.map(({ reason }) => reason).filter(Boolean)).toEqual(['tool_calls']);
    expect(deltas.at(-1)).toEqual({ reason: 'tool_calls' });
  });

  it.each([
    ['is cut', `I add. ${call(1).slice(0, 40)}`, 'length'],
    ['is no JSON', call(1).replace('}}', '}'), 'stop'],
    ['has no name', call(1).replace('name', 'nome'), 'stop'],
    ['is there twice, once cut', `${call(1)}<tool_call>{`, 'length'],
  ] as const)('are text where one %s, whole and streamed', async (_, text, reason) => {
    writes(text, reason);
    const { message, finish_reason: finish } = await choiceOf();
    expect(message).toEqual({ role: 'assistant', content: text, refusal: null });
    expect(finish).toBe(reason);
    const streamed = await ask({ stream: true });
    const pieces = [...streamed.text.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)];
    expect(pieces.map(([, piece]) => JSON.parse(piece!)).join('')).toBe(text);
  });

  it('are not looked for where no tool may be called', async () => {
    writes(call(1));
    const without = await choiceOf({ tools: null });
    expect(without).toMatchObject({ message: { content: call(1) }, finish_reason: 'stop' });
    expect(await choiceOf({ tool_choice: 'none' })).toEqual(without);
    expect(script.prompt).not.toContain('<tools>');
  });
});

describe('the prompt', () => {
  it('has the tools, and earlier calls with their arguments as objects', async () => {
    writes('3');
    const tool_calls = [
      { id: 'call_1', type: 'function', function: { name: 'add', arguments: '{"a": 1, "b": 2}' } },
    ];
    const messages = [
      ...[USER, { role: 'assistant', content: null, tool_calls }],
      { role: 'tool', content: '3', tool_call_id: 'call_1' },
    ];
    expect(await choiceOf({ messages })).toMatchObject({ message: { content: '3' } });
    expect(script.prompt).toContain(`<tools>{"type": "function", "function": {"name": "add"`);
    expect(script.prompt).toContain('<tool_call>{"a": 1, "b": 2}</tool_call>[tool]3');
  });

  it('has an empty object for arguments that are an empty text', async () => {
    writes('3');
    const tool_calls = [{ id: 'c', type: 'function', function: { name: 'now', arguments: '' } }];
    const answer = { role: 'tool', content: '12:00', tool_call_id: 'c' };
    await choiceOf({ messages: [USER, { role: 'assistant', content: null, tool_calls }, answer] });
    expect(script.prompt).toContain('<tool_call>{}</tool_call>[tool]12:00');
  });
});

describe('refused', () => {
  const broken = {
    messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'add', arguments: '{' } }] }],
  };
  it.each<[JsonRow, string, RegExp]>([
    [{ tools: [] }, 'tools', /\[\] is no list of \{type: "function", function\}/],
    [{ tools: [{ name: 'add' }] }, 'tools[0]', /is not \{type: "function", function\}/],
    [{ tools: [{ type: 'function', function: {} }] }, 'tools[0].function.name', /is no name/],
    [
      { tools: [{ type: 'function', function: { name: 'add', strict: true } }] },
      'tools[0].function.strict',
      /true is not supported/,
    ],
    [{ tool_choice: 'required' }, 'tool_choice', /for the model to say/],
    [{ parallel_tool_calls: false }, 'parallel_tool_calls', /how often it calls/],
    [{ response_format: { type: 'json_object' } }, 'response_format', /calls no tool/],
    [broken, 'messages[0].tool_calls[0].function.arguments', /"\{" is not JSON/],
  ])('%j', async (body, param, message) => {
    const { status, text } = await ask(body);
    const { error } = JSON.parse(text) as { error: JsonRow };
    expect([status, error.param]).toEqual([400, param]);
    expect(error.message).toMatch(message);
  });

  it.each([
    ['plain', /tools are not called: the chat template has no place for them/],
    ['other', /asks for calls of another form than <tool_call>\{"name": …, "arguments": …\}/],
  ])('of a model with a template that is %s', async (name, message) => {
    const { status, text } = await ask({}, name);
    expect(status).toBe(400);
    expect((JSON.parse(text) as { error: JsonRow }).error.message).toMatch(message);
  });
});
