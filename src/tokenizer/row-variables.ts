/**
 * Variables that a row itself gives to the chat template, as TRL reads them: `tools`, a list of JSON schemas or the
 * JSON text of one, and `chat_template_kwargs`. They come before those of the config.
 */
import { InputError } from '../util/errors.js';
import { isObject, jsonIn } from '../util/json-object.js';
import { shown } from '../util/shown.js';
import type { ChatRow } from './messages.js';
import type { Tokenizer } from './tokenizer.js';

type Variables = Readonly<Record<string, unknown>>;

const COLUMNS = ['tools', 'chat_template_kwargs'] as const;

/** The columns of a row that hold variables of the chat template. */
export const variableColumns = (row: ChatRow): ChatRow =>
  Object.fromEntries(
    COLUMNS.filter((name) => row[name] != null).map((name) => [name, row[name]] as const),
  );

/** Whether a chat template reads a variable of this name. */
export const readsVariable = (template: string, name: string): boolean =>
  /^\w+$/.test(name) && new RegExp(`\\b${name}\\b`).test(template);

interface VariableOptions {
  readonly promptTemplate?: string | undefined;
  readonly templateArgs?: Variables | undefined;
  readonly where?: string;
}

/**
 * The options with the row's variables, where a chat template writes the row.
 * @throws InputError on a column that holds something else, or that nothing reads
 */
export function withVariables<Options extends VariableOptions>(
  { chatTemplate }: Tokenizer,
  row: ChatRow,
  options: Options,
): Options {
  const { promptTemplate, templateArgs, where = 'row' } = options;
  const isChat = row.messages != null || (row.prompt != null && typeof row.prompt !== 'string');
  if (!isChat) return options;
  const variables = { ...toolsOf(row.tools, where), ...kwargsOf(row.chat_template_kwargs, where) };
  const template = promptTemplate ?? chatTemplate ?? '';
  for (const name of Object.keys(variables)) {
    if (promptTemplate === undefined && readsVariable(template, name)) continue;
    throw new InputError({
      where: `${where}: ${name}`,
      problem: `${promptTemplate === undefined ? 'the chat template' : 'prompt_template'} has no place for it`,
      remedy:
        'Set chat_template_path to a template that reads it, or rename the column by dataset.columns',
    });
  }
  return { ...options, templateArgs: { ...templateArgs, ...variables } };
}

/** None where the list is empty: some templates write a heading without tools then. */
function toolsOf(value: unknown, where: string): Variables {
  if (value == null) return {};
  const tools = typeof value !== 'string' ? value : value.trim() === '' ? [] : jsonIn(value);
  if (Array.isArray(tools)) return tools.length === 0 ? {} : { tools };
  throw new InputError({
    where: `${where}: tools`,
    problem: `expected a list of JSON schemas, found ${shown(value)}`,
    remedy: 'If it is none for the chat template, rename the column by dataset.columns',
  });
}

/** Without those that are null, which tables put where a row has none. */
function kwargsOf(value: unknown, where: string): Variables {
  if (value == null) return {};
  if (isObject(value)) {
    return Object.fromEntries(Object.entries(value).filter(([, each]) => each != null));
  }
  throw new InputError({
    where: `${where}: chat_template_kwargs`,
    problem: `expected a mapping of variables, found ${shown(value)}`,
  });
}
