/** The key `dataset` → rows, and rows → what the tokenizer renders. */
import type { DatasetConfig } from '../../config/index.js';
import { type LoadedRows, loadRows, type RowFilter } from '../../data/index.js';
import { type AnswerTags, checkTags } from '../../rewards/index.js';
import {
  type ChatRow,
  fieldNames,
  type RenderOptions,
  variableColumns,
} from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from './hub-options.js';

export interface DatasetUse {
  readonly seed: number;
  readonly context: RecipeContext;
  readonly only?: RowFilter | undefined;
}

/** Rows of a data set, with one line that says where they come from. */
export async function loadDataset(
  dataset: DatasetConfig,
  { seed, context, only }: DatasetUse,
): Promise<LoadedRows> {
  const source = (dataset.path ?? dataset.name)!;
  const loaded = await loadRows(source, {
    split: dataset.split,
    hub: hubOptions(context),
    ...pinned(dataset.revision, 'dataset.revision'),
    columns: dataset.columns,
    ...(dataset.subset !== null && { config: dataset.subset }),
    ...(only && { only }),
    ...(dataset.shuffle && { shuffleSeed: seed }),
    ...(dataset.num_samples !== null && { numSamples: dataset.num_samples }),
  });
  const { count, total, dropped, kind, revision, commit, sha256 } = loaded.provenance;
  context.onSource?.({
    kind: 'dataset',
    name: source,
    split: dataset.split,
    revision,
    commit,
    sha256,
  });
  const left = dropped > 0 ? `, ${dropped} malformed left out` : '';
  const split = kind === 'file' ? '' : ` (${dataset.split})`;
  const picked = only === undefined ? '' : `, those of ${only.column} ${only.values.join(' or ')}`;
  context.log(`data: ${count} of ${total} rows of ${source}${split}${picked}${left}`);
  return loaded;
}

interface TagKeys {
  readonly reasoning_start: string;
  readonly reasoning_end: string;
  readonly solution_start: string;
  readonly solution_end: string;
}

/** @throws InputError when a tag is part of another. */
export function tagsOf(keys: TagKeys): AnswerTags {
  const tags = {
    reasoningStart: keys.reasoning_start,
    reasoningEnd: keys.reasoning_end,
    solutionStart: keys.solution_start,
    solutionEnd: keys.solution_end,
  };
  checkTags(tags);
  return tags;
}

/** `<start_working_out>…<end_working_out><SOLUTION>…</SOLUTION>` */
export const taggedAnswer = (tags: AnswerTags, reasoning: string, answer: string): string =>
  `${tags.reasoningStart}${reasoning}${tags.reasoningEnd}${tags.solutionStart}${answer}${tags.solutionEnd}`;

/** The prompt part of any row: a question becomes a user message. */
export function promptRow(row: JsonRow): ChatRow {
  if (typeof row.question !== 'string') return row;
  return { ...variableColumns(row), prompt: [{ role: 'user', content: row.question }] };
}

export interface AnswerStyle {
  readonly tags: AnswerTags;
  /** `boxed`: the worked solution itself, which ends in `\\boxed{}`. */
  readonly form: 'tags' | 'boxed';
}

function written(reasoning: string, answer: string, { tags, form }: AnswerStyle): string {
  if (form === 'tags') return taggedAnswer(tags, reasoning, answer);
  const isBoxed = reasoning.includes('\\boxed');
  return isBoxed ? reasoning : `${reasoning}\nThe answer is $\\boxed{${answer}}$.`;
}

/**
 * A training row: problems are answered in the four tags or with a box, other forms stay as they are.
 * @throws InputError on a question without its working and answer.
 */
export function trainingRow(row: JsonRow, style: AnswerStyle, where: string): ChatRow {
  const { question, reasoning, answer, completion } = row;
  const isOther = [row.messages, row.prompt, row.text].some((value) => value !== undefined);
  if (typeof question !== 'string' || isOther) return row;
  if (completion !== undefined) return { ...promptRow(row), completion };
  const isAnswer = typeof answer === 'string' || typeof answer === 'number';
  if (typeof reasoning === 'string' && isAnswer) {
    return { ...promptRow(row), completion: written(reasoning, String(answer), style) };
  }
  throw new InputError({
    where,
    problem: `a question without its working and answer (it has ${fieldNames(row)})`,
    remedy:
      'Give answer "<working>\\n#### N", or reasoning and answer; map other names by dataset.columns',
  });
}

interface PromptKeys {
  readonly prompt_template: string | null;
  readonly system_prompt: string | null;
  readonly chat_template_kwargs: Readonly<Record<string, unknown>>;
}

export const renderOptions = (keys: PromptKeys, where: string): RenderOptions => ({
  promptTemplate: keys.prompt_template ?? undefined,
  systemPrompt: keys.system_prompt ?? undefined,
  templateArgs: keys.chat_template_kwargs,
  where,
});
