/**
 * Calls of tools in an answer, `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, as models write them whose
 * chat templates tell them to (Hermes, Qwen 2.5 and 3).
 */
import { randomUUID } from 'node:crypto';
import { readsVariable, type Tokenizer } from '../../tokenizer/index.js';
import { isObject, jsonIn } from '../../util/json-object.js';

/** What a call begins with. */
export const CALL_START = '<tool_call>';
const CALL = /<tool_call>([\s\S]*?)<\/tool_call>/g;
/** A call in the text of a chat template, where quotes and line breaks may be escaped, and Qwen 2.5 doubles braces. */
const TAUGHT = /<tool_call>(?:\s|\\n)*\{\{?\\?["'](?:name|arguments)\\?["']/;

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

export interface Spoken {
  /** Without the calls. */
  readonly text: string;
  readonly calls: readonly ToolCall[];
}

/** Why a model's calls cannot be read; null: they can. */
export function callsProblem(template: string | null, tokenizer: Tokenizer): string | null {
  if (template === null || !readsVariable(template, 'tools')) {
    return 'the chat template has no place for them';
  }
  const form = `${CALL_START}{"name": …, "arguments": …}`;
  if (!TAUGHT.test(template))
    return `the chat template asks for calls of another form than ${form}`;
  const ids = tokenizer.encode(CALL_START, { addSpecialTokens: false });
  if (tokenizer.decode(ids, { skipSpecialTokens: true }).includes(CALL_START)) return null;
  return `${CALL_START} is a special token, which answers do not show`;
}

/** An answer with its calls taken out; one with anything else between the tags is text as it stands. */
export function withoutCalls(text: string): Spoken {
  const calls = [...text.matchAll(CALL)].map(([, inner]) => callOf(inner!));
  const rest = text.replace(CALL, '');
  const isWhole = calls.every((call) => call !== null) && !rest.includes(CALL_START);
  if (calls.length === 0 || !isWhole) return { text, calls: [] };
  const before = text.slice(0, text.indexOf(CALL_START));
  return { text: rest.slice(before.length).trim() === '' ? before : rest, calls };
}

function callOf(text: string): ToolCall | null {
  const call = jsonIn(text);
  const { name, arguments: given = {} } = isObject(call) ? call : {};
  if (typeof name !== 'string' || !isObject(given)) return null;
  return { id: `call_${randomUUID()}`, name, arguments: JSON.stringify(given) };
}
