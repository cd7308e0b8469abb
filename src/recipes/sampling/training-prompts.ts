/** The prompts that GRPO trains on, here and at Tinker: rows that are not held out, whose prompts leave room. */
import type { GrpoConfig } from '../../config/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { counted } from '../../util/counted.js';
import { InputError } from '../../util/errors.js';
import type { JsonRow } from '../../util/files.js';
import type { RecipeContext } from '../context.js';
import { loadDataset } from '../inputs/dataset.js';
import {
  type OverlongPrompts,
  type PromptedRow,
  promptRows,
  sayOverlong,
} from '../inputs/prompted-rows.js';
import { type PromptKeys, renderOptions } from '../inputs/render-options.js';
import { sayUnreadOfPrompts } from '../inputs/unread-fields.js';

type PromptConfig = PromptKeys &
  Pick<GrpoConfig, 'dataset' | 'seed' | 'eval_samples' | 'max_completion_length'>;

/**
 * @param options.longest Longest sequence, tokens.
 * @throws InputError when no row is left
 */
export async function trainingPrompts(
  config: PromptConfig,
  options: {
    readonly tokenizer: Tokenizer;
    readonly longest: number;
    readonly overlong: OverlongPrompts;
  },
  context: RecipeContext,
): Promise<readonly PromptedRow[]> {
  const { tokenizer, longest, overlong } = options;
  const { log } = context;
  const completionKey = 'max_completion_length';
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const held = config.eval_samples ?? 0;
  const training = trainedRows(rows, held, log);
  sayUnreadOfPrompts(training, {
    tokenizer,
    promptTemplate: config.prompt_template,
    where: (index) => where(held + index),
    log,
  });
  const prompts = promptRows(tokenizer, training, {
    render: (index) => renderOptions(config, where(held + index)),
    context: longest,
    completion: config[completionKey],
    completionKey,
    overlong,
  });
  sayOverlong(prompts, { rows: training.length, what: 'data', completionKey, log });
  return prompts;
}

/**
 * The rows that are trained on, where the first `held` are kept for evaluation.
 * @throws InputError when none is left
 */
function trainedRows(
  rows: readonly JsonRow[],
  held: number,
  log: (line: string) => void,
): readonly JsonRow[] {
  if (held === 0) return rows;
  if (held >= rows.length) {
    throw new InputError({
      where: 'eval_samples',
      problem: `${held} of ${counted(rows.length, 'row')} held out, none left to train on`,
      remedy: 'Lower it',
    });
  }
  log(`data: ${counted(held, 'row')} held out for evaluation, from the first on`);
  return rows.slice(held);
}
