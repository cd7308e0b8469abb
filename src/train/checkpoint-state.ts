/**
 * What a checkpoint holds, so that training goes on exactly: the trained parameters under their names, the
 * optimizer's moments, the reference policy where it moves, and `trainer_state.json`; the manifest in it lists
 * every file with its size and SHA-256.
 */
import { statSync } from 'node:fs';
import type { OptimizerState } from '../tensor/index.js';
import { sha256OfFile } from '../util/files.js';
import type { EvaluatedStep } from './evaluations.js';

export const CHECKPOINT_FILES = {
  parameters: 'parameters.safetensors',
  optimizer: 'optimizer.safetensors',
  reference: 'reference.safetensors',
  state: 'trainer_state.json',
} as const;

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
  /** The metric that they hold. */
  readonly metric: string;
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

interface FileFacts {
  readonly size: number;
  readonly sha256: string;
}

/** `trainer_state.json` */
export interface StateFile {
  readonly step: number;
  readonly tokens: number;
  readonly optimizer_step: number;
  readonly fingerprint: Fingerprint;
  readonly evaluations: readonly EvaluatedStep[];
  readonly metric_for_best_model: string;
  readonly files: Readonly<Record<string, FileFacts>>;
}

export const fileFacts = (path: string): FileFacts => ({
  size: statSync(path).size,
  sha256: sha256OfFile(path),
});

export function isStateFile(value: unknown): value is StateFile {
  const state = (value ?? {}) as Record<string, unknown>;
  const numbers = [state.step, state.tokens, state.optimizer_step];
  const { parameters, base } = (state.fingerprint ?? {}) as Partial<Fingerprint>;
  const files = Object.values((state.files ?? {}) as Record<string, { sha256?: unknown }>);
  return (
    numbers.every((number) => typeof number === 'number') &&
    typeof parameters === 'string' &&
    typeof base === 'string' &&
    Array.isArray(state.evaluations) &&
    typeof state.metric_for_best_model === 'string' &&
    files.length > 0 &&
    files.every((file) => typeof file?.sha256 === 'string')
  );
}
