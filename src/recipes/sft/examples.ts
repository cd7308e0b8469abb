/** Rows of SFT as token sequences with loss masks: rendered, mixed, limited in length, checked. */
import type { DatasetConfig, SftConfig } from '../../config/index.js';
import { mixture } from '../../data/index.js';
import type { MaskedSequence } from '../../model/index.js';
import { preflight } from '../../train/index.js';
import { counted } from '../../util/counted.js';
import type { RecipeContext } from '../context.js';
import { sayBeyondContext } from '../inputs/beyond-context.js';
import type { ModelSource } from '../inputs/model-source.js';
import { renderedRows } from '../inputs/rendered-rows.js';
import { heldOutExamples } from '../training/held-out-examples.js';
import { learntPart } from './learnt-part.js';

interface Placed {
  readonly example: MaskedSequence;
  /** Part of it is not to be learnt. */
  readonly hasContext: boolean;
  readonly where: string;
}

async function placedRows(
  dataset: DatasetConfig,
  config: SftConfig,
  { source, context }: { readonly source: ModelSource; readonly context: RecipeContext },
): Promise<Placed[]> {
  const rendered = await renderedRows(dataset, config, {
    tokenizer: source.tokenizer,
    context,
    form: config.answer_format,
    policy: config.excess_length_strategy,
    learnt: (row) => learntPart(row, config),
    roles: config.roles_to_train,
    maskToolOutput: config.mask_tool_output,
  });
  return rendered.map(({ example, trainOn, where }) => ({
    example,
    hasContext: trainOn !== 'all',
    where,
  }));
}

/** The rows of the training set, or of the mixture of sets. */
async function trainingRows(
  config: SftConfig,
  source: ModelSource,
  context: RecipeContext,
): Promise<Placed[]> {
  const of = (dataset: DatasetConfig) => placedRows(dataset, config, { source, context });
  if (config.traces_file !== null) {
    const traces = { name: null, path: config.traces_file, revision: null };
    return of({ ...config.dataset, ...traces });
  }
  if (config.datasets.length === 0) return of(config.dataset);
  const parts = [];
  for (const { dataset, weight } of config.datasets) {
    parts.push({ items: await of(dataset), weight });
  }
  const mixed = mixture(parts, config.seed);
  const sizes = parts.map(({ items }) => items.length).join(' + ');
  context.log(`data: a mixture of ${counted(mixed.length, 'row')} from ${sizes}`);
  return mixed;
}

export interface SftExamples {
  readonly train: readonly MaskedSequence[];
  /** Null: the config names no held-out rows. */
  readonly heldOut: readonly MaskedSequence[] | null;
}

/** @throws GuardError when masks or special tokens are not as they should be. */
export async function sftExamples(
  config: SftConfig,
  source: ModelSource,
  context: RecipeContext,
): Promise<SftExamples> {
  const placed = await trainingRows(config, source, context);
  const train = placed.map(({ example }) => example);
  const { bosId, eosIds } = source.tokenizer;
  const facts = preflight(train, {
    bosId,
    eosIds,
    hasContext: placed.some(({ hasContext }) => hasContext),
    where: (index) => placed[index]!.where,
  });
  context.log(
    `data: ${facts.trainedTokens} of ${counted(facts.tokens, 'token')} in the loss, the end in ${facts.eosTrained} of ${counted(facts.examples, 'row')}`,
  );
  sayBeyondContext(train, { context: source.spec.maxPositions, log: context.log });
  const heldOut = await heldOutExamples(config, (dataset) =>
    placedRows(dataset, config, { source, context }),
  );
  return { train, heldOut: heldOut?.map(({ example }) => example) ?? null };
}
