/** Sampling on a server, against a loopback server that answers as vLLM and OpenAI document it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { endpointSettings, openEndpoint } from '../../../../src/endpoint/index.js';
import {
  createRemoteSampler,
  PLAIN_SAMPLING,
  type RemoteSampler,
  type SamplingParams,
} from '../../../../src/rollout/index.js';
import type { RemoteSamplerOptions } from '../../../../src/rollout/remote/remote-sampler.js';
import { readSafetensors } from '../../../../src/weights/index.js';
import { goldenAdapter, goldenCase } from '../../../support/golden-rollouts.js';
import {
  type Answer,
  type Asked,
  startServer,
  type TestServer,
} from '../../../support/model-server.js';
import { temporaryFolder } from '../../../support/temporary.js';

const dir = temporaryFolder();
let server: TestServer;

const PARAMS: SamplingParams = { ...PLAIN_SAMPLING, maxNewTokens: 8, seed: 3 };

async function sampler(
  answer: (asked: Asked, index: number) => Answer,
  options: Partial<RemoteSamplerOptions> = {},
): Promise<RemoteSampler> {
  server = await startServer(answer);
  const settings = endpointSettings({
    baseUrl: server.baseUrl,
    env: {},
    retryDelayMs: 5,
    maxConcurrency: 3,
  });
  const endpoint = openEndpoint(settings);
  return createRemoteSampler({ endpoint, model: 'base', api: 'completions', ...options });
}

/** As vLLM answers `/completions` with `return_token_ids`. */
const completion = (model: unknown, text: string, ids: readonly number[]) => ({
  model,
  choices: [
    {
      index: 0,
      text,
      token_ids: ids,
      logprobs: { tokens: ids.map(String), token_logprobs: ids.map((id) => -id / 8) },
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 2, completion_tokens: ids.length },
});

describe('completions', () => {
  it('sends ids and parameters, and takes ids, log-probabilities and the reason back', async () => {
    const remote = await sampler(({ body }) => ({ body: completion(body!.model, 'hi', [4, 2]) }));
    const params: SamplingParams = {
      ...PARAMS,
      temperature: 0.5,
      topK: 7,
      topP: 0.9,
      minP: 0.1,
      repetitionPenalty: 1.2,
      minNewTokens: 2,
      stopStrings: ['\n'],
      stopIds: [9],
      logitBias: new Map([[5, -1]]),
    };
    const requests = [{ id: 'a', promptIds: [1, 2], n: 2, maxNewTokens: 4 }];
    const completions = await remote.generate(requests, params);
    expect(server.asked.map(({ path }) => path)).toEqual(['/v1/completions', '/v1/completions']);
    const [first, second] = server.asked.map(({ body }) => body!);
    expect(first).toMatchObject({
      model: 'base',
      prompt: [1, 2],
      max_tokens: 4,
      temperature: 0.5,
      top_k: 7,
      top_p: 0.9,
      min_p: 0.1,
      repetition_penalty: 1.2,
      min_tokens: 2,
      stop: ['\n'],
      stop_token_ids: [9],
      logit_bias: { 5: -1 },
      return_token_ids: true,
      logprobs: 0,
    });
    expect(first!.seed).not.toBe(second!.seed);
    expect(completions.map(({ sampleIndex }) => sampleIndex)).toEqual([0, 1]);
    expect(completions[0]).toMatchObject({
      requestId: 'a',
      promptIds: [1, 2],
      ids: [4, 2],
      text: 'hi',
      finishReason: 'stop',
      adapter: null,
      reasoning: null,
      usage: { promptTokens: 2, completionTokens: 2, reasoningTokens: null },
    });
    expect([...completions[0]!.logprobs]).toEqual([-0.5, -0.25]);
  });

  it('asks with the same seeds whatever else is asked for, and leaves defaults out', async () => {
    const remote = await sampler(({ body }) => ({ body: completion(body!.model, '', []) }));
    await remote.generate([{ id: 'b', promptIds: [3], n: 1, samples: [1] }], PARAMS);
    const ids = ['a', 'b', 'c'].map((id) => ({ id, promptIds: [3], n: 2 }));
    await remote.generate(ids, PARAMS);
    const [alone, ...together] = server.asked.map(({ body }) => body!.seed);
    expect(together.filter((seed) => seed === alone).length).toBe(1);
    expect(new Set(together).size).toBe(6);
    expect(Object.keys(server.asked[0]!.body!).sort()).toEqual([
      ...['logprobs', 'max_tokens', 'model', 'prompt', 'return_token_ids', 'seed', 'temperature'],
    ]);
  });

  it('has no ids and no log-probabilities where the server gives none', async () => {
    const remote = await sampler(() => ({
      body: { choices: [{ text: 'x', finish_reason: 'length', logprobs: null }] },
    }));
    const [only] = await remote.generate([{ id: 'a', promptIds: [1], n: 1 }], PARAMS);
    expect(only).toMatchObject({ ids: [], text: 'x', finishReason: 'length' });
    expect(only!.logprobs.length).toBe(0);
  });

  it('tries again, and never has more requests on their way than allowed', async () => {
    const seen = new Set<unknown>();
    const remote = await sampler(({ body }) => {
      const isFirst = !seen.has(body!.seed);
      seen.add(body!.seed);
      return isFirst
        ? { status: 503, body: { error: 'busy' }, delayMs: 5 }
        : { body: completion(body!.model, 'y', [1]), delayMs: 5 };
    });
    const completions = await remote.generate([{ id: 'a', promptIds: [1], n: 8 }], PARAMS);
    expect(completions.map(({ text }) => text)).toEqual(Array(8).fill('y'));
    expect(server.mostAtOnce()).toBeLessThanOrEqual(3);
  });

  it('tries again after an answer that is none', async () => {
    const remote = await sampler(({ body }, index) => ({
      body: index === 0 ? { choices: [] } : completion(body!.model, 'y', [1]),
    }));
    const [only] = await remote.generate([{ id: 'a', promptIds: [1], n: 1 }], PARAMS);
    expect(only).toMatchObject({ text: 'y' });
    expect(server.asked.length).toBe(2);
  });

  it('has a completion without text of a prompt that the server filters', async () => {
    const error = { code: 'content_filter', message: 'The prompt was filtered' };
    const remote = await sampler(({ body }) =>
      (body!.prompt as number[])[0] === 2
        ? { status: 400, body: { error } }
        : { body: completion(body!.model, 'y', [1]) },
    );
    const requests = [1, 2].map((id) => ({ id: String(id), promptIds: [id], n: 1 }));
    const completions = await remote.generate(requests, PARAMS);
    expect(completions.map(({ text, finishReason }) => [text, finishReason])).toEqual([
      ['y', 'stop'],
      ['', 'content_filter'],
    ]);
    expect(server.asked.length).toBe(2);
  });

  it('fails with what the server says, after handing over what was done', async () => {
    const done: string[] = [];
    const remote = await sampler(({ body }) =>
      (body!.prompt as number[])[0] === 2
        ? { status: 400, body: { error: { message: 'no such prompt' } }, delayMs: 30 }
        : { body: completion(body!.model, 'y', [1]) },
    );
    const requests = [1, 2].map((id) => ({ id: String(id), promptIds: [id], n: 1 }));
    const onCompletion = ({ requestId }: { requestId: string }) => done.push(requestId);
    await expect(remote.generate(requests, PARAMS, { onCompletion })).rejects.toThrow(
      /completions: it answered 400: no such prompt/,
    );
    expect(done).toEqual(['1']);
  });

  it.each([
    [{ model: 'other', choices: [] }, /it answered by the model other, asked for was base/],
    [{ choices: [] }, /its answer holds no choices\[0\]\.text/],
    [{ choices: [{ text: '', finish_reason: 'error' }] }, /the completion ended by "error"/],
    [{ choices: [{ text: '' }] }, /does not say how the completion ended \(finish_reason\)/],
    [{ error: { message: 'model is loading' } }, /choices\[0\]\.text: .*model is loading/],
  ])('refuses the answer %j', async (body, message) => {
    const remote = await sampler(() => ({ body }));
    const request = { id: 'a', promptIds: [1], n: 1 };
    await expect(remote.generate([request], PARAMS)).rejects.toThrow(message);
  });

  it('takes log-probabilities of other tokens than its ids for none', async () => {
    const answer = completion('base', 'hi', [4, 2]);
    answer.choices[0]!.logprobs.token_logprobs.pop();
    const remote = await sampler(() => ({ body: answer }));
    const [one] = await remote.generate([{ id: 'a', promptIds: [1], n: 1 }], PARAMS);
    expect(one).toMatchObject({ ids: [4, 2], logprobs: new Float32Array(0) });
  });

  it('stops for a signal with aborted completions', async () => {
    const abort = new AbortController();
    const remote = await sampler(({ body }, index) => {
      if (index === 1) abort.abort();
      return index === 0 ? { body: completion(body!.model, 'y', [1]) } : {};
    });
    const requests = [{ id: 'a', promptIds: [1], n: 4 }];
    const completions = await remote.generate(requests, PARAMS, { signal: abort.signal });
    expect(completions.map(({ finishReason }) => finishReason).sort()).toEqual([
      ...['aborted', 'aborted', 'aborted', 'stop'],
    ]);
  });

  it('refuses a constraint, which it could not hold to, and prompts without ids', async () => {
    const remote = await sampler(() => ({ body: {} }));
    const constraint = { start: () => expect.unreachable() };
    const request = { id: 'a', promptIds: [1], n: 1 };
    await expect(remote.generate([request], { ...PARAMS, constraint })).rejects.toThrow(
      /^response_format: a server constrains/,
    );
    await expect(remote.generate([{ ...request, promptIds: [] }], PARAMS)).rejects.toThrow(
      /request a: api=completions needs token ids/,
    );
    expect(server.asked).toEqual([]);
  });
});

describe('chat', () => {
  it('sends messages, and takes reasoning and log-probabilities back', async () => {
    const remote = await sampler(
      () => ({
        body: {
          model: 'base-2025',
          choices: [
            {
              message: { role: 'assistant', content: 'Hi', reasoning_content: 'Hm' },
              token_ids: [7, 8],
              logprobs: { content: [{ logprob: -1 }, { logprob: -0.5 }] },
              finish_reason: 'stop',
            },
          ],
          usage: {
            prompt_tokens: 5,
            completion_tokens: 9,
            completion_tokens_details: { reasoning_tokens: 6 },
          },
        },
      }),
      { api: 'chat', extra: { response_format: { type: 'json_object' } } },
    );
    const messages = [{ role: 'user', content: 'hello' }];
    const [only] = await remote.generate([{ id: 'a', promptIds: [], messages, n: 1 }], PARAMS);
    expect(server.asked[0]).toMatchObject({
      path: '/v1/chat/completions',
      body: { messages, logprobs: true, response_format: { type: 'json_object' } },
    });
    expect(only).toMatchObject({
      text: 'Hi',
      ids: [7, 8],
      reasoning: 'Hm',
      finishReason: 'stop',
      usage: { promptTokens: 5, completionTokens: 9, reasoningTokens: 6 },
    });
    expect([...only!.logprobs]).toEqual([-1, -0.5]);
  });

  const messages = [{ role: 'user', content: 'hello' }];
  const answerOf = async (message: unknown) => {
    const body = { choices: [{ message, finish_reason: 'stop' }] };
    const remote = await sampler(() => ({ body }), { api: 'chat' });
    const [only] = await remote.generate([{ id: 'a', promptIds: [], messages, n: 1 }], PARAMS);
    return only!.text;
  };

  it.each([
    [{ content: [{ type: 'text', text: 'Hi' }, { type: 'thinking' }, { text: '!' }] }, 'Hi!'],
    [{ content: null, reasoning_content: 'Hm' }, ''],
  ])('reads the text of %j', async (message, text) => {
    expect(await answerOf(message)).toBe(text);
  });

  it.each(['hello', null, { content: 42 }, { content: { text: 'hello' } }])(
    'refuses the message %j, and takes it for no empty text',
    async (message) => {
      await expect(answerOf(message)).rejects.toThrow(
        /its answer holds no choices\[0\]\.message: \{"choices":/,
      );
    },
  );
});

describe('models that reason', () => {
  const messages = [{ role: 'user', content: 'hello' }];
  const asked = async (options: Partial<RemoteSamplerOptions>, temperature: number) => {
    const choices = [{ message: { content: 'Hi' }, finish_reason: 'stop' }];
    const reply = { choices, status: 'completed', output: [] };
    const remote = await sampler(() => ({ body: reply }), options);
    const request = { id: 'a', promptIds: [], messages, n: 1 };
    await remote.generate([request], { ...PARAMS, temperature });
    return Object.keys(server.asked[0]!.body!).sort();
  };
  const effort = { reasoning_effort: 'low' };

  // As OpenAI's reference of chat completions has it for these models.
  it('are sent no logprobs, their own limit, and no temperature of 1', async () => {
    const fields = ['max_completion_tokens', 'messages', 'model', 'reasoning_effort', 'seed'];
    expect(await asked({ api: 'chat', extra: effort }, 1)).toEqual(fields);
    expect(await asked({ api: 'chat', extra: effort }, 0.5)).toEqual([...fields, 'temperature']);
    const plain = ['logprobs', 'max_tokens', 'messages', 'model', 'seed', 'temperature'];
    expect(await asked({ api: 'chat' }, 1)).toEqual(plain);
  });

  it('are sent no temperature of 1 in the Responses form', async () => {
    const fields = ['input', 'max_output_tokens', 'model', 'reasoning', 'store'];
    const extra = { reasoning: { effort: 'low' } };
    expect(await asked({ api: 'responses', extra }, 1)).toEqual(fields);
    const summary = { reasoning: { summary: 'auto' } };
    expect(await asked({ api: 'responses', extra: summary }, 1)).toEqual([
      ...fields,
      'temperature',
    ]);
  });
});

describe('responses', () => {
  const answer = (changes: object = {}) => ({
    model: 'base',
    status: 'completed',
    output: [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'First.' }, { text: 'Then.' }] },
      { type: 'message', content: [{ type: 'output_text', text: '42', logprobs: [] }] },
    ],
    usage: { input_tokens: 11, output_tokens: 30, output_tokens_details: { reasoning_tokens: 25 } },
    ...changes,
  });
  const messages = [{ role: 'user', content: '6·7?' }];
  const request = { id: 'a', promptIds: [], messages, n: 1 };

  it('sends what it knows, and takes the summary and the counts of tokens back', async () => {
    const reasoning = { effort: 'low', summary: 'auto' };
    const remote = await sampler(() => ({ body: answer() }), {
      api: 'responses',
      extra: { reasoning },
    });
    const [only] = await remote.generate([request], { ...PARAMS, topP: 0.5 });
    expect(server.asked[0]).toMatchObject({ path: '/v1/responses' });
    expect(server.asked[0]!.body).toEqual({
      model: 'base',
      input: messages,
      max_output_tokens: 8,
      top_p: 0.5,
      store: false,
      reasoning,
    });
    expect(only).toMatchObject({
      text: '42',
      ids: [],
      reasoning: 'First.\n\nThen.',
      finishReason: 'stop',
      usage: { promptTokens: 11, completionTokens: 30, reasoningTokens: 25 },
    });
  });

  it('knows an answer that ran out of tokens, and one that failed', async () => {
    const incomplete = {
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
    };
    const remote = await sampler(
      (_, index) => ({
        body: answer(index === 0 ? incomplete : { status: 'failed', error: { code: 'x' } }),
      }),
      { api: 'responses' },
    );
    const [only] = await remote.generate([request], PARAMS);
    expect(only!.finishReason).toBe('length');
    await expect(remote.generate([request], PARAMS)).rejects.toThrow(/its status is "failed"/);
  });

  it('knows an answer that the server filtered', async () => {
    const incomplete_details = { reason: 'content_filter' };
    const filtered = answer({ status: 'incomplete', incomplete_details, output: [] });
    const remote = await sampler(() => ({ body: filtered }), { api: 'responses' });
    const [only] = await remote.generate([request], PARAMS);
    expect(only).toMatchObject({ finishReason: 'content_filter', text: '' });
  });

  it('names a parameter that it does not have', async () => {
    const remote = await sampler(() => ({ body: answer() }), { api: 'responses' });
    await expect(remote.generate([request], { ...PARAMS, topK: 3 })).rejects.toThrow(
      /^top_k: the Responses form has no such parameter/,
    );
  });
});

