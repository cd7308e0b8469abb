/** `generate` on a tiny checkpoint: forms of input, what a call goes on with, bad input. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { generateSchema, loadConfig } from '../../../src/config/index.js';
import { runGenerate } from '../../../src/recipes/generate.js';
import { openModel } from '../../../src/recipes/inputs/model-source.js';
import { partOf, RowStore } from '../../../src/recipes/outputs/row-store.js';
import { InputError, RunError } from '../../../src/util/errors.js';
import { type JsonRow, toJsonl } from '../../../src/util/files.js';
import { adapterHash } from '../../../src/weights/index.js';
import { rejectionOf } from '../../support/failures.js';
import { filesIn } from '../../support/files-in.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tinyTraining, withOtherEnds } from '../../support/tiny-training.js';
import { writeRandomAdapter } from './random-adapter.js';

const { dir, at, jsonl } = filesIn(temporaryFolder());
const logged: string[] = [];
const printed: string[] = [];
const context = {
  signal: new AbortController().signal,
  log: (line: string) => logged.push(line),
  print: (line: string) => printed.push(line),
  verbose: false,
};
const { base: model } = tinyTraining(dir);

async function generate(name: string, ...words: string[]): Promise<JsonRow[]> {
  const keys = ['max_new_tokens=6', 'threads=1', 'prompt_template={prompt}'];
  keys.push('rollout_precision=float32');
  const overrides = [`model=${model}`, `output=${at(name)}`, ...keys, ...words];
  await runGenerate(loadConfig(generateSchema, { overrides }), context);
  return jsonl(name);
}

const plain = ({ seconds: _, ...row }: JsonRow) => row;

const refusal = async (call: Promise<unknown>): Promise<string> =>
  (await rejectionOf(InputError, call)).message;

/** @returns The hash of the adapter that is written. */
const adapter = (name: string, r: number): string =>
  adapterHash(writeRandomAdapter({ model, dir: at(name), lora: { r } }));

describe('input', () => {
  it('is JSONL, CSV, lines of text, or one prompt, with the same completions', async () => {
    writeFileSync(at('in.jsonl'), toJsonl([{ prompt: '1+2=', tag: 'x' }, { prompt: '3+4=' }]));
    writeFileSync(at('in.csv'), 'prompt,tag\n1+2=,x\n3+4=,\n');
    writeFileSync(at('in.txt'), '1+2=\n\n3+4=\n');
    const files = ['in.jsonl', 'in.csv', 'in.txt'];
    const all: JsonRow[][] = [];
    for (const file of files) all.push(await generate(`${file}.out`, `input=${at(file)}`));
    const completions = all.map((rows) => rows.map(({ completion_ids: ids }) => ids));
    expect(completions[1]).toEqual(completions[0]);
    expect(completions[2]).toEqual(completions[0]);
    expect(all[0]![0]).toMatchObject({ prompt: '1+2=', tag: 'x', adapter: null, prompt_id: '0' });
    const [single] = await generate('one.out', 'prompt=1+2=');
    expect(single!.completion_ids).toEqual(completions[0]![0]);
  });

  it('brings ids, or messages, or text that becomes a message', async () => {
    const template = 'prompt_template="<{prompt}>"';
    writeFileSync(at('text.jsonl'), toJsonl([{ prompt: '1+2=' }]));
    writeFileSync(at('chat.jsonl'), toJsonl([{ messages: [{ role: 'user', content: '1+2=' }] }]));
    const [message] = await generate('m.out', `input=${at('chat.jsonl')}`, template);
    const [text] = await generate('t.out', `input=${at('text.jsonl')}`, template, 'chat=true');
    expect(text!.completion_ids).toEqual(message!.completion_ids);
    expect(text!.prompt).toBe('1+2=');
    const { tokenizer, close } = await openModel({ model }, context);
    close();
    writeFileSync(at('ids.jsonl'), toJsonl([{ ids: tokenizer.encode('<1+2=>') }]));
    const [ids] = await generate('i.out', `input=${at('ids.jsonl')}`);
    expect(ids!.completion_ids).toEqual(message!.completion_ids);
  });

  it('too long for the context is refused, or cut on the left and counted', async () => {
    const ids = Array.from({ length: 200 }, (_, i) => 1 + (i % 50));
    writeFileSync(at('long.jsonl'), toJsonl([{ ids }, { ids: [1, 2] }]));
    const input = `input=${at('long.jsonl')}`;
    expect(await refusal(generate('long.out', input))).toMatch(
      /long\.jsonl:1: its prompt has 200 tokens, 122 leave room for a completion/,
    );
    const rows = await generate('long.out', input, 'overlong_prompts=left');
    expect(rows.map((row) => row.prompt_tokens_cut)).toEqual([78, undefined]);
    expect(logged.at(-2)).toBe('1 of 2 prompts cut on the left, 78 tokens');
    writeFileSync(at('tail.jsonl'), toJsonl([{ ids: ids.slice(78) }]));
    const [tail] = await generate('tail.out', `input=${at('tail.jsonl')}`);
    expect(rows[0]!.completion_ids).toEqual(tail!.completion_ids);
  });

  it.each([
    ['empty', { prompt: '' }, 'bad.jsonl:1: the prompt is empty'],
    ['of no ids', { ids: [] }, 'bad.jsonl:1: the prompt is empty'],
    ['of ids that are none', { ids: [1, 'x'] }, 'bad.jsonl:1: ids: "x" is no token id'],
    ['beyond the vocabulary', { ids: [1, 99_999] }, 'token id 99999 is outside of the vocabulary'],
    ['without a prompt', { text: 'x' }, 'bad.jsonl:1: needs messages or prompt, found text'],
  ])('that is %s is named', async (_, row, message) => {
    writeFileSync(at('bad.jsonl'), toJsonl([row]));
    expect(await refusal(generate('bad.out', `input=${at('bad.jsonl')}`))).toContain(message);
    expect(existsSync(at('bad.out'))).toBe(false);
  });

  it('that is missing, or a file without a prompt, is named', async () => {
    expect(await refusal(generate('x.out', `input=${at('none.csv')}`))).toContain('no such file');
    writeFileSync(at('none.txt'), '\n\n');
    expect(await refusal(generate('x.out', `input=${at('none.txt')}`))).toContain(
      'no prompt in it',
    );
  });
});

