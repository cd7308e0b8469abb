/** Where the prompts of a command come from: rows of a file, lines of a text file, or the command line. */
import { existsSync } from 'node:fs';
import { readRowFile, withoutNullForms } from '../../data/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { readText } from '../../util/utf8.js';

export interface PromptInput {
  readonly rows: readonly JsonRow[];
  /** Where a row stands, for messages. */
  readonly where: (index: number) => string;
}

export interface PromptKeys {
  readonly input: string | null;
  readonly prompt: string | null;
}

/** @throws InputError when the file holds no prompt or is malformed. */
export async function readPrompts(keys: PromptKeys): Promise<PromptInput> {
  const input = await rawRows(keys);
  if (input.rows.length > 0) return input;
  throw new InputError({ where: keys.input ?? 'prompt', problem: 'there is no prompt in it' });
}

async function rawRows({ input, prompt }: PromptKeys): Promise<PromptInput> {
  if (input === null) return { rows: [{ prompt }], where: () => 'prompt' };
  if (!existsSync(input)) throw new InputError({ where: input, problem: 'no such file' });
  if (input.toLowerCase().endsWith('.txt')) return textLines(input);
  const { rows, where } = await readRowFile(input);
  return { rows: rows.map(withoutNullForms), where };
}

/** One prompt a line; blank lines are passed over. */
function textLines(path: string): PromptInput {
  const lines = readText(path).split(/\r?\n/);
  const numbered = [...lines.entries()].filter(([, line]) => line.trim() !== '');
  return {
    rows: numbered.map(([, prompt]) => ({ prompt })),
    where: (index) => `${path}:${numbered[index]![0] + 1}`,
  };
}

/** A text prompt as a user message. */
export function asChat(row: JsonRow): JsonRow {
  const { prompt } = row;
  return typeof prompt === 'string' ? { ...row, prompt: [{ role: 'user', content: prompt }] } : row;
}
