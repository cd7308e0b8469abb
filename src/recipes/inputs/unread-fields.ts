/** Messages of rows with fields that the chat template does not read: counted and said, or refused. */
import { type Tokenizer, unreadFields } from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { isObject } from '../../util/json-object.js';
import { sayForms } from './row-form.js';

/** The columns that prompts are read from. */
const PROMPT_COLUMNS = ['messages', 'prompt'] as const;
const COLUMNS = [...PROMPT_COLUMNS, 'completion', 'chosen', 'rejected'];

/** Read without the template: the mask's weight, and ShareGPT's names of role and content. */
const READ_HERE = ['weight', 'from', 'value'];

interface UnreadOptions {
  readonly tokenizer: Pick<Tokenizer, 'chatTemplate'>;
  /** Null: the chat template writes the messages. */
  readonly promptTemplate: string | null;
  /** Default: those of prompts and of answers. */
  readonly columns?: readonly string[];
  readonly where: (index: number) => string;
  readonly log: (line: string) => void;
}

/** Of rows that are prompts: also which of their forms is read. @throws as `sayUnreadFields` */
export function sayUnreadOfPrompts(
  rows: readonly JsonRow[],
  options: Omit<UnreadOptions, 'columns'>,
): void {
  sayForms(rows, options.log);
  sayUnreadFields(rows, { ...options, columns: PROMPT_COLUMNS });
}

/** @throws InputError on a message that would be empty, as its calls of tools are not read */
export function sayUnreadFields(
  rows: readonly JsonRow[],
  { tokenizer, promptTemplate, columns = COLUMNS, where, log }: UnreadOptions,
): void {
  const template = promptTemplate === null ? tokenizer.chatTemplate : null;
  const reader = promptTemplate === null ? 'the chat template' : 'prompt_template';
  const names = new Set<string>();
  let count = 0;
  for (const [index, row] of rows.entries()) {
    for (const column of columns) {
      for (const message of [row[column]].flat().filter(isObject)) {
        const unread = unreadFields(message, template).filter((name) => !READ_HERE.includes(name));
        if (unread.includes('tool_calls') && isEmpty(message.content)) {
          throw noPlace(`${where(index)}: ${column}`, reader);
        }
        if (unread.length > 0) count++;
        for (const name of unread) names.add(name);
      }
    }
  }
  if (count === 0) return;
  log(
    `warning: fields of ${counted(count, 'message')} that ${reader} does not read are left out: ${[...names].join(', ')}`,
  );
}

const isEmpty = (content: unknown): boolean => content === undefined || [content].join('') === '';

const noPlace = (where: string, reader: string): InputError =>
  new InputError({
    where,
    problem: `a message has tool_calls and no content, and ${reader} does not read tool_calls`,
    remedy: 'Set chat_template_path to a template that does, or leave the row out',
  });