describe('sampling keys', () => {
  it.each([
    ['top_p=0', /top_p/],
    ['top_p=1.5', /top_p/],
    ['min_p=1', /min_p/],
    ['repetition_penalty=0', /repetition_penalty/],
    ['temperature=-1', /temperature/],
    ['min_new_tokens=7', /^min_new_tokens: 7 is more than max_new_tokens \(6\)/],
    [
      'stop_tokens=["<nope>"]',
      /^stop_tokens: the vocabulary has no token "<nope>"\. Its text takes/,
    ],
    ['logit_bias={"99999": 1}', /^logit_bias: the model has no token 99999/],
    ['logit_bias={"word": 1}', /logit_bias/],
  ])('%s is refused', async (word, message) => {
    expect(await refusal(generate('keys.out', 'prompt=1', word))).toMatch(message);
  });

  it('reach the engine', async () => {
    const [greedy] = await generate('greedy.out', 'prompt=1+2=', 'temperature=0');
    const [first] = greedy!.completion_ids as number[];
    const bias = `logit_bias={"${first}": -100}`;
    const [other] = await generate('bias.out', 'prompt=1+2=', 'temperature=0', bias);
    expect((other!.completion_ids as number[])[0]).not.toBe(first);
    const stop = ['stop_tokens=["{"]', 'min_new_tokens=3', 'logit_bias={"400": 0}'];
    const { tokenizer, close } = await openModel({ model }, context);
    close();
    const brace = tokenizer.tokenId('{')!;
    const words = [stop[0]!, stop[1]!, `logit_bias={"${brace}": 100}`];
    const [ended] = await generate('stop.out', 'prompt=1+2=', ...words);
    expect(ended).toMatchObject({ finish_reason: 'stop' });
    expect((ended!.completion_ids as number[]).length).toBe(4);
    expect((ended!.completion_ids as number[]).at(-1)).toBe(brace);
  });
});

