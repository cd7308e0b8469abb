import {
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { GraphBuilder } from '../../../../src/rollout/onnx/graph-builder.js';
import { encodeGraph } from '../../../../src/rollout/onnx/model-files.js';
import { encodeModel } from '../../../../src/rollout/onnx/schema.js';
import { OrtSession } from '../../../../src/rollout/ort/session.js';
import { tensorOver } from '../../../../src/rollout/ort/tensor.js';
import { temporaryFolder } from '../../../support/temporary.js';

/** y = x Wᵀ with W [[1, 2, 0 …], [3, 4, 0 …], [5, 6, 0 …]]. */
function linear(columns = 2): GraphBuilder {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', ['T', columns]);
  const rows = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const matrix = new Float32Array(3 * columns);
  for (const [i, row] of rows.entries()) matrix.set(row, i * columns);
  graph.weight('w', {
    type: 'float32',
    shape: [3, columns],
    write: (target) => target.set(new Uint8Array(matrix.buffer)),
  });
  graph.node('Gemm', ['x', 'w'], { attributes: { transB: 1 }, outputs: ['y'] });
  graph.output('y', 'float32', ['T', 3]);
  return graph;
}

describe('encodeModel', () => {
  it('writes the wire format of the public schema', () => {
    const bytes = encodeModel({
      irVersion: 9,
      producerName: 'p',
      opsetImport: [{ domain: '', version: 18 }],
      graph: { name: 'g', node: [], initializer: [], input: [], output: [] },
    });
    // ir_version = 1: 08 09. producer_name = 2: 12 01 'p'. graph = 7: 3a 03 (name = 2: 12 01 'g').
    // opset_import = 8: 42 02 (version = 2: 10 12; the empty domain is the default and not written).
    const expected = '08091201703a0312016742021012';
    expect(Buffer.from(bytes).toString('hex')).toBe(expected);
  });
});

describe('GraphBuilder', () => {
  it('keeps names, shapes and the kinds of attributes', () => {
    const graph = new GraphBuilder();
    graph.input('x', 'int32', ['B', 4]);
    graph.node('Op', ['x', ''], {
      contrib: true,
      attributes: { epsilon: 1, axis: -1, mode: 'tanh', pads: [1, 2] },
    });
    const { model } = graph.build('test');
    const [node] = model.graph.node;
    expect(node).toMatchObject({
      input: ['x', ''],
      output: ['Op_0'],
      opType: 'Op',
      domain: 'com.microsoft',
    });
    expect(node?.attribute).toEqual([
      { name: 'epsilon', type: 1, f: 1 },
      { name: 'axis', type: 2, i: -1 },
      { name: 'mode', type: 3, s: new TextEncoder().encode('tanh') },
      { name: 'pads', type: 7, ints: [1, 2] },
    ]);
    expect(model.graph.input[0]?.type.tensorType).toEqual({
      elemType: 6,
      shape: { dim: [{ dimParam: 'B' }, { dimValue: 4 }] },
    });
  });

  it('refuses a second value of the same name', () => {
    const graph = linear();
    expect(() => graph.input('x', 'float32', [1])).toThrow('the value x exists already');
  });
});

describe('encodeGraph', () => {
  let tempDir: string;
  beforeEach(() => {
    tempDir = temporaryFolder();
    vi.stubEnv('TMPDIR', tempDir);
  });

  it.each([
    ['inside the model', { columns: 512, maxInlineBytes: 1 << 20 }],
    ['in a data file', { columns: 512, maxInlineBytes: 0 }],
    ['inside the model, as each is small', { columns: 2, maxInlineBytes: 0 }],
  ])('gives a session the weights %s', async (place, { columns, maxInlineBytes }) => {
    const files = encodeGraph(linear(columns).build('linear'), { maxInlineBytes });
    expect(files.dataFolder === null).toBe(maxInlineBytes > 0);
    expect(files.model.byteLength > 4 * columns * 3).toBe(place !== 'in a data file');
    const session = OrtSession.create(files, { threads: 1 });
    files.dispose();
    expect(readdirSync(tempDir)).toEqual([]);
    const x = new Float32Array(2 * columns);
    x.set([1, 1]);
    x.set([10, 1], columns);
    const y = new Float32Array(6);
    const binding = session.createBinding();
    binding.bindInput('x', tensorOver(x, [2, columns]));
    binding.bindOutput('y', tensorOver(y, [2, 3]));
    await session.run(binding);
    expect([...y]).toEqual([3, 7, 11, 12, 34, 56]);
    binding.dispose();
    session.dispose();
  });

  it('takes weights from the file where they stand, also over a link', async () => {
    const columns = 1024;
    const { weights } = linear(columns).build('linear');
    const bytes = new Uint8Array(weights[0]!.byteLength);
    weights[0]!.write(bytes);
    const [own, others] = [join(tempDir, 'own'), join(tempDir, 'others')];
    for (const folder of [own, others]) mkdirSync(folder);
    writeFileSync(join(others, 'blob'), Buffer.concat([Buffer.alloc(12), bytes]));
    const path = join(own, 'model.safetensors');
    symlinkSync(join(others, 'blob'), path);
    const write = () => {
      throw new Error('it stands in a file');
    };
    const placed = (offset: number) => {
      const graph = new GraphBuilder();
      graph.input('x', 'float32', ['T', columns]);
      const place = { path, offset };
      graph.weight('w', { type: 'float32', shape: [3, columns], write, place });
      graph.node('Gemm', ['x', 'w'], { attributes: { transB: 1 }, outputs: ['y'] });
      graph.output('y', 'float32', ['T', 3]);
      return encodeGraph(graph.build('linear'), { maxInlineBytes: 0 });
    };
    const files = placed(12);
    expect(files.dataFolder).toBe(realpathSync(others));
    const session = OrtSession.create(files, { threads: 1 });
    files.dispose();
    expect(readdirSync(others)).toEqual(['blob']);
    const y = new Float32Array(3);
    const x = new Float32Array(columns);
    x.set([10, 1]);
    const binding = session.createBinding();
    binding.bindInput('x', tensorOver(x, [1, columns]));
    binding.bindOutput('y', tensorOver(y, [1, 3]));
    await session.run(binding);
    expect([...y]).toEqual([12, 34, 56]);
    binding.dispose();
    session.dispose();
    // Numbers of four bytes that begin between two: they are written anew.
    expect(() => placed(10)).toThrow('it stands in a file');
  });

  it('removes what a killed process has left, not what a living one needs', () => {
    // Process ids end at 2 ** 22 on Linux, so the first of these cannot be running.
    const dead = join(tempDir, 'lorikeet-rollout-99999999-abc');
    const living = join(tempDir, `lorikeet-rollout-${process.pid}-abc`);
    mkdirSync(dead);
    mkdirSync(living);
    encodeGraph(linear().build('linear'), { maxInlineBytes: 0 }).dispose();
    expect(readdirSync(tempDir)).toEqual([`lorikeet-rollout-${process.pid}-abc`]);
  });

  it('leaves nothing behind when a weight cannot be had', () => {
    const graph = new GraphBuilder();
    const write = () => {
      throw new Error('no such tensor');
    };
    graph.weight('w', { type: 'float32', shape: [2], write });
    const encode = () => encodeGraph(graph.build('broken'), { maxInlineBytes: 0 });
    expect(encode).toThrow('no such tensor');
    expect(existsSync(tempDir) && readdirSync(tempDir)).toEqual([]);
  });
});
