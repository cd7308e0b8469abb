/** Worked examples before a question: as turns of a chat, or as text where a template writes prompts. */
import type { AnswerForm } from '../../evaluate/index.js';
import { goldOf, reasoningOf } from '../../rewards/index.js';
import { fillTemplate, type Message } from '../../tokenizer/index.js';
import { type AnswerTags, taggedAnswer } from '../../util/answer-tags.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import { fieldNames } from '../../util/shown.js';
import type { RecipeContext } from '../context.js';
import { tagsOf } from '../inputs/answer-tags.js';
import { loadDataset } from '../inputs/dataset.js';
import { benchmarkRows } from './benchmark.js';
import type { EvaluationKeys } from './evaluation-inputs.js';

export interface Shot {
  readonly question: string;
  /** Working and answer, in the form asked for. */
  readonly response: string;
}

/** The examples that `num_fewshot` asks for, drawn by the seed. @throws InputError on too few rows */
export async function loadShots(
  keys: EvaluationKeys,
  context: RecipeContext,
): Promise<readonly Shot[]> {
  const { num_fewshot: count, fewshot_path: path, fewshot_split: split, seed } = keys;
  if (count === 0) return [];
  const rows = benchmarkRows(keys);
  if (path === null && rows.path !== null) {
    throw new InputError({
      where: 'fewshot_path',
      problem: `the file ${rows.path} has no other split to take examples from`,
      remedy: 'Give fewshot_path=FILE',
    });
  }
  const source = path === null ? { ...rows, split } : { ...rows, name: null, path, revision: null };
  const dataset = { ...source, num_samples: count, shuffle: true };
  const loaded = await loadDataset(dataset, { seed, context });
  if (loaded.rows.length < count) {
    throw new InputError({
      where: 'num_fewshot',
      problem: `there are ${loaded.rows.length} of the ${counted(count, 'example')} asked for`,
    });
  }
  const tags = tagsOf(keys);
  return loaded.rows.map((row, index) =>
    shotOf(row, { form: keys.answer_format, tags, where: loaded.where(index) }),
  );
}

interface ShotOptions {
  readonly form: AnswerForm;
  readonly tags: AnswerTags;
  readonly where: string;
}

/** @throws InputError without question, working or answer */
function shotOf(row: JsonRow, { form, tags, where }: ShotOptions): Shot {
  const reasoning = reasoningOf(row);
  const gold = goldOf(row);
  if (typeof row.question !== 'string' || reasoning === null || gold === null) {
    throw new InputError({
      where,
      problem: `no worked example (it has ${fieldNames(row)})`,
      remedy: 'Examples need question, reasoning and answer',
    });
  }
  const forms: Readonly<Record<AnswerForm, string>> = {
    tags: taggedAnswer(tags, { reasoning, answer: gold }),
    boxed: `${reasoning}\nThe answer is $\\boxed{${gold}}$.`,
    hashes: `${reasoning}\n#### ${gold}`,
  };
  return { question: row.question, response: forms[form] };
}

interface ShotsOptions {
  readonly shots: readonly Shot[];
  readonly keys: Pick<EvaluationKeys, 'prompt_template' | 'system_prompt'>;
  /** `file:line` of the row. */
  readonly where: string;
}

/**
 * The row that asks its question after the shots; where a template writes prompts, as plain text. The shots
 * take the place of a prompt that the row has beside its question.
 * @throws InputError without a question
 */
export function withShots(row: JsonRow, { shots, keys, where }: ShotsOptions): JsonRow {
  const { question, messages: _messages, ids: _ids, ...rest } = row;
  if (typeof question !== 'string') {
    throw new InputError({
      where,
      problem: `num_fewshot needs a text "question" (the row has ${fieldNames(row)})`,
      remedy: 'Map its name by dataset.columns, or leave num_fewshot out',
    });
  }
  const { prompt_template: template, system_prompt: systemPrompt } = keys;
  if (template === null) {
    const turns = shots.flatMap(({ question: asked, response }): Message[] => [
      { role: 'user', content: asked },
      { role: 'assistant', content: response },
    ]);
    return { ...rest, prompt: [...turns, { role: 'user', content: question }] };
  }
  const write = (prompt: string) =>
    fillTemplate(template, { prompt, system: systemPrompt ?? undefined });
  const examples = shots.map(({ question: asked, response }) => `${write(asked)}${response}`);
  return { ...rest, prompt: [...examples, write(question)].join('\n\n') };
}
