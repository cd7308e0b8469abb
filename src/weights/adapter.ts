/**
 * LoRA adapters as PEFT files: `adapter_config.json` and `adapter_model.safetensors` with keys
 * `base_model.model.<module>.lora_A.weight` [r, in] and `lora_B.weight` [out, r].
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../util/errors.js';
import { sha256, writeJson } from '../util/files.js';
import type { HostTensor } from './host-tensor.js';
import { type LoraConfig, readLoraConfig, toAdapterConfigJson } from './lora-config.js';
import { ALL_LINEAR, isTarget, lastParts, loraTarget } from './lora-targets.js';
import { readSafetensors } from './safetensors-reader.js';
import { writeSafetensors } from './safetensors-writer.js';

export const ADAPTER_CONFIG = 'adapter_config.json';
const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The two matrices of one module: y = W x + scale · B (A x). */
export interface LoraTensors {
  /** [r, in] */
  readonly a: HostTensor;
  /** [out, r] */
  readonly b: HostTensor;
  readonly scale: number;
}

export interface Adapter {
  readonly config: LoraConfig;
  /** `base_model_name_or_path`: hub id or folder of the base. */
  readonly baseModel: string | null;
  readonly revision?: string | null;
  /** By module name, e.g. `model.layers.0.self_attn.q_proj`. */
  readonly tensors: ReadonlyMap<string, LoraTensors>;
}

