/** Rows → prompts as token ids, each with room for its completion behind it. */
import type { PromptRequest } from '../../rollout/index.js';
import {
  type ChatRow,
  type RenderOptions,
  renderPrompt,
  type Tokenizer,
} from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { promptRoom } from './prompt-room.js';
import { promptRow } from './prompt-row.js';

export interface PromptedRow {
  readonly id: string;
  readonly row: JsonRow;
  readonly promptIds: readonly number[];
  /** In place of ids, for a server that renders them itself. */
  readonly messages?: NonNullable<PromptRequest['messages']>;
  /** Tokens left out at its beginning, so that it fits. */
  readonly cut?: number;
}

/** Tokens of the longest prompt, 0 of none. */
export const longestPrompt = (prompts: readonly Pick<PromptedRow, 'promptIds'>[]): number =>
  prompts.reduce((longest, { promptIds }) => Math.max(longest, promptIds.length), 0);

/** A prompt that leaves no room: an error, left out, or cut at its beginning, behind BOS. */
export type OverlongPrompts = 'error' | 'drop' | 'left';

/**
 * @param options.context Longest sequence of the model, tokens.
 * @param options.completion Longest completion, tokens.
 * @param options.completionKey The key that says so; default `max_new_tokens`.
 * @param options.overlong Default `error`; with `drop` there are fewer prompts than rows.
 * @throws InputError naming the row whose prompt leaves no room for the completion.
 */
export function promptRows(
  tokenizer: Tokenizer,
  rows: readonly JsonRow[],
  options: {
    readonly render: (index: number) => RenderOptions;
    readonly context: number;
    readonly completion: number;
    readonly completionKey?: string;
    readonly overlong?: OverlongPrompts;
  },
): PromptedRow[] {
  const { completionKey = 'max_new_tokens' } = options;
  const longest = promptRoom(completionKey, options);
  return rows.flatMap((row, index): PromptedRow[] => {
    const render = options.render(index);
    const where = render.where ?? `row ${index + 1}`;
    const id = String(row.id ?? index);
    if (row.prompt === '') throw new InputError({ where, problem: 'the prompt is empty' });
    const promptIds =
      idsOf(row, where) ?? renderPrompt(tokenizer, promptRow(row) as ChatRow, render);
    if (promptIds.length <= longest) return [{ id, row, promptIds }];
    if (options.overlong === 'drop') return [];
    if (options.overlong === 'left') {
      return [{ id, row, ...cutLeft(promptIds, longest, tokenizer) }];
    }
    throw new InputError({
      where,
      problem: `its prompt has ${counted(promptIds.length, 'token')}, ${longest} leave room for a completion`,
      remedy: `Shorten it, leave it out${completionKey === 'max_completion_length' ? ' (overlong_prompts=drop)' : ''}, or lower ${completionKey}`,
    });
  });
}

/**
 * Says how many rows were left out, and how many prompts were cut.
 * @throws InputError when no row is left
 */
export function sayOverlong(
  prompts: readonly Pick<PromptedRow, 'cut'>[],
  {
    rows,
    what,
    completionKey,
    log,
  }: {
    readonly rows: number;
    readonly what: string;
    readonly completionKey: string;
    readonly log: (line: string) => void;
  },
): void {
  const dropped = rows - prompts.length;
  if (prompts.length === 0) {
    throw new InputError({
      where: 'dataset',
      problem: `none of its prompts (${rows}) leaves room for a completion`,
      remedy: `Lower ${completionKey}`,
    });
  }
  if (dropped > 0) log(`${what}: ${dropped} of ${counted(rows, 'row')} left out: prompts too long`);
  const cut = prompts.filter((prompt) => prompt.cut !== undefined).length;
  if (cut > 0)
    log(`${what}: ${cut} of ${counted(rows, 'prompt')} cut at their beginning: too long`);
}

/** The last `longest` tokens; a BOS in front stays there. */
function cutLeft(
  ids: readonly number[],
  longest: number,
  { bosId }: Tokenizer,
): { readonly promptIds: readonly number[]; readonly cut: number } {
  const hasBos = bosId !== null && ids[0] === bosId && longest > 1;
  const kept = hasBos ? [bosId, ...ids.slice(1 - longest)] : ids.slice(-longest);
  return { promptIds: kept, cut: ids.length - kept.length };
}

/** Rows may bring token ids. @throws InputError when they are none. */
function idsOf({ ids }: JsonRow, where: string): readonly number[] | null {
  if (!Array.isArray(ids)) return null;
  if (ids.length === 0) throw new InputError({ where, problem: 'the prompt is empty' });
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0);
  if (bad === undefined) return ids as number[];
  throw new InputError({ where, problem: `ids: ${JSON.stringify(bad)} is no token id` });
}
