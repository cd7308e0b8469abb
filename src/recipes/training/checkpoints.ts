/** Checkpoints of a training run: where they lie, which one it goes on from, and putting it in place. */
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { holdingRun, type RunFolder, runPaths } from '../../report/index.js';
import {
  type CheckpointState,
  type CheckpointStore,
  clearCheckpointParts,
  type Fingerprint,
  listCheckpoints,
  loadCheckpoint,
  removeLater,
  stepOf,
} from '../../train/index.js';
import { isAside } from '../../util/atomic-folder.js';
import { InputError } from '../../util/errors.js';
import { placeOf } from '../../util/file-place.js';
import { sha256 } from '../../util/files.js';
import { adapterHash } from '../../weights/index.js';
import { baseFingerprint } from '../inputs/base-fingerprint.js';
import type { ModelSource } from '../inputs/model-source.js';
import { startsByPissa } from './lora-plan.js';
import { checkMoments } from './optimization.js';
import type { TrainedPolicy } from './trained-policy.js';
import type { TrainerConfig } from './trainer-config.js';

interface StoreArgs {
  readonly config: Pick<TrainerConfig, 'save_total_limit' | 'seed'>;
  readonly source: ModelSource;
  readonly trained: TrainedPolicy;
}

/** @param dir Run folder. */
export function checkpointStore(
  dir: string,
  { config, source, trained }: StoreArgs,
): CheckpointStore {
  const { shapes } = trained.policy.parameters;
  const limit = config.save_total_limit;
  const fingerprint = fingerprintOf({ config, source, trained });
  return { dir: runPaths(resolve(dir)).checkpoints, shapes, fingerprint, limit };
}

function fingerprintOf({ config, source, trained }: StoreArgs): Fingerprint {
  const { quantization, adapter } = source;
  const { lora, parameters } = trained.policy;
  const scales = [...(lora?.targets.values() ?? [])].map(({ scale }) => scale);
  // The base that is left depends on how PiSSA began.
  const isPissa = startsByPissa(lora, adapter !== null);
  const start = isPissa ? [lora!.config.initLoraWeights, config.seed] : null;
  const form = [parameters.shapes, quantization, scales, start];
  return {
    parameters: sha256(JSON.stringify(form)),
    base: baseFingerprint(source),
    adapter: adapterHash(adapter),
  };
}

export interface FoundCheckpoint {
  readonly path: string;
  readonly state: CheckpointState;
}

/**
 * The checkpoint that `resume` (never, auto, or a path) names, read and checked; null for a fresh start.
 * What a killed run has moved aside takes its place first: it may be the latest, or the one that is named.
 * @throws InputError when another process has the run, or the checkpoint is half-written, damaged, or of another
 *   model or optimizer.
 */
export function findCheckpoint(
  store: CheckpointStore,
  config: Pick<TrainerConfig, 'resume' | 'optim'>,
): FoundCheckpoint | null {
  const { resume } = config;
  if (resume === 'never') return null;
  const named = resume === 'auto' ? null : resolve(resume);
  const dir = named !== null && isAside(named) ? dirname(placeOf(named)) : store.dir;
  if (existsSync(dir)) holdingRun(dirname(dir), () => clearCheckpointParts({ dir }));
  const path = named ?? listCheckpoints(dir).at(-1);
  if (path === undefined) return null;
  const state = loadCheckpoint(path, store);
  checkMoments(config, Object.keys(state.optimizer.moments));
  return { path, state };
}

interface RestoreArgs {
  readonly run: Pick<RunFolder, 'isResumed'>;
  readonly store: CheckpointStore;
  readonly checkpoint: FoundCheckpoint;
}

/** Parameters of a checkpoint as one vector. */
function flatParameters(
  { shapes }: CheckpointStore,
  values: CheckpointState['parameters'],
): Float32Array {
  const parts = shapes.map(({ name }) => values.get(name)!);
  const flat = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    flat.set(part, offset);
    offset += part.length;
  }
  return flat;
}

/** Which steps the run has a checkpoint of, or will have. @param savePeriod As in `LoopOptions` */
export function keptSteps(
  { dir }: Pick<CheckpointStore, 'dir'>,
  {
    startStep,
    savePeriod = 1,
  }: { readonly startStep: number; readonly savePeriod?: number | undefined },
): (step: number) => boolean {
  const stored = new Set(listCheckpoints(dir).map(stepOf));
  return (step) => (step > startStep ? step % savePeriod === 0 : stored.has(step));
}

/**
 * Puts the parameters of an earlier step of the run in place of the last ones.
 * @returns why not, where its checkpoint is gone or damaged; null where it is done
 */
export function takeBest(
  trained: TrainedPolicy,
  store: CheckpointStore,
  step: number,
): string | null {
  const path = listCheckpoints(store.dir).find((candidate) => stepOf(candidate) === step);
  if (path === undefined) return 'is gone';
  try {
    trained.policy.parameters.assign(flatParameters(store, loadCheckpoint(path, store).parameters));
    return null;
  } catch (error) {
    if (error instanceof InputError) return `cannot be read (${error.message})`;
    throw error;
  }
}

/** Loads a checkpoint into the policy and its optimizer; later ones of the same run are deleted. */
export function restore(trained: TrainedPolicy, { run, store, checkpoint }: RestoreArgs): void {
  const { state } = checkpoint;
  const { policy } = trained;
  policy.parameters.assign(flatParameters(store, state.parameters));
  if (state.reference !== null) policy.reference?.assign(flatParameters(store, state.reference));
  trained.trainer.optimizer.restore(state.optimizer);
  if (run.isResumed) removeLater(store, state.step);
}
