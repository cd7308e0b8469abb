/** `lorikeet chat`: a conversation with a model, in a terminal. */
import { z } from 'zod';
import { adaptedKeys, samplingKeys } from './groups.js';
import { checkQuantization } from './quantization.js';
import { engineKeys } from './serve.js';

export const chatSchema = z
  .strictObject({ ...adaptedKeys, ...samplingKeys(0.7), ...engineKeys })
  .superRefine(checkQuantization);

export type ChatConfig = z.output<typeof chatSchema>;
