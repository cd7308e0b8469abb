/** Runs any TensorFlow operation by name, also those that tfjs has no function for. */
import { type Tensor, type TensorInfo, tf } from './tf.js';

/** Numbers of TensorFlow's `TF_DataType` (its public C header). */
const DTYPES = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  float16: 19,
} as const;

/** Element types an operation's attribute can name. */
export type OpDtype = keyof typeof DTYPES;

/** One attribute of an operation, made by `attr`. */
export interface OpAttr {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

// The `type` numbers are those of TensorFlow's `TF_AttrType`.
/** Attribute constructors, e.g. `attr.type('T', 'float32')`, `attr.int('axis', 1)`. */
export const attr = {
  string: (name: string, value: string): OpAttr => ({ name, type: 0, value }),
  int: (name: string, value: number | readonly number[]): OpAttr => ({ name, type: 1, value }),
  float: (name: string, value: number | readonly number[]): OpAttr => ({ name, type: 2, value }),
  bool: (name: string, value: boolean): OpAttr => ({ name, type: 3, value }),
  type: (name: string, dtype: OpDtype): OpAttr => ({ name, type: 4, value: DTYPES[dtype] }),
  shape: (name: string, value: readonly number[]): OpAttr => ({ name, type: 5, value }),
} as const;

interface NativeBackend {
  executeMultipleOutputs(
    name: string,
    attrs: readonly OpAttr[],
    inputs: readonly TensorInfo[],
    outputs: number,
  ): Tensor[];
}

/**
 * Runs one operation eagerly. No gradient is recorded: wrap it in `tf.customGrad` where one is needed.
 * @param outputs number of outputs; when given, the result is an array of that length.
 * @throws Error with TensorFlow's message when the operation refuses its inputs.
 */
export function executeOp(
  name: string,
  attrs: readonly OpAttr[],
  inputs: readonly TensorInfo[],
): Tensor;
export function executeOp(
  name: string,
  attrs: readonly OpAttr[],
  inputs: readonly TensorInfo[],
  outputs: number,
): Tensor[];
export function executeOp(
  name: string,
  attrs: readonly OpAttr[],
  inputs: readonly TensorInfo[],
  outputs?: number,
): Tensor | Tensor[] {
  const backend = tf.backend() as unknown as NativeBackend;
  const result = backend.executeMultipleOutputs(name, attrs, inputs, outputs ?? 1);
  return outputs === undefined ? (result[0] as Tensor) : result;
}

/** The same values in another type. No gradient is recorded. */
export const cast = (x: TensorInfo, from: OpDtype, to: OpDtype): Tensor =>
  executeOp(
    'Cast',
    [attr.type('SrcT', from), attr.type('DstT', to), attr.bool('Truncate', false)],
    [x],
  );
