/** `lorikeet export format=gguf`: a model, its adapter merged, as one file for llama.cpp. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { ExportConfig } from '../../config/index.js';
import {
  asRead,
  dataBytes,
  type GgufDtype,
  type GgufModel,
  ggufModel,
  writeGguf,
} from '../../gguf/index.js';
import { decoderConfig, mergedView } from '../../model/index.js';
import type { Weighted } from '../../model/spec.js';
import { EMBEDDING, parameterShapes } from '../../model/spec-modules.js';
import { startProgress } from '../../report/index.js';
import { sum } from '../../util/numbers.js';
import { elementCount } from '../../util/shape.js';
import type { RecipeContext } from '../context.js';
import { type ModelSource, openModel } from '../inputs/model-source.js';
import { interruption } from '../interrupt.js';
import { whileLocked } from '../outputs/output-lock.js';
import { checkReplaceable } from '../outputs/replaceable.js';
import { configureDevice } from '../training/configure-device.js';
import { checkPrecision, type ExportResult, precisionOf } from './check.js';

/** @throws InputError when llama.cpp cannot hold the model, or rounding changes too much; nothing is written then. */
export async function exportGguf(
  config: ExportConfig,
  context: RecipeContext,
): Promise<ExportResult> {
  checkReplaceable(config, { name: 'a GGUF file', isOne: isGguf });
  return await whileLocked(config.output, () => exported(config, context));
}

async function exported(config: ExportConfig, context: RecipeContext): Promise<ExportResult> {
  const { output } = config;
  configureDevice({ ...config, compute_dtype: 'float32' });
  const source = await openModel(config, context);
  try {
    const merged = mergedView(source, source.adapter);
    const dtype = config.dtype === 'auto' ? source.weights(EMBEDDING).dtype : config.dtype;
    const model = modelOf(config, { source, merged, dtype });
    for (const notice of model.notices) context.log(notice);
    const precision = await precisionOf(source, {
      spec: merged.spec,
      weights: asRead(merged, dtype),
    });
    checkPrecision(config, precision, { dtype, log: context.log });
    await writeWithProgress(output, model, context);
    const parameters = countOf(merged);
    const megabytes = (dataBytes(model) / 1e6).toFixed(1);
    context.log(`${output}: ${parameters} parameters in ${dtype}, ${megabytes} MB`);
    context.log(`for Ollama, a Modelfile beside it with the line: FROM ./${basename(output)}`);
    return { output, dtype, parameters, ...precision };
  } finally {
    source.close();
  }
}

function isGguf(path: string): boolean {
  if (!statSync(path).isFile()) return false;
  const start = Buffer.alloc(4);
  const file = openSync(path, 'r');
  readSync(file, start);
  closeSync(file);
  return start.toString('latin1') === 'GGUF';
}

interface Exported {
  readonly source: ModelSource;
  readonly merged: Weighted;
  readonly dtype: GgufDtype;
}

function modelOf(config: ExportConfig, { source, merged, dtype }: Exported): GgufModel {
  const { bos_token_id: bos } = decoderConfig(source.baseDir);
  return ggufModel({
    ...merged,
    tokenizer: source.tokenizer,
    name: source.baseName,
    dtype,
    configBosId: typeof bos === 'number' ? bos : null,
    preTokenizer: config.pre_tokenizer,
  });
}

const countOf = ({ spec }: Weighted): number =>
  sum([...parameterShapes(spec).values()].map(elementCount));

async function writeWithProgress(
  output: string,
  model: GgufModel,
  { signal, stopsInOrder }: RecipeContext,
): Promise<void> {
  stopsInOrder?.();
  const megabytes = (bytes: number) => Math.ceil(bytes / 1e6);
  const total = megabytes(dataBytes(model));
  const progress = startProgress({ label: `${basename(output)} (MB)`, total });
  try {
    await writeGguf(output, model, (done) => {
      progress.update(megabytes(done));
      if (signal.aborted)
        throw interruption(signal, { problem: `stopped; no ${output} is written` });
    });
  } finally {
    progress.stop();
  }
}
