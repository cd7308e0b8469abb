/** The memory that a training will need, as lines of its dry run; reads the model's config.json only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DpoConfig, GrpoConfig, SftConfig } from '../../config/index.js';
import { readSpec } from '../../model/index.js';
import { ADAPTER_CONFIG, readAdapterConfig } from '../../weights/index.js';
import { loraPlan } from '../training/lora-plan.js';
import { computeType } from './compute-type.js';
import { batchShape, memoryLines } from './estimate.js';

/** Folder of the base weights where it is on this machine. */
function localBase(model: string): string | null {
  const inner = join(model, 'model');
  const dir = existsSync(join(model, 'run.json')) && existsSync(inner) ? inner : model;
  if (existsSync(join(dir, ADAPTER_CONFIG))) {
    const { baseModel } = readAdapterConfig(dir);
    return baseModel === null ? null : localBase(baseModel);
  }
  return existsSync(join(dir, 'config.json')) ? dir : null;
}

export function memoryPreview(
  command: 'sft' | 'dpo' | 'grpo',
  config: SftConfig | DpoConfig | GrpoConfig,
): string[] {
  const baseDir = localBase(config.model);
  if (baseDir === null) {
    return [`memory: said once ${config.model} is on this machine`];
  }
  const spec = readSpec(baseDir);
  const lora = loraPlan(config, { spec, adapter: null, baseName: config.model });
  const shape = batchShape(command, config);
  return memoryLines(config, spec, { lora, compute: computeType(config, spec), shape });
}
