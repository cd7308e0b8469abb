/** Reading a checkpoint to go on from: whole, undamaged, and of the same training. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runPaths } from '../report/index.js';
import { InputError } from '../util/errors.js';
import { readJson } from '../util/files.js';
import { readSafetensors, toFloat32 } from '../weights/index.js';
import { isCheckpointName, isPartOfCheckpoint, listCheckpoints } from './checkpoint-names.js';
import {
  CHECKPOINT_FILES,
  type CheckpointState,
  type Fingerprint,
  fileFacts,
  isStateFile,
  type StateFile,
} from './checkpoint-state.js';
import type { CheckpointStore } from './save-checkpoint.js';

const MISFITS: Readonly<Record<keyof Fingerprint, string>> = {
  parameters:
    'another model, one kept in other bits, or other trained parameters (names, shapes, scales, start of PiSSA)',
  base: 'another base, by its architecture or the values or type of its weights',
  adapter: 'another adapter that training began with',
};

type Fail = (problem: string, remedy?: string) => never;

/**
 * @throws InputError when the folder is half-written, damaged, or of another model or set of trained
 *   parameters.
 */
export function loadCheckpoint(
  dir: string,
  store: Pick<CheckpointStore, 'shapes' | 'fingerprint'>,
): CheckpointState {
  const fail: Fail = (
    problem,
    remedy = 'Resume from an earlier checkpoint, or start anew with overwrite=true',
  ) => {
    throw new InputError({ where: dir, problem, remedy });
  };
  checkPlace(dir, fail);
  const state = readState(dir, fail);
  checkFiles(dir, state, fail);
  checkFit(state, store.fingerprint, fail);
  const named = (file: string) => {
    const tensors = readSafetensors(join(dir, file));
    return new Map(store.shapes.map(({ name }) => [name, toFloat32(tensors.get(name)!)]));
  };
  const moments = [...readSafetensors(join(dir, CHECKPOINT_FILES.optimizer))];
  return {
    step: state.step,
    tokens: state.tokens,
    parameters: named(CHECKPOINT_FILES.parameters),
    optimizer: {
      step: state.optimizer_step,
      moments: Object.fromEntries(moments.map(([name, tensor]) => [name, toFloat32(tensor)])),
    },
    reference: CHECKPOINT_FILES.reference in state.files ? named(CHECKPOINT_FILES.reference) : null,
    evaluations: state.evaluations,
    metric: state.metric_for_best_model,
  };
}

function checkPlace(dir: string, fail: Fail): void {
  const { checkpoints } = runPaths(dir);
  const inside = listCheckpoints(existsSync(checkpoints) ? checkpoints : dir).at(-1);
  if (inside !== undefined) {
    fail('holds checkpoints and is none itself', `Give resume=${inside}`);
  }
  const hasState = existsSync(join(dir, CHECKPOINT_FILES.state));
  const name = basename(dir);
  if (!isPartOfCheckpoint(name) && !isCheckpointName(name) && !hasState) {
    const problem = `is no checkpoint and holds none: no ${CHECKPOINT_FILES.state}`;
    fail(problem, 'Name a folder checkpoints/step-…');
  }
  if (isPartOfCheckpoint(name) || !hasState) {
    fail(`half-written checkpoint: no ${CHECKPOINT_FILES.state}`);
  }
}

function readState(dir: string, fail: Fail): StateFile {
  const state = readJson(join(dir, CHECKPOINT_FILES.state));
  if (isStateFile(state)) return state;
  return fail(`${CHECKPOINT_FILES.state} is malformed`);
}

function checkFiles(dir: string, { files }: StateFile, fail: Fail): void {
  for (const [name, expected] of Object.entries(files)) {
    if (!existsSync(join(dir, name))) fail(`half-written checkpoint: no ${name}`);
    const found = fileFacts(join(dir, name));
    if (found.sha256 !== expected.sha256) {
      fail(`damaged checkpoint: ${name} has ${found.size} bytes, expected ${expected.size}`);
    }
  }
}

function checkFit({ fingerprint }: StateFile, wanted: Fingerprint, fail: Fail): void {
  const parts = Object.keys(MISFITS) as (keyof Fingerprint)[];
  const other = parts.find((part) => fingerprint[part] !== wanted[part]);
  if (other === undefined) return;
  fail(
    `the checkpoint belongs to ${MISFITS[other]}`,
    'Give what it began with, or start anew with overwrite=true',
  );
}
