import { describe, expect, it } from 'vitest';
import { loadTokenizer } from '../../../src/tokenizer/index.js';
import { namesOfField } from '../../../src/tokenizer/reasoning.js';
import { byteTokenizer } from '../../support/tokenizers.js';

const TEMPLATE =
  '{% for m in messages %}({{ m.reasoning_content }}|{{ m.thinking }}|{{ m.reasoning }}){% endfor %}';

/** The texts are those of `apply_chat_template` in transformers 5.24. */
describe('reasoning', () => {
  it.each([
    [{ reasoning_content: 'a' }, '(a|a|)'],
    [{ thinking: 'a' }, '(a|a|)'],
    [{ reasoning: 'a' }, '(a|a|a)'],
    [{ reasoning: 'a', thinking: 'b' }, '(b|b|a)'],
    [{ reasoning: 'a', thinking: 'b', reasoning_content: 'c' }, '(c|b|a)'],
    [{ reasoning_content: null, reasoning: 'a' }, '(a|a|a)'],
    [{ reasoning: '' }, '(||)'],
    [{}, '(||)'],
  ])('%j is read by every name', async (fields, text) => {
    const { dir } = await byteTokenizer();
    const tokenizer = await loadTokenizer(dir, { chatTemplate: TEMPLATE });
    const message = { role: 'assistant', content: 'x', ...fields };
    expect(tokenizer.applyChatTemplate([message])).toBe(text);
  });

  it('keeps a null that stands under the name of gpt-oss', async () => {
    const { dir } = await byteTokenizer();
    const chatTemplate = TEMPLATE.replaceAll(' }}', " or '-' }}");
    const tokenizer = await loadTokenizer(dir, { chatTemplate });
    const message = { role: 'assistant', content: 'x', thinking: null, reasoning_content: 'a' };
    expect(tokenizer.applyChatTemplate([message])).toBe('(a|-|-)');
  });

  it('is told by the names that templates read', () => {
    expect(namesOfField('reasoning')).toEqual(['reasoning', 'reasoning_content', 'thinking']);
    expect(namesOfField('name')).toEqual(['name']);
  });
});
