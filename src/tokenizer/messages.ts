/** Chat messages and the three forms of a row, checked where they are used. */
import { InputError } from '../util/errors.js';

export interface Message {
  readonly role: string;
  readonly content: string;
  /** Whatever else a chat template may read, e.g. `tool_calls`. */
  readonly [key: string]: unknown;
}

/** A row as read from a file: `messages`, `prompt` with or without `completion`, or `text`. */
export type ChatRow = Readonly<Record<string, unknown>>;

/** A prompt or completion: plain text, or chat messages. */
export type Turns = string | readonly Message[];

/**
 * Messages from a row's field. Content in text parts (`[{ type: 'text', text }]`) becomes one text.
 * @throws InputError naming the message that is not `{ role, content }`.
 */
export function asMessages(value: unknown, where: string): Message[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InputError({ where, problem: 'expected a list of messages with role and content' });
  }
  return value.map((item: unknown, index) => asMessage(item, `${where}[${index}]`));
}

function asMessage(item: unknown, where: string): Message {
  const fields = (item !== null && typeof item === 'object' ? item : {}) as Record<string, unknown>;
  const { role } = fields;
  const content = contentText(fields.content, fields);
  if (typeof role === 'string' && content !== undefined) return { ...fields, role, content };
  const found = JSON.stringify(item)?.slice(0, 60);
  throw new InputError({ where, problem: `expected {role, content} with texts, found ${found}` });
}

function contentText(content: unknown, message: Record<string, unknown>): string | undefined {
  if (typeof content === 'string') return content;
  if ((content === null || content === undefined) && Array.isArray(message.tool_calls)) return '';
  if (!Array.isArray(content)) return undefined;
  const parts: unknown[] = content.map((part) => (part?.type === 'text' ? part.text : undefined));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
}

/** @throws InputError when the field is neither a text nor a list of messages. */
export function asTurns(value: unknown, where: string): Turns {
  return typeof value === 'string' ? value : asMessages(value, where);
}

/** Puts the system prompt first, unless the messages bring their own. */
export function withSystem(messages: readonly Message[], system: string | undefined): Message[] {
  if (system === undefined || messages[0]?.role === 'system') return [...messages];
  return [{ role: 'system', content: system }, ...messages];
}