/** A linear module of the base model. */
export interface BaseLinear {
  readonly module: string;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

export interface ReadAdapterOptions {
  /** Linear modules of the base; when given, the adapter must fit them (see `checkAdapter`). */
  readonly base?: readonly BaseLinear[];
}

/**
 * @throws InputError when a file is missing or malformed, a feature is not supported, tensors are
 * missing or unexpected, or the adapter belongs to another base model.
 */
export function readAdapter(dir: string, { base }: ReadAdapterOptions = {}): Adapter {
  const { config, baseModel, revision } = readLoraConfig(join(dir, ADAPTER_CONFIG));
  const path = join(dir, ADAPTER_WEIGHTS);
  if (!existsSync(path) && existsSync(join(dir, 'adapter_model.bin'))) {
    throw new InputError({
      where: dir,
      problem: `only adapter_model.bin, no ${ADAPTER_WEIGHTS}`,
      remedy: 'Save the adapter with safe_serialization=True',
    });
  }
  const pairs = pairUp(path, readSafetensors(path));
  const tensors = new Map<string, LoraTensors>();
  for (const [module, pair] of pairs) {
    if (!isTarget(config, module)) {
      throw new InputError({
        where: path,
        problem: `unexpected tensors for "${module}"`,
        remedy: `target_modules of ${ADAPTER_CONFIG} does not name it`,
      });
    }
    const { r, scale } = loraTarget(config, module);
    checkRank(path, { module, r, ...pair });
    tensors.set(module, { ...pair, scale });
  }
  const adapter: Adapter = { config, baseModel, revision, tensors };
  if (base !== undefined) checkAdapter(adapter, base, path);
  return adapter;
}

type Pair = Omit<LoraTensors, 'scale'>;

const KEY = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/;

function pairUp(path: string, file: ReadonlyMap<string, HostTensor>): Map<string, Pair> {
  const halves = new Map<string, { a?: HostTensor; b?: HostTensor }>();
  for (const [key, tensor] of file) {
    const [, module, side] = KEY.exec(key) ?? [];
    if (module === undefined) {
      throw new InputError({
        where: path,
        problem: `unexpected tensor "${key}"`,
        remedy: 'Only LoRA on linear modules is supported',
      });
    }
    const half = halves.get(module) ?? {};
    half[side === 'A' ? 'a' : 'b'] = tensor;
    halves.set(module, half);
  }
  const pairs = new Map<string, Pair>();
  for (const [module, { a, b }] of halves) {
    if (a === undefined || b === undefined) {
      const side = a === undefined ? 'A' : 'B';
      const key = keyOf(module, side);
      throw new InputError({ where: path, problem: `tensor "${key}" is missing` });
    }
    pairs.set(module, { a, b });
  }
  return pairs;
}

function keyOf(module: string, side: 'A' | 'B'): string {
  return `base_model.model.${module}.lora_${side}.weight`;
}

interface RankedPair extends Pair {
  readonly module: string;
  readonly r: number;
}

function checkRank(path: string, { module, r, a, b }: RankedPair): void {
  const fits = a.shape.length === 2 && b.shape.length === 2 && a.shape[0] === r && b.shape[1] === r;
  if (fits) return;
  throw new InputError({
    where: path,
    problem: `"${module}" has lora_A [${a.shape.join(', ')}] and lora_B [${b.shape.join(', ')}], expected rank ${r}`,
    remedy: `${ADAPTER_CONFIG} must belong to these tensors`,
  });
}

/**
 * Holds an adapter to its base model: a pair of the right shape on every targeted module, none besides.
 * @throws InputError that says "adapter of another base model" and names the first module at fault.
 */
export function checkAdapter(adapter: Adapter, base: readonly BaseLinear[], where: string): void {
  const fail = (problem: string): never => {
    throw new InputError({
      where,
      problem: `adapter of another base model: ${problem}`,
      remedy: `The adapter was made for ${adapter.baseModel ?? 'a base it does not name'}`,
    });
  };
  const linears = new Map(base.map((linear) => [linear.module, linear]));
  for (const [module, { a, b }] of adapter.tensors) {
    const linear = linears.get(module);
    if (linear === undefined) fail(`unexpected module "${module}"`);
    else if (a.shape[1] !== linear.inFeatures || b.shape[0] !== linear.outFeatures) {
      fail(
        `"${module}" maps ${a.shape[1]} to ${b.shape[0]} features, expected ${linear.inFeatures} to ${linear.outFeatures}`,
      );
    }
  }
  for (const module of linears.keys()) {
    if (isTarget(adapter.config, module) && !adapter.tensors.has(module)) {
      fail(`no tensors for module "${module}"`);
    }
  }
}

/** Writes the two PEFT files into `dir`. */
export function writeAdapter(dir: string, adapter: Adapter): void {
  const file = new Map<string, HostTensor>();
  for (const [module, { a, b }] of adapter.tensors) {
    file.set(keyOf(module, 'A'), a);
    file.set(keyOf(module, 'B'), b);
  }
  writeSafetensors(join(dir, ADAPTER_WEIGHTS), file);
  const { baseModel, revision = null } = adapter;
  const config = { ...adapter.config, targetModules: writtenTargets(adapter) };
  writeJson(join(dir, ADAPTER_CONFIG), toAdapterConfigJson({ config, baseModel, revision }));
}

/**
 * Targets as a list of names, which every reader understands: `all-linear` as last parts, and a pattern
 * as whole names, since PEFT would hold it against modules that are not linear too.
 */
function writtenTargets({ config, tensors }: Adapter): readonly string[] {
  const { targetModules } = config;
  if (typeof targetModules !== 'string') return targetModules;
  const modules = [...tensors.keys()];
  return targetModules.toLowerCase() === ALL_LINEAR ? lastParts(modules) : modules;
}

/** SHA-256 (hex) of what the adapter computes: module names, scales, dtypes, shapes and bytes. */
export function adapterHash(adapter: Adapter): string {
  const chunks: (string | Uint8Array)[] = [];
  for (const module of [...adapter.tensors.keys()].sort()) {
    const { a, b, scale } = adapter.tensors.get(module)!;
    for (const { dtype, shape, bytes } of [a, b]) {
      chunks.push(`${JSON.stringify([module, scale, dtype, shape])}\n`, bytes);
    }
  }
  return sha256(...chunks);
}
