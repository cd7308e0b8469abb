/** Rows and prompts of a run at Tinker, made into tokens here. */
import type { TinkerConfig } from '../../config/index.js';
import { resolveModelDir } from '../../hub/index.js';
import type { MaskedTokens } from '../../remote/index.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from '../inputs/hub-options.js';
import { openTokenizer } from '../inputs/open-tokenizer.js';
import type { PromptedRow } from '../inputs/prompted-rows.js';
import { renderedRows } from '../inputs/rendered-rows.js';
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
  const how = { tokenizer, context, form: 'tags', policy: 'drop' } as const;
  const rows = await renderedRows(config.dataset, config, how);
  if (rows.length > 0) return rows.map(({ example }) => example);
  throw new InputError({ where: 'dataset', problem: 'no row is left to train on' });
}
