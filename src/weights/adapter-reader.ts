/**
 * Reading LoRA adapters from PEFT's files, `adapter_config.json` and `adapter_model.safetensors` (names of its
 * tensors: adapter-keys.ts).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../util/errors.js';
import type { Adapter, LoraTensors } from './adapter.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, BASE_QUANTIZATION } from './adapter-files.js';
import { adapterRoot, type LoraPart, loraKey, parseAdapterKey } from './adapter-keys.js';
import { type BaseLinear, checkAdapter } from './check-adapter.js';
import { inModel, type StoredRoot } from './decoder-root.js';
import { fileModule, fromFileModule, isParameter } from './expert-lora.js';
import type { HostTensor } from './host-tensor.js';
import {
  type AdapterConfigFile,
  type LoraConfig,
  readLoraConfig,
  renewedConfig,
} from './lora-config.js';
import { isAdapted, isSaved, loraTarget, ofDecoder } from './lora-targets.js';
import { readMetadata, readSafetensors } from './safetensors-reader.js';

interface ReadAdapterOptions {
  /** Linear modules of the base; when given, the adapter must fit them (see `checkAdapter`). */
  readonly base?: readonly BaseLinear[];
}

/** What an adapter folder says of itself, without its tensors. @throws InputError as `readAdapter` */
export const readAdapterConfig = (dir: string): AdapterConfigFile =>
  readLoraConfig(join(dir, ADAPTER_CONFIG));

/**
 * @throws InputError when a file is missing or malformed, a feature is not supported, tensors are
 * missing or unexpected, or the adapter belongs to another base model.
 */
export function readAdapter(dir: string, { base }: ReadAdapterOptions = {}): Adapter {
  const { config: read, baseModel, revision } = readAdapterConfig(dir);
  const path = join(dir, ADAPTER_WEIGHTS);
  if (!existsSync(path) && existsSync(join(dir, 'adapter_model.bin'))) {
    throw new InputError({
      where: dir,
      problem: `only adapter_model.bin, no ${ADAPTER_WEIGHTS}`,
      remedy: 'Save the adapter with safe_serialization=True',
    });
  }
  const file = readSafetensors(path);
  const root = adapterRoot(file.keys());
  const { modules, replaced, outside } = sortTensors(path, root, file);
  const config = inWords(read, root, { modules: modules.keys(), replaced: replaced.keys() });
  checkReplaced(path, config, replaced);
  const tensors = new Map<string, LoraTensors>();
  for (const [stored, parts] of modules) {
    const module = fromFileModule(config, stored);
    checkTarget(path, { module, stored: inModel(root, stored), config });
    const { r, scale } = loraTarget(config, module);
    const complete = completeParts(path, { module, parts, config });
    const name = inModel(root, module);
    checkRank(path, { name, r, isStacked: isParameter(module), ...complete });
    tensors.set(module, { ...complete, scale });
  }
  const quantization = readMetadata(path)[BASE_QUANTIZATION] ?? null;
  const adapter: Adapter = {
    config,
    baseModel,
    revision,
    quantization,
    tensors,
    replaced,
    outside,
  };
  if (base !== undefined) checkAdapter(adapter, base, path);
  return adapter;
}

/** What the config of an adapter says in the names of today's models, of the decoder alone. */
function inWords(
  read: LoraConfig,
  root: StoredRoot,
  tensors: Parameters<typeof ofDecoder>[1],
): LoraConfig {
  if (root === 'model') return read;
  return ofDecoder({ ...renewedConfig(read), root: 'model.language_model' }, tensors);
}

/** Modules of experts, whether each has matrices of its own or all are in one parameter, and of their routers. */
const OF_EXPERTS = /[.](?:experts|gate|router)(?:[.]|$)/;

interface StoredTarget {
  readonly module: string;
  /** What the file calls it. */
  readonly stored: string;
  readonly config: LoraConfig;
}

/** @throws InputError for a module that the config does not name, or that has no LoRA here */
function checkTarget(where: string, { module, stored, config }: StoredTarget): void {
  const problem = `unexpected tensors for "${stored}"`;
  if (OF_EXPERTS.test(module) && !isParameter(module)) {
    const known =
      'Of experts, parameters that target_parameters names have LoRA, routers have none';
    const remedy = `${known}. Merge the adapter into its base with the PEFT that made it, and give the result as model`;
    throw new InputError({ where, problem, remedy });
  }
  if (isAdapted(config, module)) return;
  const remedy = `target_modules of ${ADAPTER_CONFIG} does not name it`;
  throw new InputError({ where, problem, remedy });
}

