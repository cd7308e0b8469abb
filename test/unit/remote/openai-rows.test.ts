/** Rows as the service takes them: forms kept or brought to it, faults named by line and field. */
import { describe, expect, it } from 'vitest';
import { checkGraderTypes, itemFields, uploadOf } from '../../../src/remote/index.js';
import { metricRows } from '../../../src/remote/openai/event-metrics.js';
import type { FineTuningMethod } from '../../../src/remote/openai/rows.js';
import type { RemoteEvent } from '../../../src/report/index.js';
import type { JsonRow } from '../../../src/util/files.js';
import { messageEvent, rewardEvent, stepEvent } from '../../support/fine-tuning-exchanges.js';

const user = { role: 'user', content: '2+2?' };
const said = (content: string) => ({ role: 'assistant', content });
const ten = (row: JsonRow) => Array.from({ length: 10 }, () => row);

const uploaded = (
  method: FineTuningMethod,
  rows: readonly JsonRow[],
  { itemFields: fields = [] as string[], isTraining = true } = {},
) =>
  uploadOf(
    { path: 'rows.jsonl', rows, where: (i) => `rows.jsonl:${i + 1}` },
    { method, itemFields: fields, isTraining },
  );
const firstRow = (text: string) => JSON.parse(text.split('\n')[0] as string) as JsonRow;

describe('uploadOf', () => {
  it('keeps conversations, and leaves out columns that are no part of them', () => {
    const row = { messages: [user, { ...said('4'), weight: 1 }], tools: [], source: 'book' };
    const upload = uploaded('sft', ten(row));
    expect(firstRow(upload.text)).toEqual({ messages: row.messages, tools: [] });
    expect(upload).toMatchObject({ rows: 10, converted: 0, leftOut: ['source'] });
    expect(upload.bytes).toBe(Buffer.byteLength(upload.text));
  });

  it('brings questions with completions to conversations', () => {
    const upload = uploaded('sft', ten({ question: '2+2?', completion: '4' }));
    expect(firstRow(upload.text)).toEqual({ messages: [user, said('4')] });
    expect(upload).toMatchObject({ converted: 10, leftOut: [] });
  });

  it('brings chosen and rejected to pairs', () => {
    const pair = {
      input: { messages: [user] },
      preferred_output: [said('4')],
      non_preferred_output: [said('5')],
    };
    expect(firstRow(uploaded('dpo', ten(pair)).text)).toEqual(pair);
    const own = { prompt: '2+2?', chosen: '4', rejected: '5', pair_type: 'correctness' };
    const upload = uploaded('dpo', ten(own));
    expect(firstRow(upload.text)).toEqual(pair);
    expect(upload).toMatchObject({ converted: 10, leftOut: ['pair_type'] });
  });

  it('keeps what graders read beside the prompts of reinforcement', () => {
    const row = { messages: [user], reference_answer: '4' };
    const upload = uploaded('rft', ten(row), { itemFields: ['reference_answer'] });
    expect(firstRow(upload.text)).toEqual(row);
    expect(firstRow(uploaded('rft', ten({ question: '2+2?', answer: '4' })).text)).toEqual({
      messages: [user],
      answer: '4',
    });
  });

  it('names the copy by its content', () => {
    const [one, same, other] = ['4', '4', '5'].map(
      (text) => uploaded('sft', ten({ prompt: '2+2?', completion: text })).filename,
    );
    expect(one).toMatch(/^lorikeet-[0-9a-f]{16}\.jsonl$/);
    expect(same).toBe(one);
    expect(other).not.toBe(one);
  });

  it.each<[FineTuningMethod, JsonRow, RegExp]>([
    ['sft', { messages: [user] }, /rows\.jsonl:10: messages: the last message is of user/],
    ['sft', { messages: [{ role: 'bot', content: '' }] }, /messages\[0\]: role is "bot"/],
    ['sft', { messages: [user, { role: 'assistant' }] }, /messages\[1\]: content is nothing/],
    ['sft', { messages: [{ ...user, weight: 1 }, said('4')] }, /messages\[0\]: weight is 1/],
    ['sft', { question: '2+2?', answer: '4' }, /with question \(or prompt\) and completion/],
    ['sft', { question: '2+2?' }, /rows\.jsonl:10: completion: expected a text/],
    ['dpo', { input: { messages: [user] } }, /preferred_output: expected a list of messages/],
    ['dpo', { prompt: 'q', chosen: 'a' }, /rows\.jsonl:10: rejected: expected a text/],
    ['rft', { messages: [user, said('4')] }, /messages: the last message is of assistant/],
  ])('refuses a row of %s: %j', (method, row, message) => {
    const good = {
      sft: { messages: [user, said('4')] },
      dpo: { prompt: '2+2?', chosen: '4', rejected: '5' },
      rft: { messages: [user] },
    }[method];
    const rows = [...ten(good).slice(1), row];
    expect(() => uploaded(method, rows)).toThrow(message);
  });

  it('refuses rows without what the grader reads, and too few of them', () => {
    const row = { messages: [user], answer: '4' };
    expect(() => uploaded('rft', ten(row), { itemFields: ['reference_answer'] })).toThrow(
      /rows\.jsonl:1: no column "reference_answer".*item\.reference_answer.*messages, answer/,
    );
    expect(() => uploaded('rft', ten(row).slice(1))).toThrow(/9 rows.*at least 10/);
    expect(uploaded('rft', [row], { isTraining: false }).rows).toBe(1);
    expect(() => uploaded('rft', [], { isTraining: false })).toThrow(/0 rows/);
  });
});

describe('graders', () => {
  it('read columns by their templates, wherever they stand', () => {
    const grader = {
      type: 'multi',
      graders: {
        a: {
          type: 'string_check',
          input: '{{sample.output_text}}',
          reference: '{{ item.answer }}',
        },
        b: {
          type: 'score_model',
          input: [{ content: 'Is it {{item.steps[0]}}? {{item.answer}}' }],
        },
      },
    };
    expect(itemFields(grader)).toEqual(['answer', 'steps']);
  });

  it('of our own types are refused', () => {
    expect(() => checkGraderTypes(['multi', 'math_equivalence'], 'g.json')).toThrow(
      /g\.json: .*no grader type math_equivalence/,
    );
    expect(() => checkGraderTypes(['multi', 'python', 'score_model'], 'g.json')).not.toThrow();
  });
});

describe('metricRows', () => {
  it('has a row for each step, by our names, and keeps what has none', () => {
    const events = [messageEvent(1, 'started'), stepEvent(3, 2, 0.5), stepEvent(2, 1, 0.9)];
    expect(metricRows(events as unknown as RemoteEvent[])).toEqual([
      { step: 1, loss: 0.9, mean_token_accuracy: 0.6, total_steps: 3, wall_time: 1_760_000_002 },
      { step: 2, loss: 0.5, mean_token_accuracy: 0.7, total_steps: 3, wall_time: 1_760_000_003 },
    ]);
  });

  it('takes rewards from scores, else from the top', () => {
    const event = rewardEvent(1, 1, 0.25);
    const [row] = metricRows([event] as unknown as RemoteEvent[]);
    expect(row).toMatchObject({ reward: 0.25, 'eval/reward': 0.35, reasoning_tokens_mean: 3330 });
    const old = { ...event, data: { step: 1, train_mean_reward: 0.5 } } as unknown as RemoteEvent;
    expect(metricRows([old])).toEqual([{ step: 1, reward: 0.5, wall_time: 1_760_000_001 }]);
  });
});
