/** Token ids and numbers as the little-endian bytes that Tinker's messages hold, and back. */
import { RunError } from '../../util/errors.js';
import { DTYPE } from './proto.js';

/** What a loss reads beside the input, each `[T]`: a number for each predicted token. */
export interface LossInputs {
  readonly target_tokens: readonly number[];
  /** Of `cross_entropy`. */
  readonly weights?: readonly number[];
  /** Of `importance_sampling` and `ppo`: as sampled, 0 where nothing was. */
  readonly logprobs?: readonly number[];
  readonly advantages?: readonly number[];
}

/** One sequence. `input` are its tokens but for the last one; the targets are the tokens after each. */
export interface Datum {
  readonly input: readonly number[];
  readonly lossInputs: LossInputs;
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** The message `Datum`. */
export function datumMessage({ input, lossInputs }: Datum): object {
  return {
    modelInput: [{ encodedText: { tokens: bytesOf(Int32Array.from(input)) } }],
    lossFnInputs: Object.fromEntries(
      Object.entries(lossInputs)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, values]) => [
          name,
          tensor(values as readonly number[], name === 'target_tokens' ? 'int64' : 'float32'),
        ]),
    ),
  };
}

function tensor(values: readonly number[], dtype: 'int64' | 'float32'): object {
  const data = dtype === 'int64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  return { dense: bytesOf(data), dtype: DTYPE[dtype], shape: [values.length] };
}

/** A message's bytes stand anywhere in memory; arrays want them at the start of theirs. */
const aligned = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

export const int32s = (bytes: Uint8Array): number[] => [...new Int32Array(aligned(bytes))];
export const float32s = (bytes: Uint8Array): number[] => [...new Float32Array(aligned(bytes))];

export interface BatchedTensor {
  readonly data: Uint8Array;
  readonly offsets: Uint8Array;
  readonly dtype: number;
}

/** A ragged tensor by datum. `bfloat16` is the upper half of a `float32`. @throws RunError on another type */
export function perDatum({ data, offsets, dtype }: BatchedTensor): number[][] {
  const ends = [...new BigInt64Array(aligned(offsets))].map(Number);
  const read = READERS[dtype];
  if (read === undefined) {
    throw new RunError({ where: 'Tinker', problem: `its answer has numbers of type ${dtype}` });
  }
  return ends.slice(1).map((end, i) => read(data.subarray(ends[i], end)));
}

const READERS: Readonly<Record<number, (bytes: Uint8Array) => number[]>> = {
  [DTYPE.float32]: float32s,
  [DTYPE.int32]: int32s,
  [DTYPE.int64]: (bytes) => [...new BigInt64Array(aligned(bytes))].map(Number),
  [DTYPE.bfloat16]: (bytes) =>
    float32s(
      bytesOf(Uint32Array.from(new Uint16Array(aligned(bytes)), (half) => (half << 16) >>> 0)),
    ),
};
