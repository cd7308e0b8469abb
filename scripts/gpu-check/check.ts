/** What every part of the check is told. */
import type { DeviceChoice } from '../../src/tensor/gpu.js';
import type { Parts } from './parts.js';

export interface Check {
  readonly parts: Parts;
  /** Folder of everything that is written. */
  readonly output: string;
  readonly device: DeviceChoice;
  readonly rolloutDevice: 'cpu' | 'cuda';
  /** A Python with the peers. */
  readonly python: string | null;
  /** Measured steps of a benchmark. */
  readonly steps: number;
}
