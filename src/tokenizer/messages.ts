/** Chat messages and the three forms of a row, checked where they are used. */
import { InputError } from '../util/errors.js';
import { isObject } from '../util/json-object.js';
import { shown } from '../util/shown.js';

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

/** Roles of ShareGPT's messages, `{ from, value }`; chat templates know ours. */
const SHAREGPT_ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  user: 'user',
  gpt: 'assistant',
  chatgpt: 'assistant',
  model: 'assistant',
  assistant: 'assistant',
  system: 'system',
  tool: 'tool',
  observation: 'tool',
};

/** Roles that every chat template takes for what they are. */
export const KNOWN_ROLES: ReadonlySet<string> = new Set(Object.values(SHAREGPT_ROLES));

/**
 * Messages from a row's field: `{ role, content }`, or ShareGPT's `{ from, value }`. Content in text parts
 * (`[{ type: 'text', text }]`) becomes one text.
 * @throws InputError naming the message that is neither.
 */
export function asMessages(value: unknown, where: string): Message[] {
  return listed(value, where, LIST);
}

const LIST = 'a list of messages with role and content';

function listed(value: unknown, where: string, expected: string): Message[] {
  if (!Array.isArray(value) || value.length === 0) {
    const isJson = typeof value === 'string' && value.startsWith('[');
    throw new InputError({
      where,
      problem: `expected ${expected}, found ${shown(value)}`,
      ...(isJson && { remedy: 'It is the text of a list: write the list itself, without quotes' }),
    });
  }
  return value.map((item: unknown, index) => asMessage(item, `${where}[${index}]`));
}

function asMessage(item: unknown, where: string): Message {
  const given = isObject(item) ? item : {};
  const isShareGpt = given.role === undefined && typeof given.from === 'string';
  const fields = isShareGpt ? fromShareGpt(given, where) : given;
  const { role } = fields;
  const content = contentText(fields.content, fields);
  if (typeof role === 'string' && content !== undefined) return { ...fields, role, content };
  const { content: parts } = fields;
  const other = Array.isArray(parts) && parts.find((part) => part?.type !== 'text')?.type;
  throw new InputError({
    where,
    problem: `expected {role, content} with texts, found ${shown(item)}`,
    ...(typeof other === 'string' && {
      remedy: `Texts alone are trained on and sampled from, no ${other}: leave the row out`,
    }),
  });
}

/** @throws InputError on a role that means nothing here. */
function fromShareGpt(
  { from, value, ...rest }: Record<string, unknown>,
  where: string,
): Record<string, unknown> {
  const role = Object.hasOwn(SHAREGPT_ROLES, String(from)) ? SHAREGPT_ROLES[String(from)] : null;
  if (role !== null) return { content: value, ...rest, role };
  throw new InputError({
    where,
    problem: `from: "${from}" is no known role`,
    remedy: `Known are ${Object.keys(SHAREGPT_ROLES).join(', ')}; or write {role, content}`,
  });
}

function contentText(content: unknown, message: Record<string, unknown>): string | undefined {
  if (typeof content === 'string') return content;
  if ((content === null || content === undefined) && Array.isArray(message.tool_calls)) return '';
  if (!Array.isArray(content)) return undefined;
  const parts: unknown[] = content.map((part) => (part?.type === 'text' ? part.text : undefined));
  return parts.every((part) => typeof part === 'string') ? parts.join('') : undefined;
}

/**
 * A text, messages, or one message by itself.
 * @throws InputError when the field is none of them.
 */
export function asTurns(value: unknown, where: string): Turns {
  if (typeof value === 'string') return value;
  if (isObject(value)) return [asMessage(value, where)];
  return listed(value, where, `a text, or ${LIST}`);
}

/** Puts the system prompt first, unless the messages bring their own. */
export function withSystem(messages: readonly Message[], system: string | undefined): Message[] {
  if (system === undefined || messages[0]?.role === 'system') return [...messages];
  return [{ role: 'system', content: system }, ...messages];
}
