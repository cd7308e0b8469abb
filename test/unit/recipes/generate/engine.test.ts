/** `generate` on a server: what is sent for each form, what stands in the rows, what goes on. */
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generateSchema, loadConfig } from '../../../../src/config/index.js';
import { runGenerate } from '../../../../src/recipes/generate.js';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import { type JsonRow, toJsonl } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { filesIn } from '../../../support/files-in.js';
import {
  type Answer,
  type Asked,
  chatAnswer,
  startServer,
  type TestServer,
} from '../../../support/model-server.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { tinyTraining } from '../../../support/tiny-training.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const { base: model } = tinyTraining(dir);
let server: TestServer;
let logged: string[] = [];

const rows = [{ prompt: '1+2=', tag: 'x' }, { messages: [{ role: 'user', content: '3+4=' }] }];
writeFileSync(at('in.jsonl'), toJsonl(rows));

async function generate(
  name: string,
  answer: (asked: Asked, index: number) => Answer,
  ...words: string[]
): Promise<JsonRow[]> {
  server = await startServer(answer);
  const keys = [`input=${at('in.jsonl')}`, `output=${at(name)}`, 'max_new_tokens=6'];
  const where = ['engine=server', `server.base_url=${server.baseUrl}`, 'server.max_attempts=1'];
  const overrides = [...keys, ...where, ...words];
  logged = [];
  await runGenerate(loadConfig(generateSchema, { overrides, env: {} }), logInto(logged));
  return jsonl(name);
}

const FORMAT = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'integer' } } };
const format = `response_format=${JSON.stringify(FORMAT)}`;

const completion = (text: string) => ({
  choices: [
    { text, token_ids: [5, 6], finish_reason: 'stop', logprobs: { token_logprobs: [-1, -2] } },
  ],
  usage: { prompt_tokens: 4, completion_tokens: 2 },
});

