/** Who holds the values of a tensor: tfjs an array on the host, or TensorFlow. */
import { expect, it } from 'vitest';
import {
  indicesOnDevice,
  ParameterVector,
  storedOnDevice,
  type Tensor,
  tf,
} from '../../../src/tensor/index.js';
import { indicesFrom, onDevice } from '../../../src/tensor/on-device.js';
import { fromFloat32, toFloat32 } from '../../../src/weights/index.js';
import { kept } from '../../support/kept.js';

interface TfjsBackend {
  readonly tensorMap: {
    readonly get: (id: object) => { readonly values: Float32Array | null; readonly id: number };
  };
}

/** What tfjs keeps on the host for a tensor, and whether TensorFlow has it. */
function holders(tensor: Tensor) {
  const { tensorMap } = tf.backend() as unknown as TfjsBackend;
  const { values, id } = tensorMap.get(tensor.dataId);
  return { onHost: values !== null, inTensorflow: id >= 0 };
}

const VALUES = [1, -2, 3.5, 0, 5, 6];

it('tfjs keeps what no operation has taken, and nothing of a tensor on the device', async () => {
  const plain = kept(tf.tensor(VALUES, [2, 3]));
  const own = kept(onDevice(Float32Array.from(VALUES), [2, 3]));
  expect(holders(plain)).toEqual({ onHost: true, inTensorflow: false });
  expect(holders(own)).toEqual({ onHost: false, inTensorflow: true });
  expect(await own.array()).toEqual([
    [1, -2, 3.5],
    [0, 5, 6],
  ]);
});

it('a vector of parameters is on the device from the beginning, and when it takes others', () => {
  const vector = kept(
    new ParameterVector([{ name: 'w', shape: [6] }], [Float32Array.from(VALUES)]),
  );
  expect(holders(vector.values).onHost).toBe(false);
  vector.assign(Float32Array.from(VALUES));
  expect(holders(vector.values).onHost).toBe(false);
});

it.each([
  { dtype: 'float32', shape: [2, 3] },
  { dtype: 'float16', shape: [2, 3] },
  { dtype: 'bfloat16', shape: [2, 3] },
  { dtype: 'float16', shape: [1, 5] },
  { dtype: 'bfloat16', shape: [1, 5] },
] as const)('stored values of $dtype $shape have the same bits', async ({ dtype, shape }) => {
  // Beside plain ones the smallest of both types, an infinity and a zero with a sign.
  const values = [1 + 2 ** -7, -(2 ** -24), 2 ** -133, -0, Number.NEGATIVE_INFINITY, 65504];
  const stored = fromFloat32(Float32Array.from(values.slice(0, shape[0] * shape[1])), shape, dtype);
  // Somewhere in a larger buffer, as in one that a file was read into.
  const shifted = new Uint8Array([7, 7, ...stored.bytes]).subarray(2);
  for (const bytes of [stored.bytes, shifted]) {
    const tensor = kept(storedOnDevice({ ...stored, bytes }));
    expect(tensor.shape).toEqual(shape);
    expect(new Uint32Array((await tensor.data()).buffer)).toEqual(
      new Uint32Array(toFloat32(stored).buffer),
    );
  }
});

it('indices of the host are int32 tensors that TensorFlow alone holds', async () => {
  const indices = kept(indicesOnDevice(Int32Array.of(7, 0, 1, -1, 2 ** 24 + 1).subarray(1)));
  expect(indices.dtype).toBe('int32');
  expect(holders(indices)).toEqual({ onHost: false, inTensorflow: true });
  expect(await indices.array()).toEqual([0, 1, -1, 2 ** 24 + 1]);
  const [part, all] = [kept(indicesFrom(indices, 1, 3)), kept(indicesFrom(indices, 0, 4))];
  expect(part.dtype).toBe('int32');
  expect(await part.array()).toEqual([1, -1, 2 ** 24 + 1]);
  expect(await all.array()).toEqual(await indices.array());
});
