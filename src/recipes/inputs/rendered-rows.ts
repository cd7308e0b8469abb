/** Rows of a set as token sequences with loss masks, within a length; what is cut or left out is said. */
import type { DatasetConfig } from '../../config/index.js';
import { type LengthLimit, limitLengths } from '../../data/index.js';
import {
  type ChatRow,
  type RenderExampleOptions,
  type RenderedExample,
  renderExample,
  type Tokenizer,
  type TrainOn,
} from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import type { RecipeContext } from '../context.js';
import { type TagKeys, tagsOf } from './answer-tags.js';
import { loadDataset } from './dataset.js';
import { type PromptKeys, renderOptions } from './render-options.js';
import { sayForms } from './row-form.js';
import { type AnswerStyle, trainingRow } from './training-row.js';
import { sayUnreadFields } from './unread-fields.js';

export type RenderKeys = PromptKeys &
  TagKeys & { readonly seed: number; readonly max_length: number };

interface Rendering
  extends Pick<LengthLimit, 'policy'>,
    Pick<AnswerStyle, 'form'>,
    Pick<RenderExampleOptions, 'roles' | 'maskToolOutput'> {
  readonly tokenizer: Tokenizer;
  readonly context: RecipeContext;
  /** The row as it is rendered, and what of it the loss covers; default: its answers. */
  readonly learnt?: (row: ChatRow) => { readonly row: ChatRow; readonly trainOn: TrainOn };
}

export interface RenderedRow {
  readonly example: RenderedExample;
  readonly trainOn: TrainOn;
  /** `file:line`. */
  readonly where: string;
}

const answers = (row: ChatRow) => ({ row, trainOn: 'assistant' }) as const;

export async function renderedRows(
  dataset: DatasetConfig,
  keys: RenderKeys,
  { tokenizer, context, form, policy, learnt = answers, ...options }: Rendering,
): Promise<RenderedRow[]> {
  const { seed, max_length: maxLength } = keys;
  const { rows, where } = await loadDataset(dataset, { seed, context });
  sayForms(rows, context.log);
  const { prompt_template: promptTemplate } = keys;
  sayUnreadFields(rows, { tokenizer, promptTemplate, where, log: context.log });
  const style = { tags: tagsOf(keys), form };
  const parts = rows.map((row, index) => learnt(trainingRow(row, style, where(index))));
  const rendered = parts.map(({ row, trainOn }, index) =>
    renderExample(tokenizer, row, { ...renderOptions(keys, where(index)), ...options, trainOn }),
  );
  const { examples, ...counts } = limitLengths(rendered, { maxLength, policy, where });
  const { truncated, dropped, untrained } = counts;
  if (truncated > 0)
    context.log(`data: ${counted(truncated, 'row')} cut to ${counted(maxLength, 'token')}`);
  if (dropped > 0)
    context.log(
      `data: ${counted(dropped, 'row')} left out: longer than ${counted(maxLength, 'token')}`,
    );
  if (untrained > 0)
    context.log(`data: ${counted(untrained, 'row')} left out: cut before their answer`);
  return examples.map(({ example, index }) => ({
    example,
    trainOn: parts[index]!.trainOn,
    where: where(index),
  }));
}
