/**
 * Checkpoints: everything needed to go on exactly. `step-000100/` holds the trained parameters under
 * their names, the optimizer's moments, the reference policy where it moves, and `trainer_state.json`; the
 * manifest in it lists every file with its size and SHA-256, and the folder gets its name only when it is
 * whole.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { runPaths } from '../report/index.js';
import type { OptimizerState, ParameterShape } from '../tensor/index.js';
import { isClosed, isFull } from '../util/disk.js';
import { InputError, messageOf, RunError } from '../util/errors.js';
import { readJson, sha256OfFile, writeJson } from '../util/files.js';
import {
  fromFloat32,
  type HostTensor,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../weights/index.js';
import type { EvaluatedStep } from './evaluations.js';

const PARAMETERS = 'parameters.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const REFERENCE = 'reference.safetensors';
const STATE = 'trainer_state.json';

interface StateFile {
  readonly step: number;
  readonly tokens: number;
  readonly optimizer_step: number;
  readonly fingerprint: Fingerprint;
  readonly evaluations?: readonly EvaluatedStep[];
  readonly metric_for_best_model?: string;
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

function isState(value: unknown): value is StateFile {
  const state = (value ?? {}) as Record<string, unknown>;
  const numbers = [state.step, state.tokens, state.optimizer_step];
  const { parameters, base } = (state.fingerprint ?? {}) as Partial<Fingerprint>;
  const files = Object.values((state.files ?? {}) as Record<string, { sha256?: unknown }>);
  return (
    numbers.every((number) => typeof number === 'number') &&
    typeof parameters === 'string' &&
    typeof base === 'string' &&
    files.length > 0 &&
    files.every((file) => typeof file?.sha256 === 'string')
  );
}

export interface CheckpointState {
  /** Optimizer steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly optimizer: OptimizerState;
  /** The reference policy's parameters; null where it stays what it was. */
  readonly reference: ReadonlyMap<string, Float32Array> | null;
  /** Evaluations so far. */
  readonly evaluations: readonly EvaluatedStep[];
  /** The metric that they hold; absent: it was not noted. */
  readonly metric?: string | undefined;
}

/** Hashes of what must be equal for a checkpoint to fit. */
export interface Fingerprint {
  /** Bits of the base, names, shapes and scales of what is trained, and how PiSSA began. */
  readonly parameters: string;
  /** Architecture and weights of the base. */
  readonly base: string;
  /** Adapter that training began with; null: none. */
  readonly adapter: string | null;
}

const MISFITS: Readonly<Record<keyof Fingerprint, string>> = {
  parameters:
    'another model, one kept in other bits, or other trained parameters (names, shapes, scales, start of PiSSA)',
  base: 'another base, by its architecture or the values or type of its weights',
  adapter: 'another adapter that training began with',
};

export interface CheckpointStore {
  /** Folder `checkpoints/` of the run. */
  readonly dir: string;
  readonly shapes: readonly ParameterShape[];
  readonly fingerprint: Fingerprint;
  /** Older ones are deleted beyond this number; null keeps all. */
  readonly limit: number | null;
}

export interface SaveOptions {
  /** Steps of checkpoints that rotation leaves, beside the latest. */
  readonly keep?: readonly number[];
}

const PART = '.part';
const STEP_NAME = /^step-(\d{6,})$/;

/** Optimizer steps that the checkpoint of this path holds, by its name. */
export const stepOf = (path: string): number => Number(STEP_NAME.exec(basename(path))?.[1]);

/** Complete checkpoints, oldest first. */
export function listCheckpoints(dir: string): string[] {
  if (!existsSync(dir)) return [];
  const names = readdirSync(dir).filter((name) => STEP_NAME.test(name));
  return names.sort((a, b) => stepOf(a) - stepOf(b)).map((name) => join(dir, name));
}

/**
 * Writes beside the final name and renames; a failed write leaves the earlier ones as they are. What a
 * killed process has left half-written goes.
 * @throws RunError when it cannot be written, e.g. on a full disk.
 */
export function saveCheckpoint(
  store: CheckpointStore,
  state: CheckpointState,
  { keep = [] }: SaveOptions = {},
): string {
  const target = join(store.dir, `step-${String(state.step).padStart(6, '0')}`);
  const part = `${target}${PART}`;
  try {
    discardParts(store.dir);
    mkdirSync(part, { recursive: true });
    writeParts(part, store, state);
    rmSync(target, { recursive: true, force: true });
    renameSync(part, target);
  } catch (error) {
    tryToRemove(part);
    const cause = (error as Error).cause ?? error;
    throw new RunError(
      {
        where: target,
        problem: `the checkpoint was not written: ${messageOf(cause)}`,
        remedy: `Earlier ones are whole: ${remedyOf(cause)}go on with ${goOn(store)}`,
      },
      { cause: error },
    );
  }
  if (store.limit !== null) {
    for (const old of listCheckpoints(store.dir).slice(0, -store.limit)) {
      if (!keep.includes(stepOf(old))) removeOld(old, store);
    }
  }
  return target;
}

