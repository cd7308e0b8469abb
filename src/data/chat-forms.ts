/**
 * Common forms of rows without problems: ShareGPT's `conversations` are `messages`; Alpaca's `instruction`
 * with its `input`, on a line of its own, is the `question` and `output` its `completion` (Taori et al. 2023,
 * Stanford Alpaca). A `system` prompt in either and Alpaca's earlier turns in `history` are as LLaMA-Factory adds
 * them. Columns that we know take precedence.
 */
import type { JsonRow } from '../util/files.js';

const OURS = ['question', 'prompt', 'messages', 'text'] as const;

/** The row in our form, or what is wrong with it; other rows stay as they are. */
export function chatForm(row: JsonRow): JsonRow | string {
  if (OURS.some((name) => isGiven(row[name]))) return row;
  if (Array.isArray(row.conversations)) return shareGpt(row, row.conversations);
  const { instruction, output, chosen } = row;
  const isAnswered = isGiven(output) || isGiven(chosen);
  return typeof instruction === 'string' && isAnswered ? alpaca(row, instruction) : row;
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** The system prompt stands first, unless the conversation begins with one. */
function shareGpt(
  { conversations: _, ...row }: JsonRow,
  turns: readonly unknown[],
): JsonRow | string {
  const { system } = row;
  if (isGiven(system) && typeof system !== 'string') return 'column "system" is no text';
  const first = turns[0] as { from?: unknown; role?: unknown } | null | undefined;
  const hasOwn = (first?.role ?? first?.from) === 'system';
  const own = system && !hasOwn ? [{ role: 'system', content: system }] : [];
  return { ...row, messages: [...own, ...turns] };
}

function alpaca(row: JsonRow, instruction: string): JsonRow | string {
  const { input, output, system, history } = row;
  if (isGiven(input) && typeof input !== 'string') return 'column "input" is no text';
  if (isGiven(output) && typeof output !== 'string') return 'column "output" is no text';
  if (isGiven(system) && typeof system !== 'string') return 'column "system" is no text';
  const question = input ? `${instruction}\n${input}` : instruction;
  const completion = isGiven(output) && { completion: output };
  const earlier = pastTurns(history);
  if (earlier === null) return 'column "history" is no list of [instruction, answer]';
  if (!system && earlier.length === 0) return { ...row, question, ...completion };
  const first = system ? [{ role: 'system', content: system }] : [];
  const prompt = [...first, ...earlier, { role: 'user', content: question }];
  return { ...row, prompt, ...completion };
}

type Turn = { readonly role: string; readonly content: string };

/** Null when it is something else. */
function pastTurns(history: unknown): Turn[] | null {
  if (!isGiven(history)) return [];
  if (!Array.isArray(history)) return null;
  const pairs = history.map((pair: unknown) => {
    const [asked, answered, more] = Array.isArray(pair) ? pair : [];
    const isPair = typeof asked === 'string' && typeof answered === 'string' && more === undefined;
    if (!isPair) return null;
    return [
      { role: 'user', content: asked },
      { role: 'assistant', content: answered },
    ];
  });
  return pairs.every((pair) => pair !== null) ? pairs.flat() : null;
}
