import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../../../src/rollout/onnx/graph-builder.js';
import { encodeGraph } from '../../../../src/rollout/onnx/model-files.js';
import { loadOrtApi } from '../../../../src/rollout/ort/api.js';
import { checkOrtVersion, ortLibraryPath } from '../../../../src/rollout/ort/library.js';
import { OrtSession } from '../../../../src/rollout/ort/session.js';
import { tensorOver } from '../../../../src/rollout/ort/tensor.js';
import { RunError, SetupError } from '../../../../src/util/errors.js';

/** z = x + y over [N] and [N]. */
function adder(): OrtSession {
  const graph = new GraphBuilder();
  graph.input('x', 'float32', ['N']);
  graph.input('y', 'float32', ['N']);
  graph.node('Add', ['x', 'y'], { outputs: ['z'] });
  graph.output('z', 'float32', ['N']);
  return OrtSession.create(encodeGraph(graph.build('adder')), { threads: 1 });
}

describe('library', () => {
  it('is found in the npm package and is of a known version', () => {
    const api = loadOrtApi();
    expect(api.path).toBe(ortLibraryPath());
    expect(api.version).toMatch(/^1\.30\./);
    expect(loadOrtApi()).toBe(api);
  });

  it('names the machine that has none', () => {
    const load = () => ortLibraryPath({ platform: 'aix', arch: 'ppc64' });
    expect(load).toThrow(SetupError);
    expect(load).toThrow('no library for aix/ppc64');
  });

  it('accepts known versions only', () => {
    expect(() => checkOrtVersion('1.30.7', 'lib')).not.toThrow();
    for (const version of ['1.31.0', '1.3.0', '2.30.0', '']) {
      expect(() => checkOrtVersion(version, 'lib')).toThrow(SetupError);
    }
  });
});

describe('OrtSession', () => {
  it('reads and writes the bound memory in place, run after run', async () => {
    const session = adder();
    const binding = session.createBinding();
    const x = Float32Array.of(1, 2, 3);
    const z = new Float32Array(3);
    binding.bindInput('x', tensorOver(x, [3]));
    binding.bindInput('y', tensorOver(Float32Array.of(10, 20, 30), [3]));
    binding.bindOutput('z', tensorOver(z, [3]));
    await session.run(binding);
    expect([...z]).toEqual([11, 22, 33]);
    x.fill(0);
    await session.run(binding);
    expect([...z]).toEqual([10, 20, 30]);
    binding.dispose();
    session.dispose();
  });

  it('passes on the runtime’s message when a run fails, and works on', async () => {
    const session = adder();
    const binding = session.createBinding();
    const z = new Float32Array(2);
    binding.bindInput('x', tensorOver(Float32Array.of(1, 2), [2]));
    binding.bindInput('y', tensorOver(Float32Array.of(1, 2, 3), [3]));
    binding.bindOutput('z', tensorOver(z, [2]));
    await expect(session.run(binding)).rejects.toThrow(RunError);
    await expect(session.run(binding)).rejects.toThrow(/ONNX Runtime: Run: .*\b2\b.*\b3\b/);
    binding.bindInput('y', tensorOver(Float32Array.of(5, 5), [2]));
    await session.run(binding);
    expect([...z]).toEqual([6, 7]);
    binding.dispose();
    session.dispose();
  });

  it('refuses unknown names, graphs that are none, and tensors larger than their memory', () => {
    const session = adder();
    const binding = session.createBinding();
    const tensor = tensorOver(new Float32Array(1), [1]);
    expect(() => binding.bindInput('nothing', tensor)).toThrow(/BindInput nothing/);
    expect(() => tensorOver(new Float32Array(3), [2, 2])).toThrow(/not enough space/);
    const model = Uint8Array.of(1, 2, 3);
    const load = () => OrtSession.create({ model, dataFolder: null }, { threads: 1 });
    expect(load).toThrow(/ONNX Runtime: CreateSession/);
    tensor.dispose();
    tensor.dispose();
    binding.dispose();
    session.dispose();
    session.dispose();
  });
});