/** What a call is given to go on; the store is in the folder of its run. */
const goOn = ({ dir }: Pick<CheckpointStore, 'dir'>): string =>
  `resume=auto output_dir=${dirname(dir)}`;

/** What to do before going on, where the error says it. */
function remedyOf(cause: unknown): string {
  if (isFull(cause)) return 'make room on the disk and ';
  return isClosed(cause) ? 'make their folder writable and ' : '';
}

/** What kept it from being written may keep it from being deleted; the next checkpoint tries again. */
function tryToRemove(part: string): void {
  try {
    rmSync(part, { recursive: true, force: true });
  } catch {}
}

function removeOld(dir: string, store: CheckpointStore): void {
  try {
    rmSync(dir, { recursive: true, force: true });
  } catch (error) {
    throw new RunError(
      {
        where: dir,
        problem: `the older checkpoint cannot be deleted (${messageOf(error)})`,
        remedy: `The latest is whole: delete this one and go on with ${goOn(store)}`,
      },
      { cause: error },
    );
  }
}

function discardParts(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    if (name.endsWith(PART)) rmSync(join(dir, name), { recursive: true });
  }
}

function writeParts(part: string, store: CheckpointStore, state: CheckpointState): void {
  const named = (values: ReadonlyMap<string, Float32Array>): Map<string, HostTensor> =>
    new Map(store.shapes.map(({ name, shape }) => [name, fromFloat32(values.get(name)!, shape)]));
  const moments = Object.entries(state.optimizer.moments).map(
    ([name, values]) => [name, fromFloat32(values, [values.length])] as const,
  );
  writeSafetensors(join(part, PARAMETERS), named(state.parameters));
  writeSafetensors(join(part, OPTIMIZER), new Map(moments));
  if (state.reference !== null) writeSafetensors(join(part, REFERENCE), named(state.reference));
  const written = [PARAMETERS, OPTIMIZER, ...(state.reference === null ? [] : [REFERENCE])];
  writeJson(join(part, STATE), {
    step: state.step,
    tokens: state.tokens,
    optimizer_step: state.optimizer.step,
    fingerprint: store.fingerprint,
    evaluations: state.evaluations,
    metric_for_best_model: state.metric,
    files: Object.fromEntries(written.map((name) => [name, fingerprintOf(join(part, name))])),
  });
}

function fingerprintOf(path: string): { size: number; sha256: string } {
  return { size: statSync(path).size, sha256: sha256OfFile(path) };
}

/**
 * @throws InputError when the folder is half-written, damaged, or of another model or set of trained
 *   parameters.
 */
export function loadCheckpoint(
  dir: string,
  store: Pick<CheckpointStore, 'shapes' | 'fingerprint'>,
): CheckpointState {
  const fail = (
    problem: string,
    remedy = 'Resume from an earlier checkpoint, or start anew with overwrite=true',
  ): never => {
    throw new InputError({ where: dir, problem, remedy });
  };
  const { checkpoints } = runPaths(dir);
  const inside = listCheckpoints(existsSync(checkpoints) ? checkpoints : dir).at(-1);
  if (inside !== undefined) {
    fail('holds checkpoints and is none itself', `Give resume=${inside}`);
  }
  const isPart = basename(dir).endsWith(PART);
  if (!isPart && !STEP_NAME.test(basename(dir)) && !existsSync(join(dir, STATE))) {
    fail(`is no checkpoint and holds none: no ${STATE}`, 'Name a folder checkpoints/step-…');
  }
  if (isPart || !existsSync(join(dir, STATE))) fail(`half-written checkpoint: no ${STATE}`);
  const state = readJson(join(dir, STATE));
  if (!isState(state)) {
    return fail(
      `${STATE} is malformed, or of an earlier version, without the weights of its base`,
      'Start anew with overwrite=true',
    );
  }
  for (const [name, expected] of Object.entries(state.files)) {
    if (!existsSync(join(dir, name))) fail(`half-written checkpoint: no ${name}`);
    const found = fingerprintOf(join(dir, name));
    if (found.sha256 !== expected.sha256) {
      fail(`damaged checkpoint: ${name} has ${found.size} bytes, expected ${expected.size}`);
    }
  }
  const parts = Object.keys(MISFITS) as (keyof Fingerprint)[];
  const other = parts.find((part) => state.fingerprint[part] !== store.fingerprint[part]);
  if (other !== undefined) {
    fail(
      `the checkpoint belongs to ${MISFITS[other]}`,
      'Give what it began with, or start anew with overwrite=true',
    );
  }
  const named = (file: string) => {
    const tensors = readSafetensors(join(dir, file));
    return new Map(store.shapes.map(({ name }) => [name, toFloat32(tensors.get(name)!)]));
  };
  const moments = [...readSafetensors(join(dir, OPTIMIZER))];
  return {
    step: state.step,
    tokens: state.tokens,
    parameters: named(PARAMETERS),
    optimizer: {
      step: state.optimizer_step,
      moments: Object.fromEntries(moments.map(([name, tensor]) => [name, toFloat32(tensor)])),
    },
    reference: REFERENCE in state.files ? named(REFERENCE) : null,
    evaluations: state.evaluations ?? [],
    metric: state.metric_for_best_model,
  };
}
