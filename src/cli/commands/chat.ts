/** `lorikeet chat` */
import { chatSchema } from '../../config/index.js';
import { defineCommand } from '../command.js';

export const chat = defineCommand({
  name: 'chat',
  summary: 'Talk with a model in the terminal, with and without its adapter',
  schema: chatSchema,
  examples: [
    'lorikeet chat model=outputs/grpo',
    "lorikeet chat model=outputs/sft system_prompt='Answer briefly.' temperature=0",
  ],
  plan: ({ model, adapter }) => [
    `chats with ${adapter === null ? model : `${model} + ${adapter}`}`,
  ],
  run: async (config, context) => (await import('../../recipes/chat.js')).runChat(config, context),
});
