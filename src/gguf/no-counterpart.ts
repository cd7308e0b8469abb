/** What a tokenizer does and llama.cpp cannot do. */
import { InputError } from '../util/errors.js';

/** @param what Before the step of `tokenizer.json` */
export const noCounterpart = (dir: string, step: unknown, what = ''): InputError =>
  new InputError({
    where: `${dir}/tokenizer.json`,
    problem: `llama.cpp has no counterpart of ${what}${JSON.stringify(step).slice(0, 200)}`,
    remedy: 'Export as a Hugging Face folder (format=safetensors)',
  });
