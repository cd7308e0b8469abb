/** Rows to token ids: prompts to generate from, and examples with their loss mask. */
import { InputError } from '../util/errors.js';
import { fieldNames } from '../util/shown.js';
import { maskedExample, type RenderedExample } from './loss-mask.js';
import { asTurns, type ChatRow } from './messages.js';
import {
  markedRow,
  promptText,
  type RenderExampleOptions,
  type RenderOptions,
} from './row-text.js';
import { withVariables } from './row-variables.js';
import type { Tokenizer } from './tokenizer.js';
import { withoutToolOutput } from './tool-output.js';
import { tokeniseTurns } from './turn-tokens.js';

/**
 * Ids of a row's prompt, ending where the model begins to write. A `completion` is left out.
 * @throws InputError on a row without prompt, or when neither chat template nor `promptTemplate` fits.
 */
export function renderPrompt(
  tokenizer: Tokenizer,
  row: ChatRow,
  options: RenderOptions = {},
): number[] {
  const { where = 'row' } = options;
  const field = row.messages === undefined ? 'prompt' : 'messages';
  if (row[field] === undefined) {
    throw new InputError({ where, problem: `needs messages or prompt, found ${fieldNames(row)}` });
  }
  const turns = asTurns(row[field], `${where}: ${field}`);
  const text = promptText(tokenizer, turns, withVariables(tokenizer, row, options));
  const { ids } = tokeniseTurns(tokenizer, { ...text, turns: [] }, where);
  if (ids.length > 0) return [...ids];
  throw new InputError({ where, problem: 'the prompt is empty' });
}

/**
 * Ids of a whole row with its loss mask. Completions end with exactly one trained end-of-sequence token.
 * @throws InputError on a row of another form, or with nothing to train on.
 * @throws GuardError when the chat template does not keep earlier turns as generation saw them.
 */
export function renderExample(
  tokenizer: Tokenizer,
  row: ChatRow,
  options: RenderExampleOptions = {},
): RenderedExample {
  const { where = 'row', trainOn = 'assistant' } = options;
  if (typeof row.text === 'string' && row.messages === undefined && row.prompt === undefined) {
    const { text } = row;
    const marked = { text, turns: [{ start: 0, end: text.length }], isPlain: true };
    return maskedExample(tokenizer, marked, { trainOn: 'all', where });
  }
  const marked = markedRow(tokenizer, row, withVariables(tokenizer, row, options));
  const masked = options.maskToolOutput === true ? withoutToolOutput(marked) : marked;
  return maskedExample(tokenizer, masked, { trainOn, where });
}
