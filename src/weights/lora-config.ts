/**
 * What PEFT's `adapter_config.json` says about a LoRA adapter, in and out. Features that Lorikeet does
 * not compute (LoRA on embeddings' tokens, QALoRA, aLoRA …) are refused by field name, not ignored.
 */
import { InputError } from '../util/errors.js';
import { readJson } from '../util/files.js';
import { isObject } from '../util/json-object.js';
import {
  BOOLEAN,
  fieldReader,
  INIT,
  listOrNull,
  NAMES,
  NUMBER,
  oneOf,
  oneOrMore,
  PATTERN,
  POSITIVE,
  RANK,
  recordOf,
  TEXT,
} from './config-fields.js';
import { type DecoderRoot, renewed } from './decoder-root.js';

/** The part of PEFT's LoraConfig that decides what is computed. */
export interface LoraConfig {
  /** Where the decoder stands in the model whose names `targetModules` and the patterns are held against. */
  readonly root: DecoderRoot;
  readonly r: number;
  readonly loraAlpha: number;
  readonly loraDropout: number;
  /** Parameters of experts that get LoRA, by their names or the ends of them (see expert-lora.ts); null for none. */
  readonly targetParameters: readonly string[] | null;
  /** Module names or their last parts; or a regular expression of whole names; or `all-linear`. */
  readonly targetModules: readonly string[] | string;
  readonly excludeModules: readonly string[] | string | null;
  /** Rank by name: a key is a regular expression of the name's last part. The first match counts. */
  readonly rankPattern: Readonly<Record<string, number>>;
  /** The same for alpha. */
  readonly alphaPattern: Readonly<Record<string, number>>;
  /** Scale alpha/√r in place of alpha/r (arXiv 2312.03732). */
  readonly useRslora: boolean;
  /** Layer indices that get LoRA; null for all. */
  readonly layersToTransform: readonly number[] | null;
  /** Names of the module list that `layersToTransform` counts in; null for any. */
  readonly layersPattern: readonly string[] | null;
  readonly initLoraWeights: boolean | string;
  /** Magnitudes of the adapted rows are trained too (DoRA, arXiv 2402.09353). */
  readonly useDora: boolean;
  /** Ends of names of modules that are trained whole and saved with the adapter; null for none. */
  readonly modulesToSave: readonly string[] | null;
  readonly bias: LoraBias;
}

/** Which biases are trained: none, every one, or those of the modules with LoRA. */
const BIASES = ['none', 'all', 'lora_only'] as const;
type LoraBias = (typeof BIASES)[number];

/** A config from the fields that matter; the others stand at PEFT's neutral values. */
export function loraConfig(
  fields: Pick<LoraConfig, 'r' | 'loraAlpha' | 'targetModules'> & Partial<LoraConfig>,
): LoraConfig {
  return {
    root: 'model',
    loraDropout: 0,
    targetParameters: null,
    excludeModules: null,
    rankPattern: {},
    alphaPattern: {},
    useRslora: false,
    layersToTransform: null,
    layersPattern: null,
    initLoraWeights: true,
    useDora: false,
    modulesToSave: null,
    bias: 'none',
    ...fields,
  };
}

/** Initialisations that leave the base weights as they are; the others (PiSSA, OLoRA, …) change them. */
const PLAIN_INITS: readonly (boolean | string)[] = [true, false, 'gaussian', 'eva', 'orthogonal'];

/** Fields that change the computation, with the only value that Lorikeet computes. */
const FIXED_FIELDS: Readonly<Record<string, string | false | null>> = {
  ensure_weight_tying: false,
  lora_bias: false,
  fan_in_fan_out: false,
  use_qalora: false,
  trainable_token_indices: null,
  layer_replication: null,
  megatron_config: null,
  alora_invocation_tokens: null,
  use_bdlora: null,
  arrow_config: null,
  kasa_config: null,
  monteclora_config: null,
};

export interface AdapterConfigFile {
  readonly config: LoraConfig;
  readonly baseModel: string | null;
  readonly revision: string | null;
}

