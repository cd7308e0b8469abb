/** The tools that a request offers → what the chat template is given of them. */
import type { Tokenizer } from '../../tokenizer/index.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { shown } from '../../util/shown.js';
import { fieldError } from './api-error.js';
import type { Fields } from './fields.js';
import { callsProblem } from './tool-calls.js';

/**
 * @param template Null where no chat template is used.
 * @returns null where no tool is to be called
 * @throws ApiError naming the field, also where calls of the model cannot be read
 */
export function readTools(
  fields: Fields,
  template: string | null,
  tokenizer: Tokenizer,
): readonly JsonRow[] | null {
  fields.refuse('functions', 'tools is its newer name');
  const tools = fields.raw('tools');
  const isNone = fields.raw('tool_choice') === 'none';
  const isOffered = tools !== undefined && !isNone;
  fields.refuse('tool_choice', 'what it calls is for the model to say', ['none', 'auto']);
  const often = 'how often it calls is for the model to say';
  fields.refuse('parallel_tool_calls', often, isOffered ? [true] : [true, false]);
  if (tools === undefined) return null;
  const list = toolList(tools);
  if (isNone) return null;
  const problem = callsProblem(template, tokenizer);
  if (problem !== null)
    throw fieldError('tools', `tools are not called: ${problem}`, 'Leave it out');
  const format = fields.mapping('response_format')?.type ?? 'text';
  if (format === 'text') return list;
  const both = 'an answer of this form calls no tool';
  throw fieldError('response_format', both, 'Leave it out, or tools');
}

function toolList(tools: unknown): readonly JsonRow[] {
  if (!Array.isArray(tools) || tools.length === 0) {
    throw fieldError('tools', `${shown(tools)} is no list of {type: "function", function}`);
  }
  return tools.map((tool: unknown, i) => {
    const at = `tools[${i}]`;
    if (!isObject(tool) || tool.type !== 'function' || !isObject(tool.function)) {
      throw fieldError(at, `${shown(tool)} is not {type: "function", function}`);
    }
    const { name, strict } = tool.function;
    if (typeof name !== 'string' || name === '') {
      throw fieldError(`${at}.function.name`, `${shown(name)} is no name`);
    }
    if (strict !== true) return tool;
    const problem = 'true is not supported: arguments are as the model writes them';
    throw fieldError(`${at}.function.strict`, problem, 'Leave it out');
  });
}
