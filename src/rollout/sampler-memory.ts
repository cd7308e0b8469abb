/** What samplers on the CPU take of memory, computed from the architecture before anything is loaded. */
import type { DecoderSpec } from '../model/spec.js';
import { parameterShapes, wideWeights } from '../model/spec-modules.js';
import { sum } from '../util/numbers.js';
import { elementCount } from '../util/shape.js';
import type { HostDtype } from '../weights/index.js';
import { cacheBytesPerRow, cacheBytesPerToken, MAX_CACHE_BYTES } from './engine/cache-bytes.js';
import { type NativePrecision, packedShape } from './graph/native-layout.js';

export interface SamplerSize {
  readonly spec: DecoderSpec;
  /** Of our own operators; null: ONNX Runtime's, in float32. */
  readonly precision: NativePrecision | null;
  /** Types of the weights: of linear modules and experts, and of the rest. */
  readonly stored: { readonly linear: HostDtype; readonly rest: HostDtype };
  /** Most completions at work at once. */
  readonly rows: number;
  /** Longest prompt and completion, tokens. */
  readonly context: number;
  /** Parameters of the adapter, which are inputs of the graph; those of experts as they are packed. */
  readonly adapter: number;
  /** Its weights are loaded anew as they are trained; samplers hold those of different steps. */
  readonly isReloaded: boolean;
  /** Linear modules are packed out of a mapped checkpoint, whose pages stay with the process. */
  readonly isMapped: boolean;
}

const FLOAT = 4;

/** Ranks of experts are padded to whole blocks of their own: by how much they are more. */
export const packedRank = (r: number): number =>
  packedShape('float32', { n: r, k: 1, isPaired: false })[0] / r;

/** Bytes that a weight takes as products read it. */
function packedBytes(precision: NativePrecision, stored: HostDtype): number {
  if (precision === 'float32') return stored === 'bfloat16' ? 2 : FLOAT;
  return precision === 'bfloat16' ? 2 : 1;
}

const numberBytes = (type: HostDtype): number => (type === 'float32' ? FLOAT : 2);

function weightBytes({ spec, precision, stored, isMapped }: SamplerSize): number {
  const shapes = parameterShapes(spec);
  const wide = sum(wideWeights(spec).map((name) => elementCount(shapes.get(name)!)));
  const vocabulary = spec.vocabSize * spec.hiddenSize;
  if (precision === null) return FLOAT * (wide + 2 * vocabulary);
  const packed = precision === 'int4_weight_only' ? 0.5 : packedBytes(precision, stored.linear);
  const each = packed + (isMapped ? numberBytes(stored.linear) : 0);
  // The embedding stays as it is stored; the head is a copy of it, or another matrix.
  const ends = packedBytes(precision, stored.rest) + numberBytes(stored.rest);
  return each * wide + ends * vocabulary;
}

/** The adapter, what is kept of rows' past in a call, and logits with their softmax. */
function callBytes({ spec, precision, rows, context, adapter }: SamplerSize): number {
  const native = precision === null ? null : { precision, threads: 1 };
  const perToken = cacheBytesPerToken(spec, { native, type: 'float32' });
  const cache = Math.min(rows * (context * perToken + cacheBytesPerRow(spec)), MAX_CACHE_BYTES);
  return FLOAT * adapter + cache + 2 * FLOAT * rows * spec.vocabSize;
}

/** Of samplers of one base in one process: our own operators share equal weights of those in one precision. */
export function memoryOfSamplers(sizes: readonly SamplerSize[]): number {
  const keyOf = (size: SamplerSize) => (size.isReloaded ? size : (size.precision ?? size));
  const weights = new Map(sizes.map((size) => [keyOf(size), weightBytes(size)]));
  return sum([...weights.values(), ...sizes.map(callBytes)]);
}
