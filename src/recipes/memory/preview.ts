/** The memory that a training will need, as lines of its dry run; reads the model's config.json only. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DpoConfig, GrpoConfig, SftConfig } from '../../config/index.js';
import { decoderConfig, readSpec } from '../../model/index.js';
import { ADAPTER_CONFIG, type HostDtype, readAdapterConfig } from '../../weights/index.js';
import { copiesReference, loraPlan } from '../training/lora-plan.js';
import { computeType } from './compute-type.js';
import { batchShape, memoryLines } from './estimate.js';
import { samplersBeside } from './samplers.js';

interface LocalModel {
  /** Folder of the base weights. */
  readonly baseDir: string;
  readonly hasAdapter: boolean;
}

/** Where it is on this machine. */
function localModel(model: string): LocalModel | null {
  const inner = join(model, 'model');
  const dir = existsSync(join(model, 'run.json')) && existsSync(inner) ? inner : model;
  if (existsSync(join(dir, ADAPTER_CONFIG))) {
    const { baseModel } = readAdapterConfig(dir);
    const base = baseModel === null ? null : localModel(baseModel);
    return base === null ? null : { ...base, hasAdapter: true };
  }
  return existsSync(join(dir, 'config.json')) ? { baseDir: dir, hasAdapter: false } : null;
}

/** By the model's config.json, whose weights need not be there yet. */
function storedType(baseDir: string): HostDtype {
  const { dtype, torch_dtype } = decoderConfig(baseDir);
  return [dtype, torch_dtype].includes('float32') ? 'float32' : 'bfloat16';
}

/** A loss of `dpo` without a reference is taken for one with it. */
const comparesWithReference = (command: 'sft' | 'dpo' | 'grpo', config: object): boolean =>
  command === 'grpo' ? (config as GrpoConfig).beta > 0 : command === 'dpo';

export function memoryPreview(
  command: 'sft' | 'dpo' | 'grpo',
  config: SftConfig | DpoConfig | GrpoConfig,
): string[] {
  const model = localModel(config.model);
  if (model === null) {
    return [`memory: said once ${config.model} is on this machine`];
  }
  const { baseDir, hasAdapter } = model;
  const spec = readSpec(baseDir);
  const lora = loraPlan(config, { spec, adapter: null, baseName: config.model });
  return memoryLines(config, spec, {
    lora,
    compute: computeType(config, spec),
    shape: batchShape(command, config),
    samplers: samplersBeside(command, config),
    stored: storedType(baseDir),
    keepsReference:
      comparesWithReference(command, config) && copiesReference(config, lora, hasAdapter),
  });
}