describe('response_format', () => {
  const SCHEMA = {
    type: 'object',
    properties: { sum: { type: 'integer' }, sign: { enum: ['+', '-'] } },
    required: ['sum', 'sign'],
  };
  const format = (schema: unknown) =>
    `response_format=${JSON.stringify({ type: 'json_schema', json_schema: { name: 'x', schema } })}`;

  it('allows only texts of the schema, with log-probabilities among what it allows', async () => {
    const words = [format(SCHEMA), 'max_new_tokens=40', 'num_generations=12', 'prompt=1+2='];
    const rows = await generate('json.out', ...words, 'logit_bias={"13": -2}');
    const whole = rows.filter((row) => row.finish_reason === 'stop');
    expect(whole.length).toBeGreaterThan(5);
    for (const { completion, logprobs } of whole) {
      const value = JSON.parse(completion as string) as { sum: number; sign: string };
      expect(Object.keys(value)).toEqual(['sum', 'sign']);
      expect(Number.isInteger(value.sum)).toBe(true);
      expect(['+', '-']).toContain(value.sign);
      expect((logprobs as number[]).filter((logprob) => logprob === 0).length).toBeGreaterThan(5);
    }
  });

  it.each([
    [format({ type: 'string', pattern: 'a' }), /schema #: the keyword "pattern" is not supported/],
    ['response_format={type: grammar}', /type "grammar" is none of text, json_object, json_schema/],
    ['response_format={type: json_schema}', /json_schema: there is no schema in it/],
    ['response_format={type: text, strict: true}', /unknown field "strict"/],
  ])('%s is refused', async (word, message) => {
    expect(await refusal(generate('bad-json.out', 'prompt=1', word))).toMatch(message);
  });
});

describe('a call that goes on', () => {
  const words = () => [`input=${at('many.jsonl')}`, 'num_generations=2'];
  let whole: JsonRow[];

  beforeAll(async () => {
    const prompts = Array.from({ length: 6 }, (_, i) => ({ prompt: `${i}+${i}=` }));
    writeFileSync(at('many.jsonl'), toJsonl(prompts));
    whole = await generate('whole.out', ...words());
  });

  it('makes the missing rows only, and they are those of a call that was not stopped', async () => {
    const kept = whole.filter((_, i) => [0, 3, 4, 9].includes(i));
    writeFileSync(partOf(at('part.out')), `${toJsonl(kept)}{"prompt_id`);
    const rows = await generate('part.out', ...words(), 'resume=auto');
    expect(rows.map(plain)).toEqual(whole.map(plain));
    expect(kept.every((row) => rows.some(({ seconds }) => seconds === row.seconds))).toBe(true);
    expect(logged.at(-1)).toMatch(/12 rows in .*part\.out, 4 of them were there$/);
  });

  it('makes more samples, or nothing when all are there', async () => {
    cpSync(at('whole.out'), at('more.out'));
    const same = await generate('more.out', ...words(), 'resume=auto');
    expect(same).toEqual(whole);
    const input = `input=${at('many.jsonl')}`;
    const rows = await generate('more.out', input, 'num_generations=3', 'resume=auto');
    expect(rows.length).toBe(18);
    expect(rows.filter(({ sample_index: i }) => i !== 2)).toEqual(whole);
  });

  it('goes on where other words mean the same device and type', async () => {
    cpSync(at('whole.out'), at('named.out'));
    vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
    const rows = await generate('named.out', ...words(), 'resume=auto', 'rollout_device=cpu');
    expect(rows).toEqual(whole);
  });

  it.each(['webgpu', 'cuda'])(
    'refuses rows of another device than %s, which need not be there',
    async (device) => {
      cpSync(at('whole.out'), at('device.out'));
      vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
      const asked = [`rollout_device=${device}`, 'rollout_precision=null'];
      const call = generate('device.out', ...words(), 'resume=auto', ...asked);
      expect(await refusal(call)).toMatch(/prompt 0, sample 0: .*settings/);
    },
  );

  it('goes on with rewards however they are made, not with a module or grader of other content', async () => {
    const [module, grader] = [at('mine.mjs'), at('grader.json')];
    const check = { type: 'string_check', name: 'same', operation: 'eq' };
    const writeGrader = (reference: string) =>
      writeFileSync(
        grader,
        JSON.stringify({ ...check, input: '{{sample.output_text}}', reference }),
      );
    writeFileSync(module, 'export const mine = () => 1;\n');
    writeGrader('1');
    const rewards = `rewards=[{name: mine, file: "${module}"}, {name: same, grader: "${grader}"}]`;
    const call = (...more: string[]) =>
      generate('graded.out', ...words(), rewards, 'resume=auto', ...more);
    const graded = await call();
    expect(graded[0]).toMatchObject({ rewards: { mine: 1 } });
    const ways = ['judge.timeout_s=5', 'judge.cache_dir=null', 'judge.price_input=1'];
    ways.push('python_workers=3', 'python_timeout_s=5', 'reward_timeout_s=5', 'sandbox=none');
    expect(await call(...ways)).toEqual(graded);
    expect(await refusal(call('on_error=zero'))).toMatch(/settings/);
    expect(await refusal(call('judge.model=other'))).toMatch(/settings/);
    writeGrader('2');
    expect(await refusal(call())).toMatch(/settings/);
    writeGrader('1');
    expect(await call()).toEqual(graded);
    writeFileSync(module, 'export const mine = () => 2;\n');
    expect(await refusal(call())).toMatch(/settings/);
  });

  it('refuses rows of other settings, of another adapter, and rows not asked for', async () => {
    cpSync(at('whole.out'), at('other.out'));
    const call = (...more: string[]) =>
      refusal(generate('other.out', `input=${at('many.jsonl')}`, 'resume=auto', ...more));
    expect(await call('num_generations=2', 'seed=1')).toMatch(/prompt 0, sample 0: .*settings/);
    expect(await call('num_generations=1')).toMatch(/sample 1: this call does not ask for it/);
    const ends = `model=${withOtherEnds(model, at('ends'))}`;
    expect(await call('num_generations=2', ends)).toMatch(/prompt 0, sample 0: .*settings/);
    const hash = adapter('lora', 2);
    expect(await call('num_generations=2', `adapter=${at('lora')}`)).toContain(
      `sampled with adapter none, the model has ${hash} now`,
    );
    expect(jsonl('other.out')).toEqual(whole);
  });
});

describe('an adapter', () => {
  it('stands in every row by its hash, whatever its rank', async () => {
    for (const r of [1, 5]) {
      const hash = adapter(`rank-${r}`, r);
      const [row] = await generate(`rank-${r}.out`, 'prompt=1', `adapter=${at(`rank-${r}`)}`);
      expect(row!.adapter).toBe(hash);
    }
  });

  it('of other shapes than its config says is refused', async () => {
    adapter('broken', 2);
    const path = at('broken', 'adapter_config.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace(/"r": 2/, '"r": 3'));
    const message = await refusal(generate('b.out', 'prompt=1', `adapter=${at('broken')}`));
    expect(message).toMatch(/broken.*r/);
  });

  it('that is none is refused with what to give', async () => {
    const given = (name: string) => refusal(generate('n.out', 'prompt=1', `adapter=${at(name)}`));
    expect(await given('nothing')).toMatch(/^adapter: no folder .*nothing"\. Give an adapter/);
    mkdirSync(at('full'));
    writeFileSync(at('full', 'config.json'), '{}');
    expect(await given('full')).toMatch(/^adapter: .*has no adapter_config.json\. It holds full/);
  });
});

it("samples by the trainer's own pass, with the same result", async () => {
  adapter('both', 3);
  const words = ['prompt=1+2=', `adapter=${at('both')}`, 'num_generations=3', 'top_k=9'];
  const [onnx, tensorflow] = [
    await generate('onnx.out', ...words),
    await generate('tf.out', ...words, 'engine=tensorflow', 'device=cpu', 'batch_size=2'),
  ];
  const ids = (rows: JsonRow[]) =>
    rows.map(({ completion_ids: each, adapter: hash }) => [each, hash]);
  expect(ids(tensorflow)).toEqual(ids(onnx));
  const same = ['engine=tensorflow', 'device=auto', 'resume=auto'];
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
  const resumed = await generate('tf.out', ...words, ...same);
  expect(resumed).toEqual(tensorflow);
});

it('prints the rows where there is no output', async () => {
  const overrides = [`model=${model}`, 'prompt=1+2=', 'max_new_tokens=2', 'threads=1'];
  await runGenerate(loadConfig(generateSchema, { overrides }), context);
  expect(JSON.parse(printed.at(-1)!)).toMatchObject({ prompt_id: '0', sample_index: 0 });
});

it('ends with the error of a row that cannot be written, and samples no more', async () => {
  const add = vi.spyOn(RowStore.prototype, 'add').mockImplementation(() => {
    throw new RunError('the disk is full');
  });
  const call = generate('full.jsonl', 'prompt=1+2=', 'num_generations=50', 'batch_size=1');
  await expect(call).rejects.toThrow('the disk is full');
  expect(add.mock.calls.length).toBeLessThan(10);
  expect(existsSync(at('full.jsonl.lock'))).toBe(false);
  add.mockRestore();
});
