/** Rows and prompts of a run at Tinker, made into tokens here. */
import type { TinkerConfig } from '../../config/index.js';
import { limitLengths } from '../../data/index.js';
import { resolveModelDir } from '../../hub/index.js';
import type { MaskedTokens } from '../../remote/index.js';
import { renderExample, type Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { RecipeContext } from '../context.js';
import { tagsOf } from '../inputs/answer-tags.js';
import { loadDataset } from '../inputs/dataset.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';
import { openTokenizer } from '../inputs/open-tokenizer.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import { renderOptions } from '../inputs/render-options.js';
import { trainingRow } from '../inputs/training-row.js';
import type { OpenRewards } from '../rewards/open-rewards.js';

const TOKENIZER_FILES = [
  ...['config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json'],
  ...['special_tokens_map.json', 'added_tokens.json', 'vocab.json', 'merges.txt'],
  ...['chat_template.jinja', 'chat_template.json'],
];

/** Rows of sft, or prompts and what grades them. */
export type TinkerData =
  | { readonly rows: readonly MaskedTokens[]; readonly rewards: null }
  | { readonly rows: readonly PromptedRow[]; readonly rewards: OpenRewards };

/** Without the model's weights. */
export async function tinkerTokenizer(
  config: TinkerConfig,
  context: RecipeContext,
): Promise<Tokenizer> {
  const { tokenizer_revision: revision } = config;
  const name = config.tokenizer ?? config.model;
  const { dir, commit } = await resolveModelDir(name, {
    ...hubOptions(context),
    allow: TOKENIZER_FILES,
    ...pinned(revision, 'tokenizer_revision'),
  });
  context.onSource?.({ kind: 'model', name, revision, commit });
  return await openTokenizer(dir, config);
}

/** Answers are trained, prompts are not. @throws InputError when no row is left */
export async function supervisedRows(
  config: TinkerConfig,
  tokenizer: Tokenizer,
  context: RecipeContext,
): Promise<MaskedTokens[]> {
  const { rows, where } = await loadDataset(config.dataset, { seed: config.seed, context });
  const style = { tags: tagsOf(config), form: 'tags' } as const;
  const rendered = rows.map((row, index) =>
    renderExample(
      tokenizer,
      trainingRow(row, style, where(index)),
      renderOptions(config, where(index)),
    ),
  );
  const { examples, dropped } = limitLengths(rendered, {
    maxLength: config.max_length,
    policy: 'drop',
    where,
  });
  if (dropped > 0) {
    context.log(`data: ${dropped} rows left out: longer than ${config.max_length} tokens`);
  }
  if (examples.length > 0) return examples.map(({ example }) => example);
  throw new InputError({ where: 'dataset', problem: 'no row is left to train on' });
}
