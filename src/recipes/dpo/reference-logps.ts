/**
 * Log-probabilities of the reference policy, computed once and kept in the run folder, also those that a stopped
 * run has got to, so that a resumed run does not compute them again. A hash of what they depend on tells whether
 * they still fit.
 */
import { existsSync } from 'node:fs';
import type { ComputeType } from '../../tensor/index.js';
import type { PreferencePair, ScoredPairs } from '../../train/index.js';
import { readJson, sha256Of, writeJson } from '../../util/files.js';
import { adapterHash } from '../../weights/index.js';
import type { ModelSource } from '../inputs/model-source.js';

interface LogpsFile {
  readonly hash: string;
  /** Σ log p of the chosen and the rejected answer of each pair, weighed by `ld_alpha`; null: not computed yet. */
  readonly logps: readonly (readonly [number, number] | null)[];
}

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
  /** Computes what `scored` lacks, into it; what it has got to when it throws is kept. */
  readonly score: (scored: ScoredPairs) => Promise<readonly PreferencePair[]>;
}

/** What the log-probabilities depend on; all pairs as JSON, piece by piece: they are longer than one text can be. */
function* dependsOn(
  pairs: readonly PreferencePair[],
  { base, source, compute, reference, ldAlpha = null }: Omit<KeptOptions, 'score'>,
): Generator<string> {
  const { adapter, quantization } = source;
  yield JSON.stringify({
    ...{ base, quantization, adapter: adapterHash(adapter) },
    ...{ compute, reference, ldAlpha },
  });
  yield '[';
  for (const [i, { chosen, rejected }] of pairs.entries()) {
    yield `${i === 0 ? '' : ','}${JSON.stringify([chosen, rejected])}`;
  }
  yield ']';
}

function isLogpsFile(value: unknown): value is LogpsFile {
  const file = (value ?? {}) as Partial<LogpsFile>;
  return typeof file.hash === 'string' && Array.isArray(file.logps);
}

/** What the file holds of these pairs. */
function readKept(pairs: readonly PreferencePair[], path: string, hash: string): ScoredPairs {
  const scored: ScoredPairs = new Map();
  const file = existsSync(path) ? readJson(path) : null;
  if (!isLogpsFile(file) || file.hash !== hash || file.logps.length !== pairs.length) return scored;
  for (const [i, pair] of pairs.entries()) {
    const [chosen, rejected] = file.logps[i] ?? [];
    if (chosen === undefined || rejected === undefined) continue;
    scored.set(pair, { ...pair, reference: { chosen, rejected } });
  }
  return scored;
}

/**
 * @param path File that holds them, or will.
 * @returns The pairs with their reference, and of how many the file had it.
 */
export async function keptReference(
  pairs: readonly PreferencePair[],
  path: string,
  options: KeptOptions,
): Promise<{ readonly pairs: readonly PreferencePair[]; readonly kept: number }> {
  const hash = sha256Of(dependsOn(pairs, options));
  const scored = readKept(pairs, path, hash);
  const kept = scored.size;
  try {
    return { pairs: await options.score(scored), kept };
  } finally {
    if (scored.size > kept) {
      const logps = pairs.map((pair) => {
        const { reference = null } = scored.get(pair) ?? {};
        return reference && [reference.chosen, reference.rejected];
      });
      writeJson(path, { hash, logps });
    }
  }
}
