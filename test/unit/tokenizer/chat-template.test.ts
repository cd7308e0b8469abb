/** Chat templates against the expected texts of huggingface.js (LORIKEET_DATA/chat_templates). */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadTokenizer, type Message } from '../../../src/tokenizer/index.js';
import { readJsonl } from '../../../src/util/files.js';
import { dataPath, hasData, NEEDS_DATA } from '../../support/real-data.js';
import { byteTokenizer } from '../../support/tokenizers.js';

interface TemplateRow {
  readonly name: string;
  readonly chat_template: string;
  readonly data: Record<string, unknown>;
  readonly target: string;
}

const rowsOf = (file: string): TemplateRow[] =>
  hasData('chat_templates')
    ? (readJsonl(dataPath('chat_templates', file)) as unknown as TemplateRow[])
    : [];

async function render({ chat_template: chatTemplate, data }: TemplateRow): Promise<string> {
  const { dir } = await byteTokenizer();
  const tokenizer = await loadTokenizer(dir, { chatTemplate });
  const {
    messages = [],
    add_generation_prompt: addGenerationPrompt = false,
    ...templateArgs
  } = data;
  return tokenizer.applyChatTemplate(messages as Message[], {
    addGenerationPrompt: addGenerationPrompt === true,
    templateArgs,
  });
}

afterEach(() => {
  vi.useRealTimers();
});

describe.skipIf(!hasData('chat_templates'))(`chat templates ${NEEDS_DATA}`, () => {
  it('has its rows', () => {
    expect([rowsOf('e2e.jsonl').length, rowsOf('jinja_micro.jsonl').length]).toEqual([27, 79]);
  });

  it.each(rowsOf('e2e.jsonl'))('$name', async (row) => {
    // The expected texts were made with the clock at this time.
    vi.useFakeTimers({ now: new Date('2025-07-10T12:00:00Z'), toFake: ['Date'] });
    expect(await render(row)).toBe(row.target);
  });

  it.each(rowsOf('jinja_micro.jsonl'))('$name', async (row) => {
    expect(await render(row)).toBe(row.target);
  });
});

it('writes what tools and messages say, also where it reads as an object in JavaScript', async () => {
  const { dir } = await byteTokenizer();
  const chatTemplate = '{{ tools[0].description }}{{ messages[0].content }}';
  const tokenizer = await loadTokenizer(dir, { chatTemplate });
  const [odd, plain] = [{ description: '[object Object]' }, { description: 'Adds.' }];
  const render = (tool: unknown, content: string) =>
    tokenizer.applyChatTemplate([{ role: 'user', content }], { templateArgs: { tools: [tool] } });
  expect(render(odd, 'x')).toBe('[object Object]x');
  expect(render(plain, '[object Map]')).toBe('Adds.[object Map]');
});
