/** `lorikeet export`: merged or converted weights as a Hugging Face folder or a GGUF file. */
import { z } from 'zod';
import { nonNegative, off, optionalText, orNull, otherPath } from './fields.js';
import { adapterKeys, machineKeys, modelKey, modelKeys, overwriteKey } from './groups.js';
import { issueAt } from './issue-at.js';
import { checkQuantization, quantizationKeys } from './quantization.js';

export const exportSchema = z
  .strictObject({
    ...modelKey,
    chat_template_path: modelKeys.chat_template_path,
    eos_token: modelKeys.eos_token,
    ...adapterKeys,
    ...quantizationKeys,
    output: otherPath().describe(
      'Folder of the merged or converted model; for gguf a file NAME.gguf',
    ),
    ...overwriteKey,
    format: z
      .enum(['safetensors', 'gguf'])
      .default('safetensors')
      .describe('A Hugging Face folder, or one file for llama.cpp, Ollama and LM Studio'),
    dtype: z
      .enum(['auto', 'float32', 'float16', 'bfloat16', 'q8_0'])
      .default('auto')
      .describe(
        "Type of weights; auto is the base's own (in 4 bits its embeddings'), q8_0 (gguf) is 8 bits",
      ),
    max_logprob_difference: orNull(
      nonNegative(),
      'Largest change of log-probabilities that passes, nats; null: 0.01, any for q8_0',
    ),
    allow_precision_loss: off('Write the weights also when rounding changes more than that'),
    pre_tokenizer: optionalText(
      'How llama.cpp cuts text (gguf), by its name for it; null: found out',
    ),
    ...machineKeys,
  })
  .superRefine(checkQuantization)
  .superRefine(({ format, dtype }, context) => {
    if (format === 'gguf' || dtype !== 'q8_0') return;
    issueAt(context)('dtype', 'q8_0 stands in GGUF files only: set format=gguf');
  })
  .superRefine(({ format, output }, context) => {
    if ((format === 'gguf') === output.endsWith('.gguf')) return;
    const message =
      format === 'gguf'
        ? 'format=gguf writes one file: name it …/NAME.gguf'
        : 'a GGUF file is written by format=gguf';
    issueAt(context)('output', message);
  })
  .superRefine(({ format, pre_tokenizer: pre }, context) => {
    if (format === 'gguf' || pre === null) return;
    issueAt(context)('pre_tokenizer', 'it stands in GGUF files only: set format=gguf');
  });

export type ExportConfig = z.output<typeof exportSchema>;
