/** What is said when memory or a card gives out, by the words of ONNX Runtime, CUDA, C++ and V8. */
import { describe, expect, it, test } from 'vitest';
import { GraphBuilder } from '../../../../src/rollout/onnx/graph-builder.js';
import { encodeGraph } from '../../../../src/rollout/onnx/model-files.js';
import { explained } from '../../../../src/rollout/ort/explained.js';
import { OrtSession } from '../../../../src/rollout/ort/session.js';
import { tensorOver } from '../../../../src/rollout/ort/tensor.js';
import { RunError } from '../../../../src/util/errors.js';
import { thrownBy } from '../../../support/failures.js';

test.each([
  [
    'Run: Non-zero status code returned while running Gemm node. /ort/bfc_arena.cc:376 Available memory of 0 is smaller than requested bytes of 1024',
    /^rollouts: memory ran out \(smaller than requested bytes of 1024\)[.] Lower the batch/,
  ],
  [
    'CUDA failure 2: out of memory ; GPU=0 ; hostname=h ; file=/ort/cuda_allocator.cc ; expr=cudaMalloc((void**)&p, size);',
    /^rollouts: memory ran out \(out of memory\)[.] .*rollout_memory_limit/,
  ],
  ['CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED', /^rollouts: memory ran out/],
  ['std::bad_alloc', /^rollouts: memory ran out/],
  [
    'CUDA failure 209: no kernel image is available for execution on the device ; GPU=0',
    /^rollouts: the card or its driver does not run this build of CUDA/,
  ],
  [
    'Run: CUDA failure 700: an illegal memory access was encountered ; GPU=0 ; hostname=h',
    /^rollouts: the device failed \(CUDA failure 700: an illegal memory access was encountered\)[.] /,
  ],
  ['the GPU device was lost', /^rollouts: the device failed \(device was lost\)/],
])('%s', (said, expected) => {
  const cause = new Error(said);
  const error = explained(cause);
  expect(error).toBeInstanceOf(RunError);
  expect((error as RunError).message).toMatch(expected);
  expect((error as RunError).cause).toBe(cause);
});

test('another failure stays what it is', () => {
  const other = new Error('Run: Got invalid dimensions for input: x');
  expect(explained(other)).toBe(other);
});

describe('what really runs out', () => {
  it('is explained when ONNX Runtime has no memory for a result', async () => {
    const graph = new GraphBuilder();
    graph.input('shape', 'int64', [2]);
    const one = graph.constant('one', Float32Array.of(1), []);
    const large = graph.node('Expand', [one, 'shape']);
    graph.node('ReduceMax', [large], { attributes: { keepdims: 0 }, outputs: ['y'] });
    graph.output('y', 'float32', []);
    const session = OrtSession.create(encodeGraph(graph.build('too large')), { threads: 1 });
    const binding = session.createBinding();
    // 2 ** 52 bytes, more than an address space holds.
    binding.bindInput('shape', tensorOver(BigInt64Array.of(1n << 25n, 1n << 25n), [2]));
    binding.bindOutput('y', tensorOver(new Float32Array(1), []));
    await expect(session.run(binding)).rejects.toThrow(/^rollouts: memory ran out/);
    binding.dispose();
    session.dispose();
  });

  it('is explained when JavaScript has none', () => {
    const failure = thrownBy(RangeError, () => new Float32Array(2 ** 52));
    expect(explained(failure)).toMatchObject({ name: 'RunError', cause: failure });
  });
});
