/** The memory and the disk that a training will need, as lines of its dry run; reads no weights of the base. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cachedModelDir, isHubId } from '../../hub/index.js';
import { decoderConfig, readSpec } from '../../model/index.js';
import { isRunFolder, runPaths } from '../../report/index.js';
import {
  ADAPTER_CONFIG,
  type Adapter,
  BYTES_PER_ELEMENT,
  type HostDtype,
  readAdapter,
} from '../../weights/index.js';
import { copiesReference, loraPlan, startsByPissa } from '../training/lora-plan.js';
import type { TrainerConfig } from '../training/trainer-config.js';
import { computeType } from './compute-type.js';
import { diskLine } from './disk.js';
import { memoryLines, trainedCount } from './estimate.js';
import { samplersBeside } from './samplers.js';
import type { TrainingSize } from './training-size.js';

interface LocalModel {
  /** Folder of the base weights. */
  readonly baseDir: string;
  readonly baseName: string;
  readonly adapter: Adapter | null;
}

/** Where it is on this machine: a folder, a run, or in the cache of the hub. */
function localModel(model: string, revision: string | null): LocalModel | null {
  const found = existsSync(model) || !isHubId(model) ? model : cachedModelDir(model, revision);
  if (found === null) return null;
  const { model: inner } = runPaths(found);
  const dir = isRunFolder(found) && existsSync(inner) ? inner : found;
  if (existsSync(join(dir, ADAPTER_CONFIG))) {
    const adapter = readAdapter(dir);
    const { baseModel, revision: at = null } = adapter;
    const base = baseModel === null ? null : localModel(baseModel, at);
    return base === null ? null : { ...base, adapter };
  }
  const isThere = existsSync(join(dir, 'config.json'));
  return isThere ? { baseDir: dir, baseName: model, adapter: null } : null;
}

/** By the model's config.json, whose weights need not be there yet. */
function storedType(baseDir: string): HostDtype {
  const { dtype, torch_dtype } = decoderConfig(baseDir);
  return [dtype, torch_dtype].includes('float32') ? 'float32' : 'bfloat16';
}

export function memoryPreview<Config extends TrainerConfig>(
  size: TrainingSize<Config>,
  config: Config,
): string[] {
  const model = localModel(config.model, config.model_revision);
  if (model === null) {
    return [`memory: said once ${config.model} is on this machine`];
  }
  const { baseDir, baseName, adapter } = model;
  const spec = readSpec(baseDir);
  const stored = storedType(baseDir);
  const lora = loraPlan(config, { spec, adapter, baseName });
  const memory = memoryLines(config, spec, {
    lora,
    compute: computeType(config, spec),
    shape: size.shape(config),
    samplers: samplersBeside(config, size.rollouts?.(config)),
    stored,
    keepsReference:
      size.comparesWithReference(config) && copiesReference(config, lora, adapter !== null),
  });
  const trained = trainedCount(spec, lora);
  // An adapter is written in float32, one begun by PiSSA with twice the rank; all weights are written as they were.
  const isDoubled = startsByPissa(lora, adapter !== null);
  const each = lora === null ? BYTES_PER_ELEMENT[stored] : isDoubled ? 8 : 4;
  return [...memory, diskLine(config, { trained, modelBytes: each * trained })];
}
