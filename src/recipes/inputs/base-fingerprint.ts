/** What a base is, told from others by its architecture and the values of its weights, wherever they lie. */
import { storedShapes } from '../../model/index.js';
import type { DecoderSpec } from '../../model/spec.js';
import { EMBEDDING, LM_HEAD } from '../../model/spec-modules.js';
import { sha256 } from '../../util/files.js';
import { openCheckpoint, weightsFingerprint } from '../../weights/index.js';
import type { ModelSource } from './model-source.js';

/** Of the spec, what computes; how training weighs a loss tells no base from another. */
const architectureOf = (spec: DecoderSpec): string =>
  JSON.stringify(spec, (key, value) => (key === 'auxLossCoef' ? undefined : value));

/** @returns Hash over the architecture and every tensor, see `weightsFingerprint` */
export function baseFingerprint({ spec, baseDir }: Pick<ModelSource, 'spec' | 'baseDir'>): string {
  const base = openCheckpoint(baseDir);
  try {
    const names = storedShapes(spec, base).keys();
    const weights = weightsFingerprint(base, names, [EMBEDDING, LM_HEAD]);
    return sha256(architectureOf(spec), weights);
  } finally {
    base.close();
  }
}

/** Of all that makes a completion of a base what it is, beside what it is asked: also the tokens that end one. */
export const samplerFingerprint = (
  source: Pick<ModelSource, 'spec' | 'baseDir' | 'tokenizer'>,
): string => sha256(baseFingerprint(source), JSON.stringify(source.tokenizer.eosIds));
