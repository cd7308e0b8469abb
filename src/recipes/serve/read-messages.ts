/** The messages of a chat → those that the chat template is given; what it would pass over is refused. */
import { readsVariable, unreadFields } from '../../tokenizer/index.js';
import type { JsonRow } from '../../util/files.js';
import { isObject, parseJson } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import { fieldError } from './api-error.js';
import type { Fields } from './fields.js';

/** Those of OpenAI's API; `developer` is its newer name of `system`. */
const ROLES: readonly unknown[] = ['system', 'developer', 'user', 'assistant', 'tool'];

/**
 * @param template Null where no chat template is used.
 * @throws ApiError naming the message and its field
 */
export function readMessages(fields: Fields, template: string | null): readonly JsonRow[] {
  const messages = fields.raw('messages');
  if (messages === undefined) throw fieldError('messages', 'it is missing');
  if (!Array.isArray(messages)) throw fieldError('messages', 'it is no list of {role, content}');
  return messages.map((message, i) => readMessage(message, `messages[${i}]`, template));
}

function readMessage(message: unknown, at: string, template: string | null): JsonRow {
  if (!isObject(message)) throw fieldError(at, `${shown(message)} is not {role, content}`);
  const { role } = message;
  if (!ROLES.includes(role)) {
    throw fieldError(`${at}.role`, `${shown(role)} is none of ${ROLES.join(', ')}`);
  }
  const [lost] = unreadFields(message, template);
  if (lost !== undefined) {
    const problem =
      template === null ? 'no chat template is used' : 'the chat template reads no such field';
    throw fieldError(`${at}.${lost}`, problem, 'Leave it out');
  }
  const isNewName =
    role === 'developer' && !(template !== null && readsVariable(template, 'developer'));
  const given = withArguments(message, at, template);
  return isNewName ? { ...given, role: 'system' } : given;
}

/** A template that writes the arguments of calls as JSON itself gets what their text says, as clients send a text. */
function withArguments(message: JsonRow, at: string, template: string | null): JsonRow {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls) || template === null || !WRITES_JSON.test(template)) return message;
  const read = calls.map((call: unknown, i) => {
    if (!isObject(call) || !isObject(call.function)) return call;
    const { arguments: given } = call.function;
    if (typeof given !== 'string') return call;
    // Clients write a call without arguments as an empty text, too.
    const args =
      given.trim() === '' ? {} : parsed(given, `${at}.tool_calls[${i}].function.arguments`);
    return { ...call, function: { ...call.function, arguments: args } };
  });
  return { ...message, tool_calls: read };
}

const WRITES_JSON = /\barguments\s*\|\s*tojson\b/;

function parsed(text: string, at: string): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    throw fieldError(at, `${shown(text)} is not JSON: ${(error as Error).message}`);
  }
}