/** @throws InputError naming the file and the field that is wrong or not supported. */
export function readLoraConfig(path: string): AdapterConfigFile {
  const value = readJson(path);
  const fields: Record<string, unknown> = isObject(value) ? value : {};
  checkSupported(path, fields);
  const field = fieldReader(path, fields);
  const config: LoraConfig = {
    root: 'model',
    r: field('r', RANK),
    loraAlpha: field('lora_alpha', POSITIVE),
    loraDropout: field('lora_dropout', NUMBER, 0),
    targetParameters: listOrNull(field('target_parameters', oneOrMore(TEXT), null)),
    targetModules: field('target_modules', NAMES, []),
    excludeModules: field('exclude_modules', NAMES, null),
    rankPattern: field('rank_pattern', recordOf(RANK), {}),
    alphaPattern: field('alpha_pattern', recordOf(POSITIVE), {}),
    useRslora: field('use_rslora', BOOLEAN, false),
    layersToTransform: listOrNull(field('layers_to_transform', oneOrMore(NUMBER), null)),
    layersPattern: listOrNull(field('layers_pattern', oneOrMore(PATTERN), null)),
    initLoraWeights: field('init_lora_weights', INIT, true),
    useDora: field('use_dora', BOOLEAN, false),
    modulesToSave: listOrNull(field('modules_to_save', oneOrMore(PATTERN), null)),
    bias: field('bias', oneOf(BIASES), 'none'),
  };
  const baseModel = field('base_model_name_or_path', TEXT, null);
  return { config, baseModel, revision: field('revision', TEXT, null) };
}

/** The config of an adapter for a model of transformers before 4.52, in the names of today's. */
export function renewedConfig(config: LoraConfig): LoraConfig {
  const names = <T extends readonly string[] | string | null>(value: T): T =>
    (typeof value === 'string' ? renewed(value) : (value?.map(renewed) ?? null)) as T;
  const keys = (values: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [renewed(key), value]));
  return {
    ...config,
    targetModules: names(config.targetModules),
    targetParameters: names(config.targetParameters),
    excludeModules: names(config.excludeModules),
    modulesToSave: names(config.modulesToSave),
    layersPattern: names(config.layersPattern),
    rankPattern: keys(config.rankPattern),
    alphaPattern: keys(config.alphaPattern),
  };
}

function checkSupported(where: string, fields: Readonly<Record<string, unknown>>): void {
  const refuse = (field: string, value: unknown, remedy: string): never => {
    throw new InputError({ where, problem: `${field} is ${JSON.stringify(value)}`, remedy });
  };
  const { peft_type: type, init_lora_weights: init = true } = fields;
  if (type !== 'LORA') refuse('peft_type', type ?? null, 'Lorikeet reads LORA adapters');
  for (const [field, only] of Object.entries(FIXED_FIELDS)) {
    const value = fields[field];
    if (value === undefined || value === only || isOff(value)) continue;
    refuse(field, value, `Not supported; only ${JSON.stringify(only)} is`);
  }
  if (!PLAIN_INITS.some((plain) => plain === init)) {
    refuse(
      'init_lora_weights',
      init,
      'It changes the base weights; save the adapter as plain LoRA',
    );
  }
}

function isOff(value: unknown): boolean {
  return value === null || value === false || (Array.isArray(value) && value.length === 0);
}

/** The JSON object that PEFT reads back, with every field that decides how the adapter is applied. */
export function toAdapterConfigJson({ config, baseModel, revision }: AdapterConfigFile): object {
  return {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    auto_mapping: null,
    base_model_name_or_path: baseModel,
    revision,
    inference_mode: true,
    r: config.r,
    lora_alpha: config.loraAlpha,
    lora_dropout: config.loraDropout,
    target_modules: config.targetModules,
    target_parameters: config.targetParameters,
    exclude_modules: config.excludeModules,
    rank_pattern: config.rankPattern,
    alpha_pattern: config.alphaPattern,
    use_rslora: config.useRslora,
    layers_to_transform: config.layersToTransform,
    layers_pattern: config.layersPattern,
    init_lora_weights: config.initLoraWeights,
    use_dora: config.useDora,
    modules_to_save: config.modulesToSave,
    bias: config.bias,
    ...FIXED_FIELDS,
  };
}
