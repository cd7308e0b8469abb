/** `run.json`: what a run was, on what it ran, and how long each phase took. */
import { sha256 } from '../../util/files.js';
import { describeMachine } from '../../util/machine.js';
import { ownVersion } from '../../util/package-version.js';

export type RunStatus = 'running' | 'done' | 'failed' | 'interrupted';

/** Something that a run has read: as it was named, and what that stood for on the hub. */
export interface ReadSource {
  readonly kind: 'model' | 'dataset';
  readonly name: string;
  /** Of a data set. */
  readonly split?: string;
  /** Branch, tag or commit that was asked for. */
  readonly revision: string | null;
  /** Commit on the hub; null for what is not from there. */
  readonly commit: string | null;
  /** Of a data set's files, or of the files of a model's tokenizer. */
  readonly sha256?: string;
}

/** Keys are those of the file. */
export interface RunRecord {
  readonly run_id: string;
  readonly command: string;
  readonly stage: string | null;
  readonly status: RunStatus;
  /** ISO 8601, UTC. */
  readonly started_at: string;
  readonly finished_at: string | null;
  /** Message of the error that ended the run; null where none did. */
  readonly error?: string | null;
  /** Wall seconds by phase name, summed over resumes. */
  readonly phases: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string | number>>;
  readonly device: string | null;
  /** How the base was kept in 4 bits, e.g. `nf4`; absent: it was not. */
  readonly quantization?: string;
  readonly seeds: Readonly<Record<string, number>>;
  readonly config_hash: string;
  /** The resolved config, as in config.yaml. */
  readonly config: unknown;
  /** Models and data sets that were read. */
  readonly sources?: readonly ReadSource[];
  /** Final numbers, for comparisons. */
  readonly results: Readonly<Record<string, number | string | null>>;
  readonly resumes: readonly { readonly at: string; readonly config_hash: string }[];
  /** Alarms that sounded, by step. */
  readonly alarms?: readonly Readonly<Record<string, string | number>>[];
  /** Files of the run beside the fixed ones, relative to its folder. */
  readonly files: readonly string[];
}

/** First eight hex digits of the SHA-256 of the resolved config's text. */
export const configHash = (configText: string): string => sha256(configText).slice(0, 8);

/**
 * UTC stamp and config hash.
 * @example makeRunId(text, new Date('2026-01-02T03:04:05.678Z')) // '20260102T030405Z-1a2b3c4d'
 */
export function makeRunId(configText: string, now: Date = new Date()): string {
  return `${stampOf(now)}-${configHash(configText)}`;
}

/** @example stampOf(new Date('2026-01-02T03:04:05.678Z')) // '20260102T030405Z' */
export const stampOf = (now: Date): string => now.toISOString().replace(/[-:]|\.\d+/g, '');

export function machineFacts(): Record<string, string | number> {
  const { cpu, cores, memory } = describeMachine();
  const platform = `${process.platform}-${process.arch}`;
  return { platform, cpu, cores, memory_gib: Math.round(memory / 2 ** 30) };
}

/** Versions of Lorikeet and Node; the caller adds those of the native runtimes. */
export function baseVersions(): Record<string, string> {
  return { lorikeet: ownVersion(), node: process.versions.node };
}
