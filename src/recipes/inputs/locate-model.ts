/**
 * Where the key `model` leads: a hub id at its revision, a Hugging Face folder, or a run folder, down to the
 * folder of the base weights and that of the adapter which stands on them.
 */
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { isHubId, resolveModelDir } from '../../hub/index.js';
import { isRunFolder, runPaths } from '../../report/index.js';
import { InputError } from '../../util/errors.js';
import { ADAPTER_CONFIG, readAdapterConfig } from '../../weights/index.js';
import type { RecipeContext } from '../context.js';
import { hubOptions, pinned } from './hub-options.js';

export interface ModelKeys {
  readonly model: string;
  /** Branch, tag or commit of a hub model. */
  readonly model_revision?: string | null;
  /** Adapter folder (or run folder) to put on the model. */
  readonly adapter?: string | null;
}

export interface Base {
  /** Folder of config.json and the base weights. */
  readonly baseDir: string;
  /** What an adapter trained on it names as its base: a hub id, or an absolute folder. */
  readonly baseName: string;
  /** Revision that was asked for, by a key or by the adapter; null: none. */
  readonly baseRevision: string | null;
  /** Commit on the hub; null for a folder. */
  readonly baseCommit: string | null;
}

export interface LocatedModel extends Base {
  readonly adapterDir: string | null;
}

/** A run folder keeps its result in `model/`. @throws InputError on a run without one, and on its checkpoints */
function insideRun(dir: string): string {
  const run = resolve(dir, '../..');
  if (dirname(resolve(dir)) === runPaths(run).checkpoints && isRunFolder(run)) {
    throw new InputError({
      where: dir,
      problem: 'is a checkpoint, for a run to go on from, and no model',
      remedy: `Give the run that it is of, ${run}, whose model its last step made`,
    });
  }
  if (!isRunFolder(dir)) return dir;
  const { model } = runPaths(dir);
  if (existsSync(model)) return model;
  throw new InputError({
    where: dir,
    problem: 'the run has no model/ folder: it did not finish',
    remedy: 'Go on with it by resume=auto, or name another model',
  });
}

const holdsAdapter = (dir: string) => existsSync(join(dir, ADAPTER_CONFIG));

interface Named {
  readonly model: string;
  readonly revision: string | null;
  /** Where the revision stands, for errors. */
  readonly revisionKey: string;
}

async function locate(
  { model, revision, revisionKey }: Named,
  context: RecipeContext,
): Promise<LocatedModel> {
  const isLocal = existsSync(model);
  const options = { ...hubOptions(context), ...pinned(revision, revisionKey) };
  const found = await resolveModelDir(model, options);
  const dir = insideRun(found.dir);
  if (!holdsAdapter(dir)) {
    const baseName = !isLocal && isHubId(model) ? model : resolve(dir);
    const at = { baseRevision: revision, baseCommit: found.commit };
    return { baseDir: dir, baseName, ...at, adapterDir: null };
  }
  return { ...(await locateBase(dir, context)), adapterDir: dir };
}

/** The base that an adapter names, at the revision that it names. */
async function locateBase(dir: string, context: RecipeContext): Promise<LocatedModel> {
  const where = join(dir, ADAPTER_CONFIG);
  const { baseModel, revision } = readAdapterConfig(dir);
  if (baseModel === null) {
    throw new InputError({
      where,
      problem: 'base_model_name_or_path is missing',
      remedy: 'Name the base as model=… and this folder as adapter=…',
    });
  }
  if (!isHubId(baseModel) && !existsSync(baseModel)) {
    throw new InputError({
      where,
      problem: `the base model ${baseModel} is not there`,
      remedy: 'Put it back, or correct base_model_name_or_path',
    });
  }
  const named = { model: baseModel, revision, revisionKey: `${where}: field "revision"` };
  const base = await locate(named, context);
  if (base.adapterDir === null) return base;
  throw new InputError({
    where: dir,
    problem: `its base ${baseModel} is itself an adapter`,
    remedy: 'An adapter must stand on full weights',
  });
}

/**
 * A hub model without a revision is taken at the one that the adapter was made for.
 * @param revisionKey Where `model_revision` stands, for errors.
 * @throws InputError as `resolveModelDir`, on two adapters, and on an adapter without its base
 */
export async function locateModel(
  { model, model_revision: asked = null, adapter = null }: ModelKeys,
  context: RecipeContext,
  revisionKey = 'model_revision',
): Promise<LocatedModel> {
  if (adapter === null) return locate({ model, revision: asked, revisionKey }, context);
  const adapterDir = insideRun(adapter);
  if (!holdsAdapter(adapterDir)) throw noAdapter(adapter, adapterDir);
  const revision = asked ?? (existsSync(model) ? null : revisionFor(model, adapterDir));
  const located = await locate({ model, revision, revisionKey }, context);
  if (located.adapterDir === null) return { ...located, adapterDir };
  throw new InputError({
    where: 'adapter',
    problem: `${model} is an adapter already`,
    remedy: `Put the other one on its base: model=${located.baseName}`,
  });
}

function noAdapter(adapter: string, dir: string): InputError {
  const isThere = existsSync(dir);
  return new InputError({
    where: 'adapter',
    problem: isThere ? `${dir} has no ${ADAPTER_CONFIG}` : `no folder ${JSON.stringify(adapter)}`,
    remedy: existsSync(join(dir, 'config.json'))
      ? 'It holds full weights: name it as model'
      : 'Give an adapter folder in PEFT’s format, or the folder of a LoRA run',
  });
}

function revisionFor(model: string, adapterDir: string): string | null {
  const { baseModel, revision } = readAdapterConfig(adapterDir);
  return baseModel === model ? revision : null;
}
