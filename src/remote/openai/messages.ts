/** Chat messages as OpenAI's fine-tuning takes them. */
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';

const ROLES = ['developer', 'system', 'user', 'assistant', 'tool', 'function'];

interface MessageRules {
  /** `file:line`. */
  readonly where: string;
  readonly field?: string;
  /** Role of the last message. */
  readonly last?: 'user' | 'assistant';
}

/** @throws InputError naming the message and what is wrong with it */
export function checkMessages(
  value: unknown,
  { where, field = 'messages', last }: MessageRules,
): void {
  const error = (at: string, problem: string) =>
    new InputError({ where: `${where}: ${at}`, problem });
  if (!Array.isArray(value) || value.length === 0) {
    throw error(field, `expected a list of messages, found ${shown(value)}`);
  }
  for (const [i, message] of value.entries()) {
    const problem = problemOf(message);
    if (problem !== null) throw error(`${field}[${i}]`, problem);
  }
  const role = (value.at(-1) as JsonRow).role;
  if (last !== undefined && role !== last) {
    throw error(field, `the last message is of ${String(role)}, where this method wants ${last}`);
  }
}

function problemOf(message: unknown): string | null {
  if (!isObject(message)) return `no message: ${shown(message)}`;
  const { role, content, weight, tool_calls } = message;
  if (!ROLES.includes(String(role))) return `role is ${shown(role)}, expected ${ROLES.join(', ')}`;
  const isCall = role === 'assistant' && Array.isArray(tool_calls);
  const isContent = typeof content === 'string' || (Array.isArray(content) && content.length > 0);
  if (!isContent && !(isCall && content == null)) {
    return `content is ${shown(content)}, expected a text or parts`;
  }
  const isWeight = weight === undefined || (role === 'assistant' && (weight === 0 || weight === 1));
  return isWeight
    ? null
    : `weight is ${shown(weight)}, expected 0 or 1, on assistant messages only`;
}
