/** `lorikeet chat`: a conversation with a model, in a terminal. */
import { z } from 'zod';
import { adapterKeys, modelKeys, samplingKeys } from './groups.js';
import { engineKeys } from './serve.js';

export const chatSchema = z.strictObject({
  ...modelKeys,
  ...adapterKeys,
  ...samplingKeys(0.7),
  ...engineKeys,
});

export type ChatConfig = z.output<typeof chatSchema>;
