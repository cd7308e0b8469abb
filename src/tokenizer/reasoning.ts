/**
 * What a model thought before an answer, as a field of the message. It goes by several names; chat templates read
 * `reasoning_content`, that of gpt-oss `thinking` (transformers' `_alias_reasoning_fields`).
 */
import type { Message } from './messages.js';

/** Those that say the same; of several the first counts. */
const NAMES: readonly string[] = ['reasoning_content', 'thinking', 'reasoning'];
/** Those that `withReasoning` gives. */
const READ = NAMES.slice(0, 2);

/** The message with its reasoning under the names that templates read. */
export function withReasoning(message: Message): Message {
  const name = NAMES.find((each) => message[each] !== undefined && message[each] !== null);
  if (name === undefined) return message;
  return { thinking: message[name], ...message, reasoning_content: message[name] };
}

/** The fields of which a template reads one where a message has the field `name`: itself, unless it holds reasoning. */
export const namesOfField = (name: string): readonly string[] =>
  NAMES.includes(name) ? [...new Set([name, ...READ])] : [name];
