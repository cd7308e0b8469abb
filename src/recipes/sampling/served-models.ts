/**
 * The models that are offered at once: base weights, alone and with each adapter. One sampler holds the
 * weights; an adapter is a copy into its inputs, so that going from one model to another takes milliseconds.
 */
import type { QuantizationKeys } from '../../config/index.js';
import { isPlain } from '../../model/index.js';
import type { RolloutSampler } from '../../rollout/index.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, adapterHash } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import type { ModelKeys } from '../inputs/locate-model.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import type { TokenizerKeys } from '../inputs/open-tokenizer.js';
import { openKeyedSampler } from './keyed-sampler.js';
import type { RolloutKeys } from './rollout-engine.js';

export interface ServedModel {
  readonly name: string;
  /** With the tokenizer, and the chat template, that its prompts are written by. */
  readonly source: ModelSource;
  readonly adapter: Adapter | null;
  /** Content hash of the adapter, which completions carry. */
  readonly version: string | null;
}

export interface ServedModels {
  /** The models, with what was trained first and the base last. */
  readonly models: readonly [ServedModel, ...ServedModel[]];
  readonly sampler: RolloutSampler;
  /** Longest prompt and answer together, tokens. */
  readonly maxContext: number;
  /** Makes the sampler answer for a model, while nothing is being sampled. */
  use(model: ServedModel): Promise<void>;
  close(): void;
}

type OpenKeys = Omit<ModelKeys, 'adapter'> &
  TokenizerKeys &
  QuantizationKeys &
  RolloutKeys & {
    readonly max_model_len: number | null;
    readonly batch_size: number;
    readonly prefix_cache_mib: number;
    readonly threads: number | null;
  };

/** Tokens of prompt and answer where nothing is said and the model could take more. */
const DEFAULT_CONTEXT = 4096;

/**
 * @param adapters Folders to put on the model, each on its own; none: that of the model, if it has one.
 * @throws InputError as `openModel`, and for several adapters that cannot be exchanged for each other
 */
export async function openServedModels(
  keys: OpenKeys,
  adapters: readonly string[],
  context: RecipeContext,
): Promise<ServedModels> {
  const sources: ModelSource[] = [];
  const closeSources = () => {
    for (const source of sources) source.close();
  };
  try {
    for (const adapter of adapters.length === 0 ? [null] : adapters) {
      sources.push(await openModel({ ...keys, adapter }, context));
    }
    const models = namedModels(keys.model, adapters, sources);
    checkExchange(models);
    const maxContext = contextOf(keys, sources[0]!, context);
    const sampler = await openKeyedSampler(sources[0]!, keys, {
      log: context.log,
      maxPrefixBytes: keys.prefix_cache_mib * 2 ** 20,
      maxPromptLength: maxContext - 1,
      maxNewTokens: 1,
      loraModules: models.flatMap(({ adapter }) => [...(adapter?.tensors.keys() ?? [])]),
    });
    let current = models[0];
    return {
      models,
      sampler,
      maxContext,
      async use(model) {
        if (model === current) return;
        await sampler.setAdapter(model.adapter, model.version ?? undefined);
        current = model;
      },
      close() {
        sampler.dispose();
        closeSources();
      },
    };
  } catch (error) {
    closeSources();
    throw error;
  }
}

function namedModels(
  model: string,
  adapters: readonly string[],
  sources: readonly ModelSource[],
): ServedModels['models'] {
  const named = sources.map((source, i): ServedModel => {
    const { adapter } = source;
    const name = adapters[i] ?? model;
    return { name, source, adapter, version: adapterHash(adapter) };
  });
  const [first, ...others] = named as [ServedModel, ...ServedModel[]];
  const { source, adapter } = first;
  if (adapter === null || !isPlain(adapter)) return [first, ...others];
  const name = adapters.length === 0 ? source.baseName : model;
  return [first, ...others, { name, source, adapter: null, version: null }];
}

/** @throws InputError where an adapter changes the base itself, or ends texts by other tokens */
function checkExchange(models: ServedModels['models']): void {
  const adapted = models.filter(({ adapter }) => adapter !== null);
  if (adapted.length < 2) return;
  const changing = adapted.find(({ adapter }) => !isPlain(adapter!));
  if (changing !== undefined) {
    throw new InputError({
      where: `adapter ${changing.name}`,
      problem: 'it changes base weights (DoRA, modules_to_save or bias) and cannot be exchanged',
      remedy: 'Serve it alone',
    });
  }
  const ends = ({ source }: ServedModel) => [...source.tokenizer.eosIds].sort().join();
  const other = adapted.find((model) => ends(model) !== ends(models[0]));
  if (other === undefined) return;
  throw new InputError({
    where: `adapter ${other.name}`,
    problem: `its texts end by other tokens than those of ${models[0].name}`,
    remedy: 'Serve it alone, or give eos_token for all',
  });
}

function contextOf(
  { max_model_len: wanted }: OpenKeys,
  { spec: { maxPositions } }: ModelSource,
  { log }: RecipeContext,
): number {
  if (wanted !== null && wanted <= maxPositions) return wanted;
  if (wanted !== null) {
    throw new InputError({
      where: 'max_model_len',
      problem: `${wanted} tokens are more than the model's context of ${maxPositions}`,
      remedy: 'Lower it',
    });
  }
  if (maxPositions > DEFAULT_CONTEXT) {
    log(`context: ${DEFAULT_CONTEXT} of the model's ${maxPositions} tokens; max_model_len sets it`);
  }
  return Math.min(maxPositions, DEFAULT_CONTEXT);
}
