/** Writing checkpoints into the folder of a run: each gets its name only when it is whole, and old ones go. */
import { dirname, join } from 'node:path';
import type { ParameterShape } from '../tensor/index.js';
import { clearFolderParts, removeFolder, replaceFolder } from '../util/atomic-folder.js';
import { isClosed, isFull } from '../util/disk.js';
import { messageOf, RunError } from '../util/errors.js';
import { writeJson } from '../util/files.js';
import { resumeKeys } from '../util/in-use.js';
import { namesIn } from '../util/names-in.js';
import { fromFloat32, type HostTensor, writeSafetensors } from '../weights/index.js';
import { checkpointPath, isPartOfCheckpoint, listCheckpoints, stepOf } from './checkpoint-names.js';
import {
  CHECKPOINT_FILES,
  type CheckpointState,
  type Fingerprint,
  fileFacts,
  type StateFile,
} from './checkpoint-state.js';

export interface CheckpointStore {
  /** Folder `checkpoints/` of the run. */
  readonly dir: string;
  readonly shapes: readonly ParameterShape[];
  readonly fingerprint: Fingerprint;
  /** Older ones are deleted beyond this number, the latest and those to keep included; null keeps all. */
  readonly limit: number | null;
}

interface SaveOptions {
  /** Steps of checkpoints that rotation leaves, as it does the latest. */
  readonly keep?: readonly number[];
}

/**
 * A failed write leaves the earlier ones as they are. What a killed process has left half-written goes.
 * @throws RunError when it cannot be written, e.g. on a full disk.
 */
export async function saveCheckpoint(
  store: CheckpointStore,
  state: CheckpointState,
  { keep = [] }: SaveOptions = {},
): Promise<string> {
  const target = checkpointPath(store.dir, state.step);
  try {
    clearCheckpointParts(store);
    await replaceFolder(target, async (part) => writeParts(part, store, state));
  } catch (error) {
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
  rotateCheckpoints(store, { keep });
  return target;
}

/**
 * The folder is that of one run, which one process has: no number of another keeps a part.
 * @throws RunError when it cannot be cleared
 */
export function clearCheckpointParts({ dir }: Pick<CheckpointStore, 'dir'>): void {
  const parts = namesIn(dir).filter(isPartOfCheckpoint);
  removing(() => clearFolderParts(dir, parts), {
    where: dir,
    problem: 'what a stopped run has left cannot be cleared away',
    remedy: `Make the folder writable or move ${parts.join(', ')} elsewhere, and go on with ${goOn({ dir })}`,
  });
}

/** Deletes those of later steps. @throws RunError when one cannot be deleted */
export function removeLater({ dir }: Pick<CheckpointStore, 'dir'>, step: number): void {
  for (const later of listCheckpoints(dir).filter((path) => stepOf(path) > step)) {
    removing(() => removeFolder(later), {
      where: later,
      problem: 'the later checkpoint cannot be deleted',
      remedy: `The one of step ${step} is whole: delete this one and give the same call again`,
    });
  }
}

/** Deletes the oldest that are not to be kept until there are as many as the limit, as transformers does. */
export function rotateCheckpoints(store: CheckpointStore, { keep = [] }: SaveOptions): void {
  const checkpoints = listCheckpoints(store.dir);
  const free = checkpoints.slice(0, -1).filter((path) => !keep.includes(stepOf(path)));
  const excess = checkpoints.length - (store.limit ?? checkpoints.length);
  for (const old of free.slice(0, Math.max(0, excess))) {
    removing(() => removeFolder(old), {
      where: old,
      problem: 'the older checkpoint cannot be deleted',
      remedy: `The latest is whole: delete this one and go on with ${goOn(store)}`,
    });
  }
}

/** What a call is given to go on; the store is in the folder of its run. */
const goOn = ({ dir }: Pick<CheckpointStore, 'dir'>): string => resumeKeys(dirname(dir));

/** What to do before going on, where the error says it. */
function remedyOf(cause: unknown): string {
  if (isFull(cause)) return 'make room on the disk and ';
  return isClosed(cause) ? 'make their folder writable and ' : '';
}

interface Removal {
  readonly where: string;
  readonly problem: string;
  readonly remedy: string;
}

function removing(work: () => void, { problem, ...parts }: Removal): void {
  try {
    work();
  } catch (error) {
    const why = `${problem} (${messageOf(error)})`;
    throw new RunError({ ...parts, problem: why }, { cause: error });
  }
}

/** The state is written last: its manifest names the others. */
function writeParts(part: string, store: CheckpointStore, state: CheckpointState): void {
  const named = (values: ReadonlyMap<string, Float32Array>): Map<string, HostTensor> =>
    new Map(store.shapes.map(({ name, shape }) => [name, fromFloat32(values.get(name)!, shape)]));
  const moments = Object.entries(state.optimizer.moments).map(
    ([name, values]) => [name, fromFloat32(values, [values.length])] as const,
  );
  const { parameters, optimizer, reference, state: stateFile } = CHECKPOINT_FILES;
  writeSafetensors(join(part, parameters), named(state.parameters));
  writeSafetensors(join(part, optimizer), new Map(moments));
  if (state.reference !== null) writeSafetensors(join(part, reference), named(state.reference));
  const written = [parameters, optimizer, ...(state.reference === null ? [] : [reference])];
  writeJson(join(part, stateFile), {
    step: state.step,
    tokens: state.tokens,
    optimizer_step: state.optimizer.step,
    fingerprint: store.fingerprint,
    evaluations: state.evaluations,
    metric_for_best_model: state.metric,
    files: Object.fromEntries(written.map((name) => [name, fileFacts(join(part, name))])),
  } satisfies StateFile);
}
