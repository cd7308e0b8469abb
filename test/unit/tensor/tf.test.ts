import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { attr, executeOp } from '../../../src/tensor/execute.js';
import { locateRuntime } from '../../../src/tensor/runtime.js';
import { configureTensorflow, deviceInfo, type Tensor, tf } from '../../../src/tensor/tf.js';

const runtime = locateRuntime('cpu');

describe.skipIf(runtime === null)('with TensorFlow set up', () => {
  test('settings count until TensorFlow is loaded, later only the same ones are taken', () => {
    configureTensorflow({ device: 'cpu', threads: 1 });
    expect(deviceInfo()).toMatchObject({ device: 'cpu', threads: 1, computeDtype: 'float32' });
    expect(process.env.TF_NUM_INTRAOP_THREADS).toBe('1');
    expect(() => configureTensorflow({ threads: 1 })).not.toThrow();
    expect(() => configureTensorflow({ threads: 2 })).toThrow('TensorFlow is already loaded');
  });

  test('an operation that tfjs has no function for runs by name', () => {
    // Index of the first sorted value >= x: 2 lies at 1, 3.5 after 3, at 3.
    const result = executeOp(
      'LowerBound',
      [attr.type('T', 'float32'), attr.type('out_type', 'int32')],
      [tf.tensor2d([[1, 2, 3]]), tf.tensor2d([[2, 3.5]])],
    );
    expect(result.dtype).toBe('int32');
    expect(result.dataSync()).toEqual(Int32Array.of(1, 3));
  });

  test('an operation with several outputs gives all of them', () => {
    const x = tf.tensor1d([1, 2, 3, 4, 5, 6]);
    const attrs = [attr.int('num_split', 3), attr.type('T', 'float32')];
    const parts = executeOp('Split', attrs, [tf.scalar(0, 'int32'), x], 3);
    expect(parts.map((part) => Array.from(part.dataSync()))).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });

  const cast = (x: Tensor, from: 'float32' | 'bfloat16', to: 'float32' | 'bfloat16') =>
    executeOp('Cast', [attr.type('SrcT', from), attr.type('DstT', to)], [x]);

  test('bfloat16 results can be passed on and cast back, and leave no tensor behind', () => {
    const before = tf.memory().numTensors;
    // bfloat16 keeps 8 bits of the significand: 257 = 1.00000001b · 2^8 rounds to even, 256.
    const back = tf.tidy(() => {
      const half = cast(tf.tensor1d([1, 257, -0.5]), 'float32', 'bfloat16');
      const sum = executeOp('AddV2', [attr.type('T', 'bfloat16')], [half, half]);
      return cast(sum, 'bfloat16', 'float32').dataSync();
    });
    expect(back).toEqual(Float32Array.of(2, 512, -1));
    expect(tf.memory().numTensors).toBe(before);
  });

  test("TensorFlow's message comes through when an operation refuses its inputs", () => {
    const product = (columns: number) =>
      executeOp('MatMul', [attr.type('T', 'float32')], [tf.ones([1, 2]), tf.ones([columns, 1])]);
    expect(product(2).dataSync()).toEqual(Float32Array.of(2));
    expect(() => product(3)).toThrow('Matrix size-incompatible: In[0]: [1,2], In[1]: [3,1]');
  });
});

/** Evaluates code against the sources in a process of its own. */
function runFresh(code: string, env: Readonly<Record<string, string>>) {
  const tfFile = fileURLToPath(new URL('../../../src/tensor/tf.ts', import.meta.url));
  const script = `import { configureTensorflow, deviceInfo, tf } from ${JSON.stringify(tfFile)};\n${code}`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
  });
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}

test('without set-up the import succeeds and the first use says what to run', () => {
  const env = { LORIKEET_CACHE: '/nonexistent/lorikeet' };
  const code = "console.log('imported'); try { tf.scalar(1) } catch (e) { console.log(e.message) }";
  expect(runFresh(code, env).stdout).toBe(
    'imported\nTensorFlow is not set up (device=auto). Run `npx lorikeet setup`\n',
  );
  const cpu = `configureTensorflow({ device: 'cpu' }); ${code}`;
  expect(runFresh(cpu, env).stdout).toContain('(device=cpu). Run `npx lorikeet setup device=cpu`');
});

test('device=cuda without a GPU fails before anything is loaded', () => {
  const code =
    "try { configureTensorflow({ device: 'cuda' }); tf.scalar(1) } catch (e) { console.log(e.message) }";
  const { stdout } = runFresh(code, { CUDA_VISIBLE_DEVICES: '' });
  expect(stdout).toContain('device=cuda: no NVIDIA GPU is visible to this process');
});

test.skipIf(runtime?.source !== 'wheel')(
  'nothing is written to standard error while loading',
  () => {
    const { status, stdout, stderr } = runFresh('console.log(tf.scalar(3).dataSync()[0])', {});
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '3\n', stderr: '' });
    const loud = runFresh('configureTensorflow({ verbose: true }); tf.scalar(3)', {
      TF_CPP_MIN_LOG_LEVEL: '0',
    });
    expect(loud.status).toBe(0);
    expect(loud.stderr).not.toBe('');
  },
);
