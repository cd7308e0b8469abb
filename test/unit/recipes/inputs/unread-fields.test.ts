/** Fields of messages that the chat template does not read are said; calls of tools that would leave a message empty are refused. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dpoSchema, sftSchema } from '../../../../src/config/index.js';
import { readPairs } from '../../../../src/recipes/dpo/preference-examples.js';
import type { ModelSource } from '../../../../src/recipes/inputs/model-source.js';
import {
  sayUnreadFields,
  sayUnreadOfPrompts,
} from '../../../../src/recipes/inputs/unread-fields.js';
import { sftExamples } from '../../../../src/recipes/sft/examples.js';
import { loadTokenizer } from '../../../../src/tokenizer/index.js';
import type { JsonRow } from '../../../../src/util/files.js';
import { logInto } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { byteTokenizer } from '../../../support/tokenizers.js';

const CONTENT_ONLY = '{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}';
const WITH_CALLS = `${CONTENT_ONLY}{{ messages[-1].tool_calls }}`;
const calls = [{ type: 'function', function: { name: 'weather', arguments: {} } }];
const ask = { role: 'user', content: 'weather?' };

function said(rows: readonly JsonRow[], chatTemplate: string, promptTemplate: string | null) {
  const lines: string[] = [];
  const where = (index: number) => `f:${index + 1}`;
  const log = (line: string) => void lines.push(line);
  sayUnreadFields(rows, { tokenizer: { chatTemplate }, promptTemplate, where, log });
  return lines;
}

describe('the fields of messages', () => {
  it('that are not read are counted by message and named', () => {
    const rows = [
      {
        messages: [
          { ...ask, weight: 0 },
          { role: 'assistant', content: 'x', thinking: 'y' },
        ],
      },
      { prompt: [ask], completion: { role: 'assistant', content: 'x', tool_calls: calls } },
      { messages: [{ from: 'human', value: 'x' }], other: [{ name: 'no message' }] },
    ];
    const line = (reader: string) =>
      `warning: fields of 2 messages that ${reader} does not read are left out: thinking, tool_calls`;
    expect(said(rows, CONTENT_ONLY, null)).toEqual([line('the chat template')]);
    expect(said(rows, `${WITH_CALLS}{{ m.reasoning_content }}`, null)).toEqual([]);
    expect(said(rows, `${WITH_CALLS}{{ m.thinking }}`, '{prompt}')).toEqual([
      line('prompt_template'),
    ]);
  });

  it.each([null, '', [], undefined])(
    'calls beside the content %j are refused unless read',
    (content) => {
      const rows = [
        { messages: [ask] },
        { messages: [ask, { role: 'assistant', content, tool_calls: calls }] },
      ];
      expect(said(rows, WITH_CALLS, null)).toEqual([]);
      expect(() => said(rows, CONTENT_ONLY, null)).toThrow(
        'f:2: messages: a message has tool_calls and no content, and the chat template does not read tool_calls',
      );
      expect(() => said(rows, WITH_CALLS, '{prompt}')).toThrow('prompt_template does not read');
    },
  );

  it('count in the prompts of rows that are prompts', () => {
    const rows = [
      { prompt: [ask], completion: [{ role: 'assistant', content: '', tool_calls: calls }] },
    ];
    const lines: string[] = [];
    sayUnreadOfPrompts(rows, {
      tokenizer: { chatTemplate: CONTENT_ONLY },
      promptTemplate: null,
      where: String,
      log: (line) => void lines.push(line),
    });
    expect(lines).toEqual([]);
  });
});

it('sft and dpo refuse rows that lose their calls', async () => {
  const { dir } = await byteTokenizer();
  const chatTemplate = `${CONTENT_ONLY}{% if add_generation_prompt %}<assistant>{% endif %}`;
  const source = {
    tokenizer: await loadTokenizer(dir, { chatTemplate }),
    spec: { maxPositions: 1000 },
  } as unknown as ModelSource;
  const path = join(temporaryFolder(), 'rows.jsonl');
  const call = { role: 'assistant', content: null, tool_calls: calls };
  const context = logInto([]);
  writeFileSync(path, JSON.stringify({ messages: [ask, call] }));
  const sft = sftSchema.parse({ model: dir, dataset: { path } });
  await expect(sftExamples(sft, source, context)).rejects.toThrow(
    /rows\.jsonl:1: messages: .*tool_calls/,
  );
  writeFileSync(path, JSON.stringify({ prompt: [ask], chosen: [call], rejected: 'no' }));
  const dpo = dpoSchema.parse({ model: dir, dataset: { path } });
  await expect(readPairs(dpo, source, context)).rejects.toThrow(
    /rows\.jsonl:1: chosen: .*tool_calls/,
  );
});
