/** `lorikeet export`: an adapter merged into its base, or weights in another dtype, as a Hugging Face folder. */
import { copyFileSync, existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { ExportConfig } from '../config/index.js';
import { type Merged, mergedWeights } from '../model/index.js';
import { EMBEDDING } from '../model/spec.js';
import { saveTokenizer } from '../tokenizer/index.js';
import { makeFolder } from '../util/disk.js';
import { InputError } from '../util/errors.js';
import { readJson, writeFileAtomic, writeJson } from '../util/files.js';
import { writeCheckpoint } from '../weights/index.js';
import type { RecipeContext } from './context.js';
import { type Precision, precisionOf } from './export/check.js';
import { type ModelSource, openModel } from './inputs/model-source.js';
import { checkModelFolder, writeModelFolder } from './outputs/model-folder.js';
import { configureDevice } from './training/policy-source.js';

export interface ExportResult {
  readonly output: string;
  readonly dtype: string;
  readonly parameters: number;
  /** Largest |Δ log p| between the exported weights and the adapter on its base, nats. */
  readonly max_logprob_difference: number;
  /** The same between the adapter and the base alone; 0 without an adapter. */
  readonly adapter_effect: number;
}

const MAX_SHARD_BYTES = 5e9;

/** @throws InputError when rounding changes more than the config allows; nothing is written then. */
export async function runExport(
  config: ExportConfig,
  context: RecipeContext,
): Promise<ExportResult> {
  const { output } = config;
  checkModelFolder(output, config.overwrite);
  configureDevice({ ...config, compute_dtype: 'float32' });
  const source = await openModel(config, context);
  try {
    checkNotItself(output, source);
    const dtype = config.dtype === 'auto' ? null : config.dtype;
    const merged = mergedWeights(source, { adapter: source.adapter, dtype });
    const name = dtype ?? source.weights(EMBEDDING).dtype;
    const precision = await precisionOf(source, merged);
    checkPrecision(config, precision, { dtype: name, log: context.log });
    await writeModelFolder(output, async (part) => writeMerged(part, { source, merged, name }));
    const parameters = [...merged.tensors.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    context.log(`${output}: ${parameters} parameters in ${name}`);
    return { output, dtype: name, parameters, ...precision };
  } finally {
    source.close();
  }
}

function checkNotItself(output: string, { baseDir }: ModelSource): void {
  if (resolve(output) !== resolve(baseDir)) return;
  throw new InputError({
    where: 'output',
    problem: `${output} is the model itself`,
    remedy: 'Give another output',
  });
}

function checkPrecision(
  config: ExportConfig,
  { max_logprob_difference: difference, adapter_effect: effect }: Precision,
  { dtype, log }: { readonly dtype: string; readonly log: (line: string) => void },
): void {
  const { max_logprob_difference: limit } = config;
  const ofEffect =
    effect > 0 ? ` where the adapter itself changes them by ${effect.toPrecision(3)}` : '';
  const found = `rounding to ${dtype} changes log-probabilities by up to ${difference.toPrecision(3)}${ofEffect}`;
  if (difference <= limit) return;
  if (config.allow_precision_loss) {
    log(`${found} (allowed by allow_precision_loss)`);
    return;
  }
  throw new InputError({
    where: 'dtype',
    problem: `${found}; max_logprob_difference is ${limit}`,
    remedy: 'Set dtype=float32, or allow_precision_loss=true to write it all the same',
  });
}

interface Written {
  readonly source: ModelSource;
  readonly merged: Merged;
  readonly name: string;
}

function writeMerged(dir: string, { source, merged, name }: Written): void {
  makeFolder(dir);
  writeCheckpoint(dir, merged.tensors, { maxShardBytes: MAX_SHARD_BYTES });
  const config = readJson(join(source.baseDir, 'config.json')) as Record<string, unknown>;
  const { dtype: _, torch_dtype: __, ...kept } = config;
  const tie = merged.spec.tieWordEmbeddings;
  writeJson(join(dir, 'config.json'), { ...kept, tie_word_embeddings: tie, torch_dtype: name });
  const generation = join(source.baseDir, 'generation_config.json');
  if (existsSync(generation)) copyFileSync(generation, join(dir, 'generation_config.json'));
  saveTokenizer(source.tokenizer, dir);
  writeFileAtomic(join(dir, 'README.md'), readme(source, name));
}

const readme = ({ baseName, adapter }: ModelSource, dtype: string): string => `---
library_name: transformers
base_model: ${baseName}
tags: [lorikeet]
---

Weights of \`${baseName}\` in ${dtype}${adapter === null ? '' : ' with a LoRA adapter merged into them'}, exported by Lorikeet.
`;
