import { expect, test } from 'vitest';
import { displayName } from '../../../src/gguf/display-name.js';

const PHI = ['<unk>', '<s>', '</s>', '<|endoftext|>'].map((content) => ({
  content,
  rstrip: content === '</s>',
}));

test.each([
  ['microsoft/Phi-3-mini-4k-instruct', PHI, 'Phi-3-mini-4k-instruct'],
  ['/runs/sft/model', PHI, 'phi-3 model'],
  ['outputs/my-Phi3', [], 'my-phi 3'],
  ['Qwen/Qwen3-0.6B', [], 'Qwen3-0.6B'],
])('%s', (name, added_tokens, expected) => {
  expect(displayName(name, { added_tokens })).toBe(expected);
});
