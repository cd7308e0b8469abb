/** `lorikeet score`: log-probabilities of given texts or token ids. */
import { z } from 'zod';
import { inputPath, optionalPath, whole } from './fields.js';
import {
  adaptedKeys,
  exactPrecisionField,
  machineKeys,
  overwriteKey,
  rolloutDeviceKey,
} from './groups.js';
import { checkQuantization } from './quantization.js';

export const scoreSchema = z
  .strictObject({
    ...adaptedKeys,
    input: inputPath().describe('Rows with ids, text or messages'),
    output: optionalPath('JSONL with ids and logprobs; null prints it'),
    ...overwriteKey,
    engine: z
      .enum(['tensorflow', 'onnxruntime'])
      .default('tensorflow')
      .describe('Runtime that scores'),
    compute_dtype: z
      .enum(['auto', 'float32', 'bfloat16'])
      .default('auto')
      .describe('Type that matrix products compute in; float32 for exactness'),
    rollout_precision: exactPrecisionField().describe(
      'What engine=onnxruntime computes in; null: float32, on CUDA bfloat16 or float16',
    ),
    ...rolloutDeviceKey,
    batch_size: whole(1).default(8).describe('Sequences scored together'),
    ...machineKeys,
  })
  .superRefine(checkQuantization);

export type ScoreConfig = z.output<typeof scoreSchema>;
