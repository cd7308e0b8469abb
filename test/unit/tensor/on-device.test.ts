/** Who holds the values of a tensor: tfjs an array on the host, or TensorFlow. */
import { afterEach, expect, it } from 'vitest';
import { onDevice, ParameterVector, type Tensor, tf } from '../../../src/tensor/index.js';

const made: { dispose(): void }[] = [];
afterEach(() => {
  for (const each of made.splice(0)) each.dispose();
});

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
  const plain = tf.tensor(VALUES, [2, 3]);
  const own = onDevice(Float32Array.from(VALUES), [2, 3]);
  made.push(plain, own);
  expect(holders(plain)).toEqual({ onHost: true, inTensorflow: false });
  expect(holders(own)).toEqual({ onHost: false, inTensorflow: true });
  expect(await own.array()).toEqual([
    [1, -2, 3.5],
    [0, 5, 6],
  ]);
});

it('a vector of parameters is on the device from the beginning, and when it takes others', () => {
  const vector = new ParameterVector([{ name: 'w', shape: [6] }], [Float32Array.from(VALUES)]);
  made.push(vector);
  expect(holders(vector.values).onHost).toBe(false);
  vector.assign(Float32Array.from(VALUES));
  expect(holders(vector.values).onHost).toBe(false);
});