type Parts = Partial<Record<LoraPart, HostTensor>>;

interface SortedTensors {
  readonly modules: ReadonlyMap<string, Parts>;
  readonly replaced: ReadonlyMap<string, HostTensor>;
  readonly outside: number;
}

function sortTensors(
  path: string,
  root: StoredRoot,
  file: ReadonlyMap<string, HostTensor>,
): SortedTensors {
  let outside = 0;
  const modules = new Map<string, Parts>();
  const replaced = new Map<string, HostTensor>();
  for (const [key, tensor] of file) {
    const parsed = parseAdapterKey(root, key);
    if (parsed === 'outside') {
      outside++;
    } else if (parsed === null) {
      throw new InputError({
        where: path,
        problem: `unexpected tensor "${key}"`,
        remedy: 'Only LoRA on linear modules is supported',
      });
    } else if ('replaces' in parsed) {
      replaced.set(parsed.replaces, tensor);
    } else {
      modules.set(parsed.module, { ...modules.get(parsed.module), [parsed.part]: tensor });
    }
  }
  return { modules, replaced, outside };
}

/** Tensors of the base may be replaced only as `modules_to_save` and `bias` say. */
function checkReplaced(
  where: string,
  config: LoraConfig,
  replaced: ReadonlyMap<string, HostTensor>,
): void {
  for (const name of replaced.keys()) {
    if (isSaved(config, name) || (config.bias !== 'none' && name.endsWith('.bias'))) continue;
    throw new InputError({
      where,
      problem: `unexpected tensor "${inModel(config.root, name)}"`,
      remedy: `Neither modules_to_save nor bias of ${ADAPTER_CONFIG} stands for it`,
    });
  }
}

interface PartsOfModule {
  readonly module: string;
  readonly parts: Parts;
  readonly config: LoraConfig;
}

type Pair = Omit<LoraTensors, 'scale'>;

function completeParts(where: string, { module, parts, config }: PartsOfModule): Pair {
  const { root, useDora } = config;
  const { a, b, magnitude } = parts;
  const key = (part: LoraPart) => loraKey(root, fileModule(config, module), part);
  const missing = a === undefined ? 'a' : b === undefined ? 'b' : null;
  const lacking = missing ?? (useDora && magnitude === undefined ? 'magnitude' : null);
  if (lacking !== null) {
    const problem = `tensor "${key(lacking)}" is missing`;
    throw new InputError({ where, problem });
  }
  if (!useDora && magnitude !== undefined) {
    const problem = `unexpected tensor "${key('magnitude')}"`;
    throw new InputError({ where, problem, remedy: `use_dora of ${ADAPTER_CONFIG} is false` });
  }
  return { a: a!, b: b!, ...(magnitude && { magnitude }) };
}

interface RankedPair extends Pair {
  /** Of the module, as the file has it. */
  readonly name: string;
  readonly r: number;
  /** Of several matrices, each of that rank. */
  readonly isStacked: boolean;
}

function checkRank(path: string, { name, r, isStacked, a, b, magnitude }: RankedPair): void {
  const [ranks = 0] = a.shape;
  const isRanked = isStacked ? ranks % r === 0 : ranks === r;
  const fits = a.shape.length === 2 && b.shape.length === 2 && isRanked && b.shape[1] === ranks;
  const [rows] = b.shape;
  if (magnitude !== undefined && (magnitude.shape.length !== 1 || magnitude.shape[0] !== rows)) {
    const problem = `"${name}" has magnitudes [${magnitude.shape.join(', ')}], expected [${rows}]`;
    throw new InputError({ where: path, problem });
  }
  if (fits) return;
  throw new InputError({
    where: path,
    problem: `"${name}" has lora_A [${a.shape.join(', ')}] and lora_B [${b.shape.join(', ')}], expected rank ${r}`,
    remedy: `${ADAPTER_CONFIG} must belong to these tensors`,
  });
}
