/**
 * Checkpoints: everything needed to go on exactly. `step-000100/` holds the trained parameters under
 * their names, the two moments of AdamW, and `trainer_state.json`; the manifest in it lists every file
 * with its size and SHA-256, and the folder gets its name only when it is whole.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AdamWState, ParameterShape } from '../tensor/index.js';
import { InputError } from '../util/errors.js';
import { readJson, sha256, writeJson } from '../util/files.js';
import {
  fromFloat32,
  type HostTensor,
  readSafetensors,
  toFloat32,
  writeSafetensors,
} from '../weights/index.js';

const PARAMETERS = 'parameters.safetensors';
const OPTIMIZER = 'optimizer.safetensors';
const STATE = 'trainer_state.json';

interface StateFile {
  readonly step: number;
  readonly tokens: number;
  readonly optimizer_step: number;
  readonly fingerprint: string;
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
}

function isState(value: unknown): value is StateFile {
  const state = (value ?? {}) as Record<string, unknown>;
  const numbers = [state.step, state.tokens, state.optimizer_step];
  const files = Object.values((state.files ?? {}) as Record<string, { sha256?: unknown }>);
  return (
    numbers.every((number) => typeof number === 'number') &&
    typeof state.fingerprint === 'string' &&
    files.length > 0 &&
    files.every((file) => typeof file?.sha256 === 'string')
  );
}

export interface CheckpointState {
  /** Optimizer steps done. */
  readonly step: number;
  readonly tokens: number;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly optimizer: AdamWState;
}

export interface CheckpointStore {
  /** Folder `checkpoints/` of the run. */
  readonly dir: string;
  readonly shapes: readonly ParameterShape[];
  /** What must be equal for a checkpoint to fit: hash of model and parameter names. */
  readonly fingerprint: string;
  /** Older ones are deleted beyond this number; null keeps all. */
  readonly limit: number | null;
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
 */
export function saveCheckpoint(store: CheckpointStore, state: CheckpointState): string {
  const target = join(store.dir, `step-${String(state.step).padStart(6, '0')}`);
  const part = `${target}${PART}`;
  discardParts(store.dir);
  mkdirSync(part, { recursive: true });
  try {
    writeParts(part, store, state);
    rmSync(target, { recursive: true, force: true });
    renameSync(part, target);
  } catch (error) {
    rmSync(part, { recursive: true, force: true });
    throw error;
  }
  if (store.limit !== null) {
    for (const old of listCheckpoints(store.dir).slice(0, -store.limit)) {
      rmSync(old, { recursive: true, force: true });
    }
  }
  return target;
}

function discardParts(dir: string): void {
  if (!existsSync(dir)) return;
  for (const name of readdirSync(dir)) {
    if (name.endsWith(PART)) rmSync(join(dir, name), { recursive: true });
  }
}

function writeParts(part: string, store: CheckpointStore, state: CheckpointState): void {
  const parameters = new Map<string, HostTensor>();
  for (const { name, shape } of store.shapes) {
    parameters.set(name, fromFloat32(state.parameters.get(name)!, shape));
  }
  const { m, v, step } = state.optimizer;
  const moments = new Map([
    ['m', fromFloat32(m, [m.length])],
    ['v', fromFloat32(v, [v.length])],
  ]);
  writeSafetensors(join(part, PARAMETERS), parameters);
  writeSafetensors(join(part, OPTIMIZER), moments);
  const files = Object.fromEntries(
    [PARAMETERS, OPTIMIZER].map((name) => [name, fingerprintOf(join(part, name))]),
  );
  writeJson(join(part, STATE), {
    step: state.step,
    tokens: state.tokens,
    optimizer_step: step,
    fingerprint: store.fingerprint,
    files,
  });
}

function fingerprintOf(path: string): { size: number; sha256: string } {
  const bytes = readFileSync(path);
  return { size: bytes.byteLength, sha256: sha256(bytes) };
}

/**
 * @throws InputError when the folder is half-written, damaged, or of another model or set of trained
 *   parameters.
 */
export function loadCheckpoint(
  dir: string,
  store: Pick<CheckpointStore, 'shapes' | 'fingerprint'>,
): CheckpointState {
  const remedy = 'Resume from an earlier checkpoint, or start anew with overwrite=true';
  const fail = (problem: string): never => {
    throw new InputError({ where: dir, problem, remedy });
  };
  if (basename(dir).endsWith(PART) || !existsSync(join(dir, STATE))) {
    fail(`half-written checkpoint: no ${STATE}`);
  }
  const state = readJson(join(dir, STATE));
  if (!isState(state)) return fail(`${STATE} is malformed`);
  for (const [name, expected] of Object.entries(state.files)) {
    if (!existsSync(join(dir, name))) fail(`half-written checkpoint: no ${name}`);
    const found = fingerprintOf(join(dir, name));
    if (found.sha256 !== expected.sha256) {
      fail(`damaged checkpoint: ${name} has ${found.size} bytes, expected ${expected.size}`);
    }
  }
  if (state.fingerprint !== store.fingerprint) {
    fail('the checkpoint belongs to another model, or to other trained parameters');
  }
  const parameters = readSafetensors(join(dir, PARAMETERS));
  const moments = readSafetensors(join(dir, OPTIMIZER));
  return {
    step: state.step,
    tokens: state.tokens,
    parameters: new Map(store.shapes.map(({ name }) => [name, toFloat32(parameters.get(name)!)])),
    optimizer: {
      step: state.optimizer_step,
      m: toFloat32(moments.get('m')!),
      v: toFloat32(moments.get('v')!),
    },
  };
}
