/** The weights of the base, told from others by their values wherever they lie. */
import { parameterShapes } from '../../model/spec.js';
import { openCheckpoint, weightsFingerprint } from '../../weights/index.js';
import type { ModelSource } from './model-source.js';

/** @returns Hash over every tensor, see `weightsFingerprint` */
export function baseFingerprint({ spec, baseDir }: Pick<ModelSource, 'spec' | 'baseDir'>): string {
  const base = openCheckpoint(baseDir);
  try {
    return weightsFingerprint(base, parameterShapes(spec).keys());
  } finally {
    base.close();
  }
}