describe('generate engine=server', () => {
  it('sends the ids of the local tokenizer to completions', async () => {
    const words = [`model=${model}`, 'server.model=served', 'prompt_template={prompt}', format];
    const rows = await generate('ids.jsonl', () => ({ body: completion('3') }), ...words);
    const { tokenizer, close } = await openModel({ model }, logInto([]));
    close();
    const sent = server.asked.map(({ body }) => body!);
    expect(sent.map(({ prompt }) => prompt)).toEqual([
      tokenizer.encode('1+2='),
      tokenizer.encode('3+4='),
    ]);
    expect(sent[0]).toMatchObject({ model: 'served', response_format: FORMAT });
    expect(rows[0]).toMatchObject({
      tag: 'x',
      completion: '3',
      completion_ids: [5, 6],
      logprobs: [-1, -2],
      adapter: null,
      finish_reason: 'stop',
      prompt_tokens: 4,
      completion_tokens: 2,
      reasoning: null,
    });
  });

  it('keeps a completion that the server filtered, and says so', async () => {
    const filtered = { message: { content: null }, finish_reason: 'content_filter' };
    const said = { message: { content: '3' }, finish_reason: 'stop' };
    const words = ['model=remote-model', 'server.api=chat', 'server.max_concurrency=1'];
    const answer = (_: unknown, index: number) => ({
      body: { choices: [index === 0 ? filtered : said] },
    });
    const rows = await generate('filtered.jsonl', answer, ...words);
    expect(rows.map((row) => [row.completion, row.finish_reason])).toEqual([
      ['', 'content_filter'],
      ['3', 'stop'],
    ]);
    expect(logged.join()).toMatch(/content filter cut 1 of 2 completions/);
  });

  it('sends messages to the Responses form, without a local model', async () => {
    const words = ['model=remote-model', 'server.api=responses', 'server.reasoning.effort=low'];
    const more = ['server.reasoning.summary=auto', 'system_prompt="Be brief."', format];
    const body = {
      status: 'completed',
      model: 'remote-model',
      output: [
        { type: 'reasoning', summary: [{ text: 'Adding.' }] },
        { type: 'message', content: [{ type: 'output_text', text: '7' }] },
      ],
      usage: { input_tokens: 9, output_tokens: 8, output_tokens_details: { reasoning_tokens: 6 } },
    };
    const rows = await generate('responses.jsonl', () => ({ body }), ...words, ...more);
    expect(server.asked[0]!.body).toMatchObject({
      input: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: '1+2=' },
      ],
      reasoning: { effort: 'low', summary: 'auto' },
      text: { format: { type: 'json_schema', name: 'n', schema: { type: 'integer' } } },
    });
    expect(rows[1]).toMatchObject({
      completion: '7',
      reasoning: 'Adding.',
      reasoning_tokens: 6,
      completion_ids: [],
    });
  });

  it('goes on after a failure with what is missing', async () => {
    const words = ['model=m', 'server.api=chat', 'num_generations=3'];
    const chat = (text: string) => ({
      choices: [{ message: { content: text }, finish_reason: 'stop' }],
    });
    let good = 0;
    const failing = generate(
      'again.jsonl',
      (_, index) =>
        index === 4 ? { status: 400, body: 'no', delayMs: 30 } : { body: chat(`${good++}`) },
      ...words,
      'server.max_concurrency=1',
    );
    await expect(failing).rejects.toThrow(/it answered 400/);
    const kept = jsonl('again.jsonl.part');
    expect(kept.length).toBe(4);
    const rows = await generate(
      'again.jsonl',
      () => ({ body: chat('new') }),
      ...words,
      'resume=auto',
    );
    expect(server.asked.length).toBe(2);
    expect(rows.map(({ completion: text }) => text)).toEqual(['0', '1', '2', '3', 'new', 'new']);
  });

  it('keeps what is graded while another request fails', async () => {
    const input = [{ role: 'user', content: 'Score {{sample.output_text}}' }];
    const judge = { type: 'score_model', name: 'judge', model: 'm', input };
    writeFileSync(at('judge.json'), JSON.stringify(judge));
    writeFileSync(at('graded.jsonl.part'), 'earlier');
    const answer = ({ body }: Asked, index: number): Answer => {
      if (JSON.stringify(body).includes('Score')) {
        return { body: chatAnswer('{"result": 0.5}'), delayMs: 300 };
      }
      return index === 0 ? { body: chatAnswer('one') } : { status: 400, body: 'no', delayMs: 60 };
    };
    server = await startServer(answer);
    const words = ['model=m', 'server.api=chat', 'server.max_concurrency=1', 'overwrite=true'];
    const graded = [
      ...[`rewards=[{name: judge, grader: ${at('judge.json')}}]`, 'judge.cache_dir=null'],
      `judge.base_url=${server.baseUrl}`,
    ];
    const call = generate('graded.jsonl', answer, ...words, ...graded);
    await expect(call).rejects.toThrow(/it answered 400/);
    expect(jsonl('graded.jsonl.part')).toMatchObject([{ completion: 'one', reward: 0.5 }]);
  });

  it('refuses rows with tools where the server writes the messages', async () => {
    const row = { messages: [{ role: 'user', content: '3+4=' }], tools: [{ name: 'add' }] };
    writeFileSync(at('tools.jsonl'), toJsonl([row]));
    const words = ['model=m', 'server.api=chat', `input=${at('tools.jsonl')}`];
    await expect(generate('none.jsonl', () => ({ body: '' }), ...words)).rejects.toThrow(
      /tools\.jsonl:1: tools: server\.api=chat leaves it to the server/,
    );
  });

  it.each([
    [['server.api=chat', 'stop_tokens=["x"]'], /^stop_tokens: they need the local tokenizer/],
    [
      ['server.api=chat', 'prompt_template="{prompt}"'],
      /^prompt_template: server\.api=chat leaves/,
    ],
    [
      ['server.api=chat', 'chat_template_kwargs={enable_thinking: false}'],
      /^chat_template_kwargs: server\.api=chat leaves .*server\.extra_body/s,
    ],
    [['server.api=chat', 'server.base_url=nowhere'], /^base_url: "nowhere" is no http address/],
    [['server.api=chat', 'server.api_key_env=NO_SUCH_KEY'], /NO_SUCH_KEY is not set/],
  ])('refuses %j', async (words, message) => {
    const call = generate('refused.jsonl', () => ({}), 'model=m', ...words);
    await expect(call).rejects.toThrow(message);
    expect(server.asked).toEqual([]);
  });
});