describe('adapters on the server', () => {
  const adapter = goldenAdapter(goldenCase('llama'));
  const text = (path: string) => /lora_adapter$/.test(path);

  it('are written, loaded, asked for by a name of their content, and unloaded', async () => {
    const remote = await sampler(
      ({ path, body }) =>
        text(path) ? { body: 'Success' } : { body: completion(body!.model, 'y', [1]) },
      { adapterDir: dir },
    );
    const { hash, syncMs } = await remote.setAdapter(adapter);
    expect(hash).toBe(remote.adapterHash);
    expect(syncMs).toBeGreaterThan(0);
    const { lora_name: name, lora_path: path } = server.asked[0]!.body as Record<string, string>;
    expect(server.asked[0]!.path).toBe('/v1/load_lora_adapter');
    expect(name).toBe(`lorikeet-${hash!.slice(0, 16)}`);
    expect(readSafetensors(join(path!, 'adapter_model.safetensors')).size).toBeGreaterThan(0);
    expect(existsSync(join(path!, 'adapter_config.json'))).toBe(true);
    const [only] = await remote.generate([{ id: 'a', promptIds: [1], n: 1 }], PARAMS);
    expect(server.asked[1]!.body!.model).toBe(name);
    expect(only!.adapter).toBe(hash);
    await remote.setAdapter(adapter);
    expect(server.asked.length).toBe(2);
    expect((await remote.setAdapter(null)).hash).toBe(null);
    expect(server.asked[2]).toMatchObject({
      path: '/v1/unload_lora_adapter',
      body: { lora_name: name },
    });
  });

  it('count as loaded when the server has them already', async () => {
    const body = { error: { message: 'The lora adapter has already been loaded.' } };
    const remote = await sampler(() => ({ status: 400, body }), { adapterDir: dir });
    expect((await remote.setAdapter(adapter)).hash).not.toBe(null);
  });

  it('are an error when the server answers by the base model, or has no folder for them', async () => {
    const remote = await sampler(
      ({ path }) => (text(path) ? { body: 'ok' } : { body: completion('base', 'y', [1]) }),
      { adapterDir: dir },
    );
    await remote.setAdapter(adapter);
    await expect(remote.generate([{ id: 'a', promptIds: [1], n: 1 }], PARAMS)).rejects.toThrow(
      /it answered by the model base, asked for was lorikeet-/,
    );
    const without = await sampler(() => ({ body: 'ok' }));
    await expect(without.setAdapter(adapter)).rejects.toThrow(/^adapter_dir: the server needs/);
    expect(without.adapterHash).toBe(null);
  });
});

describe('score', () => {
  it('reads the log-probabilities of the prompt', async () => {
    const remote = await sampler(({ body }) => ({
      body: {
        model: 'base',
        choices: [
          {
            prompt_logprobs: (body!.prompt as number[]).map((id, i) =>
              i === 0 ? null : { [id]: { logprob: -id / 4, rank: 1 }, 99: { logprob: -9 } },
            ),
          },
        ],
      },
    }));
    const scores = await remote.score([
      [3, 1, 2],
      [5, 4],
    ]);
    expect(scores.map((values) => [...values])).toEqual([[-0.25, -0.5], [-1]]);
    expect(server.asked[0]!.body).toMatchObject({ prompt_logprobs: 0, max_tokens: 1 });
  });

  it('says when the server gives none', async () => {
    const remote = await sampler(() => ({ body: { choices: [{ text: 'x' }] } }));
    await expect(remote.score([[1, 2]])).rejects.toThrow(
      /gives no log-probabilities of the prompt/,
    );
  });
});
