/**
 * What the key `model` names: a hub id, a Hugging Face folder, or a run folder, resolved to the folder of
 * the base weights and the adapter that stands on them.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { isHubId, resolveModelDir } from '../../hub/index.js';
import { checkTensors, planLora, readSpec } from '../../model/index.js';
import { type DecoderSpec, linearModules, parameterShapes } from '../../model/spec.js';
import type { Tokenizer } from '../../tokenizer/index.js';
import { InputError } from '../../util/errors.js';
import {
  ADAPTER_CONFIG,
  type Adapter,
  type Checkpoint,
  checkAdapter,
  checkShapes,
  type HostTensor,
  openCheckpoint,
  readAdapter,
} from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { checkBase } from './adapter-base.js';
import { hubOptions } from './hub-options.js';
import { openTokenizer, type TokenizerKeys } from './open-tokenizer.js';

export interface ModelSource {
  readonly spec: DecoderSpec;
  /** Folder of config.json and the base weights. */
  readonly baseDir: string;
  /** What an adapter trained on it names as its base: a hub id, or an absolute folder. */
  readonly baseName: string;
  /** The adapter that the base is used with, checked against it. */
  readonly adapter: Adapter | null;
  readonly tokenizer: Tokenizer;
  readonly weights: (name: string) => HostTensor;
  close(): void;
}

export interface ModelKeys {
  readonly model: string;
  /** Adapter folder (or run folder) to put on the model. */
  readonly adapter?: string | null;
}

type OpenKeys = ModelKeys & Partial<TokenizerKeys>;

/** A run folder keeps its result in `model/`. */
function insideRun(dir: string): string {
  const inner = join(dir, 'model');
  const isRun = existsSync(join(dir, 'run.json'));
  if (!isRun) return dir;
  if (existsSync(inner)) return inner;
  throw new InputError({
    where: dir,
    problem: 'the run has no model/ folder: it did not finish',
    remedy: 'Go on with it by resume=auto, or name another model',
  });
}

const holdsAdapter = (dir: string) => existsSync(join(dir, ADAPTER_CONFIG));

interface Located {
  readonly baseDir: string;
  readonly baseName: string;
  readonly adapterDir: string | null;
}

async function locate(model: string, context: RecipeContext): Promise<Located> {
  const isLocal = existsSync(model);
  const dir = insideRun(await resolveModelDir(model, hubOptions(context)));
  if (!holdsAdapter(dir)) {
    const baseName = !isLocal && isHubId(model) ? model : resolve(dir);
    return { baseDir: dir, baseName, adapterDir: null };
  }
  const { baseModel } = readAdapter(dir);
  if (baseModel === null) {
    throw new InputError({
      where: join(dir, ADAPTER_CONFIG),
      problem: 'base_model_name_or_path is missing',
      remedy: 'Name the base as model=… and this folder as adapter=…',
    });
  }
  if (!isHubId(baseModel) && !existsSync(baseModel)) {
    throw new InputError({
      where: join(dir, ADAPTER_CONFIG),
      problem: `the base model ${baseModel} is not there`,
      remedy: 'Put it back, or correct base_model_name_or_path',
    });
  }
  const base = await locate(baseModel, context);
  if (base.adapterDir !== null) {
    throw new InputError({
      where: dir,
      problem: `its base ${baseModel} is itself an adapter`,
      remedy: 'An adapter must stand on full weights',
    });
  }
  return { ...base, adapterDir: dir };
}

function twoAdapters(model: string, { baseName }: Located): InputError {
  return new InputError({
    where: 'adapter',
    problem: `${model} is an adapter already`,
    remedy: `Put the other one on its base: model=${baseName}`,
  });
}

function checkedWeights(checkpoint: Checkpoint, spec: DecoderSpec): (name: string) => HostTensor {
  const shapes = parameterShapes(spec);
  checkShapes(checkpoint, shapes);
  return (name) => checkpoint.read(name);
}

/**
 * @throws InputError for an unsupported architecture, missing or wrong-shaped weights, an adapter of
 *   another base model; SetupError when the hub cannot be reached.
 */
export async function openModel(keys: OpenKeys, context: RecipeContext): Promise<ModelSource> {
  const { model, adapter = null } = keys;
  const located = await locate(model, context);
  if (adapter !== null && located.adapterDir !== null) throw twoAdapters(model, located);
  const adapterDir = adapter === null ? located.adapterDir : insideRun(adapter);
  const { baseDir, baseName } = located;
  const spec = readSpec(baseDir);
  const checkpoint = openCheckpoint(baseDir);
  try {
    const weights = checkedWeights(checkpoint, spec);
    const loaded = adapterDir === null ? null : readAdapter(adapterDir);
    if (loaded !== null) {
      const where = adapterDir!;
      checkAdapter(loaded, linearModules(spec), where);
      checkTensors(planLora(spec, loaded.config), loaded, where);
      checkBase(loaded, { name: baseName, checkpoint }, { where, log: context.log });
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
    const close = () => checkpoint.close();
    return { spec, baseDir, baseName, adapter: loaded, tokenizer, weights, close };
  } catch (error) {
    checkpoint.close();
    throw error;
  }
}
