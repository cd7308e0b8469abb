/** What a memory plan is asked of. */
import type { Quantization } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';

/** Bytes of a float32. */
export const FLOAT = 4;

export interface OptimizerMoments {
  readonly count: number;
  readonly bits: 32 | 8;
}

export interface MemoryQuestion {
  readonly spec: DecoderSpec;
  /** Trained parameters. */
  readonly trained: number;
  /** Those of them that are LoRA on experts; default: 0. */
  readonly expertLora?: number;
  /** All parameters are trained: there are no frozen weights beside them. */
  readonly isFull: boolean;
  /** Bytes of an element of frozen matrices and activations: 2 or 4. */
  readonly elementBytes: 2 | 4;
  /** A frozen copy of the adapter's start is kept as the reference. */
  readonly keepsReference?: boolean;
  /** Modules of LoRA have scales of their own, as by `rank_pattern`. */
  readonly hasOwnScales?: boolean;
  /** Of the optimizer, and the bits of each between steps; default: AdamW's two whole ones. */
  readonly moments?: OptimizerMoments;
  /** Vectors that the optimizer holds beside its moments: a mask of decay, rates; default: 0. */
  readonly perParameter?: number;
  /** Bytes of what samples in the same process while the model trains; default: 0. */
  readonly samplers?: number;
  /** Of linear modules of the base; null or absent: they are kept as they are computed with. */
  readonly quantization?: Quantization | null;
  /** Layers with hand-written gradients, which plain LoRA has. */
  readonly isFused: boolean;
  /** By our own operations. */
  readonly isNative: boolean;
  readonly isOnGpu: boolean;
  /** Tokens of a micro-batch, its longest sequence, and the tokens that count in the loss. */
  readonly tokens: number;
  readonly longest: number;
  readonly predicted: number;
  readonly checkpointedLayers: number;
}
