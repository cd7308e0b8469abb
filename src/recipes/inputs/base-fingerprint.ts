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
