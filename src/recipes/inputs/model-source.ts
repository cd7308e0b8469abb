/** A model opened: what it is built like, its weights, its tokenizer, and the adapter that it is used with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { QuantizationKeys } from '../../config/index.js';
import {
  checkTensors,
  fourBitBase,
  fromStored,
  planLora,
  readSpec,
  storedShapes,
} from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { adaptable } from '../../model/spec-modules.js';
import { type Tokenizer, tokenizerHash } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import {
  ADAPTER_CONFIG,
  type Adapter,
  type Checkpoint,
  checkAdapter,
  checkShapes,
  type HostTensor,
  idleNames,
  openCheckpoint,
  type Quantization,
  readAdapter,
} from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { checkBase } from './adapter-base.js';
import { type Base, locateModel, type ModelKeys } from './locate-model.js';
import { openTokenizer, type TokenizerKeys } from './open-tokenizer.js';
import { quantizationOf, sayOtherBase } from './quantization.js';
import type { PromptKeys } from './render-options.js';
import { sayOtherPrompts } from './trained-prompts.js';
import { checkUnused } from './unused-tensors.js';

export interface ModelSource extends Base {
  readonly spec: DecoderSpec;
  /** The adapter that the base is used with, checked against it. */
  readonly adapter: Adapter | null;
  readonly tokenizer: Tokenizer;
  /** How linear modules and experts of the base are kept in 4 bits; null: it is as on disk. */
  readonly quantization: Quantization | null;
  /** Tensors of the base; those in 4 bits read as what they stand for. */
  readonly weights: (name: string) => HostTensor;
  close(): void;
}

function sayParts(where: string, outside: number, log: (line: string) => void): void {
  if (outside === 0) return;
  log(
    `warning: only the text decoder is used; tensors of other parts are left out: ${outside} (${where})`,
  );
}

/** An adapter may name modules that this base does not have. */
function sayIdle({ config }: Adapter, spec: DecoderSpec, say: (line: string) => void): void {
  const names = adaptable(spec).map(({ module }) => module);
  for (const { field, problem } of idleNames(config, names)) {
    say(`${field} of ${ADAPTER_CONFIG}: ${problem}, and is left out`);
  }
}

type OpenKeys = ModelKeys & Partial<TokenizerKeys & PromptKeys & QuantizationKeys>;

function checkedWeights(
  checkpoint: Checkpoint,
  spec: DecoderSpec,
  log: (line: string) => void,
): (name: string) => HostTensor {
  checkUnused(checkpoint, checkShapes(checkpoint, storedShapes(spec, checkpoint)), log);
  return fromStored(spec, checkpoint);
}

/**
 * @throws InputError for an unsupported architecture, weights that are missing, of another shape or of
 *   another architecture, an adapter of another base model; SetupError when the hub cannot be reached.
 */
export async function openModel(
  keys: OpenKeys,
  context: RecipeContext,
  revisionKey?: string,
): Promise<ModelSource> {
  const { adapterDir, ...base } = await locateModel(keys, context, revisionKey);
  const { baseDir, baseName, baseRevision: revision, baseCommit: commit } = base;
  const spec = readSpec(baseDir);
  const checkpoint = openCheckpoint(baseDir);
  try {
    const quantization = quantizationOf(keys);
    const read = checkedWeights(checkpoint, spec, context.log);
    sayParts(baseDir, checkpoint.outside.length, context.log);
    const weights = fourBitBase(spec, read, quantization);
    const loaded = adapterDir === null ? null : readAdapter(adapterDir);
    if (loaded !== null) {
      const where = adapterDir!;
      sayParts(where, loaded.outside ?? 0, context.log);
      checkAdapter(loaded, adaptable(spec), where);
      checkTensors(planLora(spec, loaded.config), loaded, where);
      sayIdle(loaded, spec, (line) => context.log(`warning: ${line} (${where})`));
      const parameters = storedShapes(spec, checkpoint).keys();
      checkBase(loaded, { ...base, checkpoint, parameters }, { where, log: context.log });
      sayOtherBase(keys, { adapter: loaded, where, log: context.log });
    }
    const hasTokenizer = adapterDir !== null && existsSync(join(adapterDir, 'tokenizer.json'));
    const tokenizer = await openTokenizer(hasTokenizer ? adapterDir : baseDir, keys);
    if (tokenizer.vocabSize > spec.vocabSize) {
      throw new InputError({
        where: tokenizer.dir,
        problem: `the tokenizer has ${tokenizer.vocabSize} ids, the model only ${spec.vocabSize}`,
        remedy: 'Use the tokenizer that belongs to the model',
      });
    }
    sayOtherPrompts(keys, adapterDir ?? baseDir, context.log);
    const hash = tokenizerHash(tokenizer);
    context.onSource?.({ kind: 'model', name: baseName, revision, commit, sha256: hash });
    const close = () => checkpoint.close();
    return { spec, ...base, adapter: loaded, tokenizer, quantization, weights, close };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}
