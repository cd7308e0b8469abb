/** What SFT learns of a row by `assistant_only_loss` and `completion_only_loss`, which both hold, as in TRL. */
import type { SftConfig } from '../../config/index.js';
import type { ChatRow, TrainOn } from '../../tokenizer/index.js';

export interface LearntPart {
  readonly row: ChatRow;
  readonly trainOn: TrainOn;
}

const isMessages = (value: unknown) => typeof value === 'object' && value !== null;

/** The row to render, and what of it the loss covers. */
export function learntPart(
  row: ChatRow,
  config: Pick<SftConfig, 'assistant_only_loss' | 'completion_only_loss'>,
): LearntPart {
  const { messages, prompt, completion, ...others } = row;
  const completionOnly = config.completion_only_loss !== false;
  const turns = config.assistant_only_loss ? 'assistant' : 'all';
  if (messages !== undefined) return { row, trainOn: turns };
  if (prompt === undefined) return { row, trainOn: 'all' };
  if (!isMessages(prompt) || !isMessages(completion)) {
    return { row, trainOn: completionOnly ? 'assistant' : 'all' };
  }
  if (!completionOnly) {
    return { row: { ...others, messages: [prompt, completion].flat() }, trainOn: turns };
  }
  return { row, trainOn: config.assistant_only_loss ? 'assistant' : 'completion' };
}
