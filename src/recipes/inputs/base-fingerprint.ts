/** What a base is, told from others by its architecture and the values of its weights, wherever they lie. */
import { parameterShapes } from '../../model/spec.js';
import { sha256 } from '../../util/files.js';
import { openCheckpoint, weightsFingerprint } from '../../weights/index.js';
import type { ModelSource } from './model-source.js';

/** @returns Hash over the spec and every tensor, see `weightsFingerprint` */
export function baseFingerprint({ spec, baseDir }: Pick<ModelSource, 'spec' | 'baseDir'>): string {
  const base = openCheckpoint(baseDir);
  try {
    return sha256(JSON.stringify(spec), weightsFingerprint(base, parameterShapes(spec).keys()));
  } finally {
    base.close();
  }
}

/** Of all that makes a completion of a base what it is, beside what it is asked: also the tokens that end one. */
export const samplerFingerprint = (
  source: Pick<ModelSource, 'spec' | 'baseDir' | 'tokenizer'>,
): string => sha256(baseFingerprint(source), JSON.stringify(source.tokenizer.eosIds));
