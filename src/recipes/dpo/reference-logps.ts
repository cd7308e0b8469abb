/**
 * Log-probabilities of the reference policy, computed once and kept in the run folder, so that a resumed run
 * does not compute them again. A hash of what they depend on tells whether they still fit.
 */
import { existsSync } from 'node:fs';
import type { ComputeType } from '../../tensor/index.js';
import type { PreferencePair } from '../../train/index.js';
import { readJson, sha256, writeJson } from '../../util/files.js';
import { adapterHash } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';

interface LogpsFile {
  readonly hash: string;
  /** Σ log p of the chosen and the rejected answer of each pair, weighed by `ld_alpha`. */
  readonly logps: readonly (readonly [number, number])[];
}

type ScoredPair = PreferencePair & Required<Pick<PreferencePair, 'reference'>>;

interface KeptOptions {
  /** Fingerprint of the base. */
  readonly base: string;
  readonly source: Pick<ModelSource, 'adapter' | 'quantization'>;
  /** What the policy computes in. */
  readonly compute: ComputeType;
  /** Which policy is the reference. */
  readonly reference: string;
  /** α of LD-DPO; null, the default: plain sums. */
  readonly ldAlpha?: number | null;
  readonly score: () => Promise<readonly PreferencePair[]>;
}

/** What the log-probabilities depend on. */
function hashOf(pairs: readonly PreferencePair[], options: Omit<KeptOptions, 'score'>): string {
  const { base, source, compute, reference, ldAlpha = null } = options;
  const { adapter, quantization } = source;
  return sha256(
    JSON.stringify({
      ...{ base, quantization, adapter: adapter && adapterHash(adapter) },
      ...{ compute, reference, ldAlpha },
    }),
    JSON.stringify(pairs.map(({ chosen, rejected }) => [chosen, rejected])),
  );
}

function isLogpsFile(value: unknown): value is LogpsFile {
  const file = (value ?? {}) as Partial<LogpsFile>;
  return typeof file.hash === 'string' && Array.isArray(file.logps);
}

/**
 * @param path File that holds them, or will.
 * @param score Computes them, where the file does not fit.
 * @returns The pairs with their reference, and whether the file had it.
 */
export async function keptReference(
  pairs: readonly PreferencePair[],
  path: string,
  options: KeptOptions,
): Promise<{ readonly pairs: readonly PreferencePair[]; readonly wasKept: boolean }> {
  const hash = hashOf(pairs, options);
  const kept = existsSync(path) ? readJson(path) : null;
  if (isLogpsFile(kept) && kept.hash === hash && kept.logps.length === pairs.length) {
    const known = pairs.map((pair, i) => {
      const [chosen, rejected] = kept.logps[i]!;
      return { ...pair, reference: { chosen, rejected } };
    });
    return { pairs: known, wasKept: true };
  }
  const scored = (await options.score()) as readonly ScoredPair[];
  const logps = scored.map(({ reference }) => [reference.chosen, reference.rejected]);
  writeJson(path, { hash, logps });
  return { pairs: scored, wasKept: false };
}
