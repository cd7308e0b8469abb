/** `lorikeet export`: merged or converted weights as a Hugging Face folder. */
import { z } from 'zod';
import { nonNegative, text } from './fields.js';
import { adapterKeys, machineKeys, modelKey, modelKeys, overwriteKey } from './groups.js';

export const exportSchema = z.strictObject({
  ...modelKey,
  chat_template_path: modelKeys.chat_template_path,
  eos_token: modelKeys.eos_token,
  ...adapterKeys,
  output: text().describe('Folder of the merged or converted model'),
  ...overwriteKey,
  dtype: z
    .enum(['auto', 'float32', 'float16', 'bfloat16'])
    .default('auto')
    .describe("Type of the weights; auto is the base's own"),
  max_logprob_difference: nonNegative()
    .default(0.01)
    .describe('Largest change of log-probabilities by rounding that passes, nats'),
  allow_precision_loss: z
    .boolean()
    .default(false)
    .describe('Write the weights also when rounding changes more than that'),
  ...machineKeys,
});

export type ExportConfig = z.output<typeof exportSchema>;
