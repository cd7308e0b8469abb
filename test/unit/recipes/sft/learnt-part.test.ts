import { describe, expect, it } from 'vitest';
import { learntPart } from '../../../../src/recipes/sft/learnt-part.js';
import { type ChatRow, renderExample } from '../../../../src/tokenizer/index.js';
import { assistant, user } from '../../../support/messages.js';
import { byteTokenizer, shown } from '../../../support/tokenizers.js';

const TURNS = [user('1'), assistant('2'), user('3'), assistant('4'), user('5'), assistant('6')];
const CONVERSATION = { prompt: TURNS.slice(0, 3), completion: TURNS.slice(3) };
const MESSAGES = { messages: TURNS.slice(0, 4) };
const TEXTS = { prompt: 'a', completion: 'b' };
const QUESTION = { prompt: [user('a')], completion: 'b' };

const tokenizer = await byteTokenizer({
  chatTemplate:
    "{{ '<|bos|>' }}{% for m in messages %}{{ m.role[0] }}{{ m.content }}{% if m.role == 'assistant' %}<|eos|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}a{% endif %}",
});

/** Writes an empty thought into the last turn alone, as Qwen 3 does. */
const thinking = await byteTokenizer({
  chatTemplate:
    "{% for m in messages %}{{ m.role[0] }}{% if m.role == 'assistant' and loop.last %}<think></think>{% endif %}{{ m.content }}{% if m.role == 'assistant' %}<|eos|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}a{% endif %}",
});

describe('a template that writes earlier turns otherwise', () => {
  const row = { prompt: TURNS.slice(0, 1), completion: TURNS.slice(1, 4) };
  const rendered = (assistant_only_loss: boolean, completion_only_loss: boolean | null) => {
    const part = learntPart(row, { assistant_only_loss, completion_only_loss });
    return shown(thinking, renderExample(thinking, part.row, { trainOn: part.trainOn }));
  };

  it('is no hindrance where turns do not matter', () => {
    const [before, behind] = ['u1a', '2<|eos|>\nu3a<think></think>4<|eos|>'];
    expect(rendered(false, null)).toBe(`${before}«${behind}»`);
    // The first token is never trained.
    expect(rendered(false, false)).toBe(`u«1a${behind}»`);
  });

  it('is one where they do', () => {
    expect(() => rendered(true, null)).toThrow('rewrites turn 2 (assistant)');
  });
});

/** Expected after SFTTrainer's `build_labels`, which ANDs the masks; the line break after the last EOS is cut. */
describe.each<[boolean, boolean | null, ChatRow, string]>([
  [true, null, CONVERSATION, 'u1a2<|eos|>\nu3a«4<|eos|>»\nu5a«6<|eos|>»'],
  [false, null, CONVERSATION, 'u1a2<|eos|>\nu3a«4<|eos|>\nu5a6<|eos|>»'],
  [false, true, CONVERSATION, 'u1a2<|eos|>\nu3a«4<|eos|>\nu5a6<|eos|>»'],
  [true, false, CONVERSATION, 'u1a«2<|eos|>»\nu3a«4<|eos|>»\nu5a«6<|eos|>»'],
  [false, false, CONVERSATION, '«u1a2<|eos|>\nu3a4<|eos|>\nu5a6<|eos|>»'],
  [true, null, MESSAGES, 'u1a«2<|eos|>»\nu3a«4<|eos|>»'],
  [false, null, MESSAGES, '«u1a2<|eos|>\nu3a4<|eos|>»'],
  [true, true, TEXTS, 'a«b<|eos|>»'],
  [false, null, TEXTS, 'a«b<|eos|>»'],
  [true, false, TEXTS, '«ab<|eos|>»'],
  [true, null, QUESTION, 'uaa«b<|eos|>»'],
  [true, false, QUESTION, '«uaab<|eos|>»'],
  [true, null, { text: 'ab' }, '«ab<|eos|>»'],
])(
  'assistant_only_loss=%s completion_only_loss=%s',
  (assistantOnly, completionOnly, row, expected) => {
    it(`${Object.keys(row)}: ${expected}`, () => {
      const keys = { assistant_only_loss: assistantOnly, completion_only_loss: completionOnly };
      const part = learntPart(row, keys);
      const example = renderExample(tokenizer, part.row, { trainOn: part.trainOn });
      expect(shown(tokenizer, example)).toBe(`<|bos|>${expected}`);
    });
  },
);
