import { expect, it } from 'vitest';
import { Fields } from '../../../../src/recipes/serve/fields.js';
import { readMessages } from '../../../../src/recipes/serve/read-messages.js';

it('takes the reasoning of an answer sent back, by any of its names, where a template reads one', () => {
  for (const name of ['reasoning', 'reasoning_content', 'thinking']) {
    const messages = [{ role: 'assistant', content: 'x', [name]: 'y' }];
    const fields = new Fields({ messages });
    expect(readMessages(fields, '{{ m.reasoning_content }}')).toEqual(messages);
    const problem = `messages[0].${name}: the chat template reads no such field`;
    expect(() => readMessages(fields, '{{ enable_thinking }}')).toThrow(problem);
  }
});
