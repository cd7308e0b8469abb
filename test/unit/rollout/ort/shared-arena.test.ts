/** A limit of memory bounds the sessions together: on the CPU provider, whose arena is the same code as that of CUDA. */
import { expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/rollout/onnx/graph-builder.js';
import { encodeGraph } from '../../../../src/rollout/onnx/model-files.js';
import { OrtSession } from '../../../../src/rollout/ort/session.js';
import { SharedArena } from '../../../../src/rollout/ort/shared-arena.js';
import { tensorOver } from '../../../../src/rollout/ort/tensor.js';
import { goldenCase } from '../../../support/golden-rollouts.js';
import { goldenSampler } from '../../../support/golden-sampler.js';
import { kept } from '../../../support/kept.js';

const MIB = 2 ** 20;

/** max(x + w) over so many MiB, which the sum takes while it runs; what it took stays in the arena. */
async function runs(mib: number, memoryLimit?: number): Promise<number> {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', [1]);
  const data = new Float32Array((mib * MIB) / 4).fill(mib);
  const write = (target: Uint8Array) => target.set(new Uint8Array(data.buffer));
  graph.weight('w', { type: 'float32', shape: [data.length], write });
  const sum = graph.node('Add', ['x', 'w']);
  graph.node('ReduceMax', [sum], { attributes: { keepdims: 0 }, outputs: ['y'] });
  graph.output('y', 'float32', []);
  const limit = memoryLimit === undefined ? {} : { memoryLimit };
  const files = encodeGraph(graph.build('sum'));
  const session = kept(OrtSession.create(files, { threads: 1, ...limit }));
  const binding = kept(session.createBinding());
  const y = new Float32Array(1);
  binding.bindInput('x', tensorOver(Float32Array.of(1), [1]));
  binding.bindOutput('y', tensorOver(y, []));
  await session.run(binding);
  return y[0]!;
}

it('bounds the sessions together, and not those without a limit', async () => {
  const memoryLimit = 5 * MIB;
  const arena = kept(new SharedArena('cpu', { memoryLimit }));
  expect(await runs(2, memoryLimit)).toBe(3);
  await expect(runs(4, memoryLimit)).rejects.toThrow(/^rollouts: memory ran out/);
  expect(await runs(4)).toBe(5);
  arena.dispose();
  kept(new SharedArena('cpu', { memoryLimit }));
  expect(await runs(4, memoryLimit)).toBe(5);
});

it('gives samplers with limits, one after the other, the numbers of one without', async () => {
  const golden = goldenCase('llama');
  const options = { loraModules: [], maxContext: 32 };
  const free = kept(await goldenSampler(golden, options));
  for (const memoryLimit of [64 * MIB, 32 * MIB]) {
    const limited = await goldenSampler(golden, { ...options, memoryLimit });
    expect(await limited.score(golden.prompts)).toEqual(await free.score(golden.prompts));
    limited.dispose();
  }
});
