/** Writing LoRA adapters as PEFT's files. */
import { join } from 'node:path';
import { writeJson } from '../util/files.js';
import type { Adapter } from './adapter.js';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS, BASE_QUANTIZATION } from './adapter-files.js';
import { loraKey, replacedKey } from './adapter-keys.js';
import { inModel, moduleOf } from './decoder-root.js';
import { fileModule, isParameter } from './expert-lora.js';
import type { HostTensor } from './host-tensor.js';
import { toAdapterConfigJson } from './lora-config.js';
import { ALL_LINEAR, lastParts } from './lora-targets.js';
import { writeSafetensors } from './safetensors-writer.js';

/** Writes the two PEFT files into `dir`. */
export function writeAdapter(dir: string, adapter: Adapter): void {
  const { root } = adapter.config;
  const file = new Map<string, HostTensor>();
  for (const [name, { a, b, magnitude }] of adapter.tensors) {
    const module = fileModule(adapter.config, name);
    file.set(loraKey(root, module, 'a'), a);
    file.set(loraKey(root, module, 'b'), b);
    if (magnitude !== undefined) file.set(loraKey(root, module, 'magnitude'), magnitude);
  }
  for (const [name, tensor] of adapter.replaced ?? []) {
    const isInLoraLayer = adapter.tensors.has(moduleOf(name));
    file.set(replacedKey(root, name, isInLoraLayer), tensor);
  }
  const { baseModel, revision = null, quantization = null } = adapter;
  const metadata = quantization === null ? {} : { [BASE_QUANTIZATION]: quantization };
  writeSafetensors(join(dir, ADAPTER_WEIGHTS), file, metadata);
  const config = { ...adapter.config, targetModules: writtenTargets(adapter) };
  writeJson(join(dir, ADAPTER_CONFIG), toAdapterConfigJson({ config, baseModel, revision }));
}

/**
 * Targets as a list of names, which every reader understands: `all-linear` as last parts, and a pattern
 * as whole names, since PEFT would hold it against modules that are not linear too. Whole names as well where
 * the decoder has other parts beside it, in which PEFT would find the same last parts.
 */
function writtenTargets({ config, tensors }: Adapter): readonly string[] {
  const { targetModules, root } = config;
  const linears = [...tensors.keys()].filter((name) => !isParameter(name));
  const modules = linears.map((module) => inModel(root, module));
  if (root !== 'model') return modules;
  if (typeof targetModules !== 'string') return targetModules;
  return targetModules.toLowerCase() === ALL_LINEAR ? lastParts(modules) : modules;
}
