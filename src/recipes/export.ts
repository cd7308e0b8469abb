/**
 * `lorikeet export`: an adapter merged into its base, or weights in another dtype, as a Hugging Face folder or
 * (`export/gguf.ts`) as a file of llama.cpp.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportConfig } from '../config/index.js';
import { decoderConfig, type Merged, mergedWeights, toStored } from '../model/index.js';
import { EMBEDDING } from '../model/spec-modules.js';
import { saveTokenizer } from '../tokenizer/index.js';
import { replaceFolder } from '../util/atomic-folder.js';
import { makeFolder } from '../util/disk.js';
import { InputError } from '../util/errors.js';
import { placeOf } from '../util/file-place.js';
import { copyFile, writeFileAtomic, writeJson } from '../util/files.js';
import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import { type HostDtype, quantizationName, writeCheckpoint } from '../weights/index.js';
import type { RecipeContext } from './context.js';
import { checkPrecision, type ExportResult, precisionOf } from './export/check.js';
import { exportGguf } from './export/gguf.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { whileModelLocked } from './outputs/model-folder.js';
import { madeFrom, noteSources, withThoseOfRuns } from './outputs/run-sources.js';
import { configureDevice } from './training/configure-device.js';

const MAX_SHARD_BYTES = 5e9;

/** @throws InputError when rounding changes more than the config allows; nothing is written then. */
export async function runExport(
  config: ExportConfig,
  caller: RecipeContext,
): Promise<ExportResult> {
  if (config.format === 'gguf') return exportGguf(config, caller);
  return await whileModelLocked(config, () => exported(config, caller));
}

async function exported(config: ExportConfig, caller: RecipeContext): Promise<ExportResult> {
  const { context, sources } = noteSources(caller);
  const { output, model, adapter } = config;
  configureDevice({ ...config, compute_dtype: 'float32' });
  const source = await openModel(config, context);
  try {
    checkNotItself(output, source);
    const own = source.weights(EMBEDDING).dtype;
    const dtype = hostDtype(config, source.quantization === null ? null : own);
    const merged = mergedWeights(source, { adapter: source.adapter, dtype });
    const name = dtype ?? own;
    const precision = await precisionOf(source, {
      spec: merged.spec,
      weights: (tensor) => merged.tensors.get(tensor)!,
    });
    checkPrecision(config, precision, { dtype: name, log: context.log });
    const made = madeFrom(withThoseOfRuns(sources, adapter === null ? [model] : [model, adapter]));
    const written = { source, merged, name, madeFrom: made };
    await replaceFolder(output, async (part) => writeMerged(part, written));
    const parameters = sum([...merged.tensors.values()].map(({ shape }) => elementCount(shape)));
    context.log(`${output}: ${parameters} parameters in ${name}`);
    return { output, dtype: name, parameters, ...precision };
  } finally {
    source.close();
  }
}

/** @param auto Null: each tensor keeps its own; those made of 4 bits have none. The schema keeps q8_0 to GGUF. */
const hostDtype = ({ dtype }: ExportConfig, auto: HostDtype | null): HostDtype | null =>
  dtype === 'auto' || dtype === 'q8_0' ? auto : dtype;

function checkNotItself(output: string, { baseDir }: ModelSource): void {
  if (placeOf(output) !== placeOf(baseDir)) return;
  throw new InputError({
    where: 'output',
    problem: `${output} is the model itself`,
    remedy: 'Give another output',
  });
}

interface Written {
  readonly source: ModelSource;
  readonly merged: Merged;
  readonly name: string;
  /** Of its model card. */
  readonly madeFrom: string;
}

function writeMerged(dir: string, { source, merged, name, madeFrom: made }: Written): void {
  makeFolder(dir);
  writeCheckpoint(dir, toStored(merged.spec, merged.tensors), { maxShardBytes: MAX_SHARD_BYTES });
  const { dtype: _, torch_dtype: __, ...kept } = decoderConfig(source.baseDir);
  const tie = merged.spec.tieWordEmbeddings;
  writeJson(join(dir, 'config.json'), { ...kept, tie_word_embeddings: tie, torch_dtype: name });
  const generation = join(source.baseDir, 'generation_config.json');
  if (existsSync(generation)) copyFile(generation, join(dir, 'generation_config.json'));
  saveTokenizer(source.tokenizer, dir);
  writeFileAtomic(join(dir, 'README.md'), readme(source, name, made));
}

function readme(
  { baseName, adapter, quantization }: ModelSource,
  dtype: string,
  made: string,
): string {
  const rounded =
    quantization === null
      ? ''
      : ` (linear modules made of 4 bits: ${quantizationName(quantization)})`;
  const merged = adapter === null ? '' : ' with a LoRA adapter merged into them';
  return `---
library_name: transformers
base_model: ${baseName}
tags: [lorikeet]
---

Weights of \`${baseName}\` in ${dtype}${rounded}${merged}, exported by Lorikeet.
${made}`;
}
