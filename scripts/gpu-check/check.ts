/** What every part of the check is told. */
import type { Parts } from './parts.js';

export interface Check {
  readonly parts: Parts;
  /** Folder of everything that is written. */
  readonly output: string;
  /** For training and for rollouts; programs see one card only. */
  readonly device: 'cpu' | 'cuda';
  /** Measured steps of a benchmark. */
  readonly steps: number;
}
