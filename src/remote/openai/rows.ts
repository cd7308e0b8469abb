/**
 * Rows in the forms that OpenAI's fine-tuning takes, checked before anything is sent: conversations
 * (supervised), pairs of answers (DPO), prompts with what the grader reads (reinforcement). Rows of our own
 * form (`question` or `prompt` with `completion`, or with `chosen` and `rejected`) are brought to the
 * service's. Forms: the service's guides to each method; the least count is theirs too.
 */
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import { type JsonRow, sha256, toJsonl } from '../../util/files.js';
import { fieldNames, shown } from '../../util/shown.js';
import { checkMessages } from './messages.js';

/** Our word → the service's. */
export const METHODS = { sft: 'supervised', dpo: 'dpo', rft: 'reinforcement' } as const;
export type FineTuningMethod = keyof typeof METHODS;

/** "The minimum number of examples you can provide for fine-tuning is 10." */
const LEAST_ROWS = 10;
/** "Individual files can be up to 512 MB." */
const MOST_BYTES = 512 * 10 ** 6;

export interface SourceRows {
  readonly path: string;
  readonly rows: readonly JsonRow[];
  /** `file:line` of a row. */
  readonly where: (index: number) => string;
}

/** What is sent as one file. */
export interface Upload {
  /** JSONL. */
  readonly text: string;
  /** Named by its content, so that the service's copy is found again. */
  readonly filename: string;
  readonly bytes: number;
  readonly rows: number;
  /** Rows that were brought from our form to the service's. */
  readonly converted: number;
  /** Columns that the service takes no part in, left out of every row. */
  readonly leftOut: readonly string[];
}

interface Formed {
  readonly row: JsonRow;
  readonly isConverted: boolean;
}

const FORMS: Readonly<Record<FineTuningMethod, (row: JsonRow, where: string) => Formed>> = {
  sft: conversation,
  dpo: pair,
  rft: prompt,
};

export interface UploadOptions {
  readonly method: FineTuningMethod;
  /** Columns that the grader's templates read. */
  readonly itemFields: readonly string[];
  /** Training needs a least number of rows; validation does not. */
  readonly isTraining: boolean;
}

/** @throws InputError naming file, line and field */
export function uploadOf(source: SourceRows, options: UploadOptions): Upload {
  const { path, rows, where } = source;
  const { method, itemFields, isTraining } = options;
  const formed = rows.map((row, i) => FORMS[method](row, where(i)));
  for (const [i, { row }] of formed.entries()) checkFields(row, itemFields, where(i));
  if (rows.length === 0 || (isTraining && rows.length < LEAST_ROWS)) {
    throw new InputError({
      where: path,
      problem: `${counted(rows.length, 'row')}, where the service asks for ${isTraining ? `at least ${LEAST_ROWS}` : 'one or more'}`,
    });
  }
  const text = toJsonl(formed.map(({ row }) => row));
  const bytes = Buffer.byteLength(text);
  if (bytes > MOST_BYTES) {
    const problem = `${bytes} bytes to send, where the service takes ${MOST_BYTES}`;
    throw new InputError({ where: path, problem, remedy: 'Give fewer rows' });
  }
  const converted = formed.filter(({ isConverted }) => isConverted).length;
  const kept = new Set(formed.flatMap(({ row }) => Object.keys(row)));
  const own = new Set(rows.flatMap((row) => Object.keys(row)));
  return {
    text,
    bytes,
    converted,
    rows: rows.length,
    filename: `lorikeet-${sha256(text).slice(0, 16)}.jsonl`,
    leftOut: [...own].filter((name) => !kept.has(name) && !TURNED.has(name)),
  };
}

/** Columns of our form that become the service's. */
const TURNED = new Set(['question', 'prompt', 'completion', 'chosen', 'rejected']);
/** What a conversation may have beside its messages. */
const BESIDE = ['tools', 'parallel_tool_calls', 'functions'];

const picked = (row: JsonRow, names: readonly string[]): JsonRow =>
  Object.fromEntries(names.flatMap((name) => (name in row ? [[name, row[name]]] : [])));

function conversation(row: JsonRow, where: string): Formed {
  const isConverted = row.messages === undefined;
  const messages = isConverted
    ? [...asked(row, where), ...answer(row, 'completion', where)]
    : row.messages;
  checkMessages(messages, { where, last: 'assistant' });
  return { row: { messages, ...picked(row, BESIDE) }, isConverted };
}

function pair(row: JsonRow, where: string): Formed {
  if (row.input === undefined && row.chosen !== undefined) {
    const messages = asked(row, where);
    const [preferred_output, non_preferred_output] = ['chosen', 'rejected'].map((side) =>
      answer(row, side, where),
    );
    const formed = { input: { messages }, preferred_output, non_preferred_output };
    return { row: pair(formed, where).row, isConverted: true };
  }
  const { input, preferred_output, non_preferred_output } = row;
  checkMessages((input as JsonRow | undefined)?.messages, { where, field: 'input.messages' });
  for (const [field, value] of Object.entries({ preferred_output, non_preferred_output })) {
    checkMessages(value, { where, field, last: 'assistant' });
  }
  return { row: { input, preferred_output, non_preferred_output }, isConverted: false };
}

function prompt(row: JsonRow, where: string): Formed {
  const isConverted = row.messages === undefined;
  const messages = isConverted ? asked(row, where) : row.messages;
  checkMessages(messages, { where, last: 'user' });
  const { question: _question, prompt: _prompt, ...rest } = row;
  return { row: isConverted ? { messages, ...rest } : row, isConverted };
}

const asked = (row: JsonRow, where: string): unknown[] =>
  turns(row.question ?? row.prompt, 'user', `${where}: prompt`);

const answer = (row: JsonRow, column: string, where: string): unknown[] =>
  turns(row[column], 'assistant', `${where}: ${column}`);

/** A text as one message; messages as they are. */
function turns(value: unknown, role: string, where: string): unknown[] {
  if (typeof value === 'string' && value !== '') return [{ role, content: value }];
  if (Array.isArray(value)) return value;
  throw new InputError({
    where,
    problem: `expected a text or messages, found ${shown(value)}`,
    remedy:
      'Give rows with messages, or with question (or prompt) and completion (dpo: chosen and rejected)',
  });
}

/** A field that the grader reads and a row lacks fails in the service only after the training began. */
function checkFields(row: JsonRow, fields: readonly string[], where: string): void {
  const lacking = fields.find((name) => !Object.hasOwn(row, name));
  if (lacking === undefined) return;
  throw new InputError({
    where,
    problem: `no column "${lacking}", which the grader reads as {{ item.${lacking} }} (it has ${fieldNames(row)})`,
  });
}
