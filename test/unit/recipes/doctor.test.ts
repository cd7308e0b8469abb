import { expect, test, vi } from 'vitest';
import { broken, note, ok } from '../../../src/recipes/doctor/check.js';
import { gpuCheck, nodeCheck } from '../../../src/recipes/doctor/machine-checks.js';
import {
  cudaRolloutsCheck,
  onnxCheck,
  operatorsCheck,
  scoreWithZeros,
  webgpuCheck,
} from '../../../src/recipes/doctor/onnx-check.js';
import { tensorflowCheck } from '../../../src/recipes/doctor/tensorflow-check.js';
import { doctorText, runDoctor } from '../../../src/recipes/doctor.js';
import { locateRuntime } from '../../../src/tensor/runtime.js';
import { temporaryFolder } from '../../support/temporary.js';

test.each([
  ['20.18.9', 'broken'],
  ['18.20.0', 'broken'],
  ['20.19.0', 'ok'],
  ['22.11.0', 'ok'],
  ['24.21.0', 'ok'],
  ['23.1.0', 'note'],
])('Node %s is %s', (version, status) => {
  expect(nodeCheck(version).status).toBe(status);
});

test('no GPU is fine unless CUDA is asked for', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
  expect(gpuCheck('auto').status).toBe('ok');
  expect(gpuCheck('cuda')).toMatchObject({
    status: 'broken',
    found: 'no NVIDIA GPU is visible to this process',
  });
});

test('ONNX Runtime really runs a decoder', async () => {
  expect(await onnxCheck()).toMatchObject({
    status: 'ok',
    found: expect.stringMatching(/^1\.\d+\.\d+, device cpu, a decoder was run$/),
  });
});

test('WebGPU runs a decoder, or the line says why not and what to use', async () => {
  const { status, found, remedy } = await webgpuCheck();
  const works = { status: 'ok', found: 'a decoder was run; rollout_device=webgpu works' };
  const fails = { status: 'note', found: 'rollout_device=webgpu does not work' };
  expect([works, fails]).toContainEqual({ status, found });
  if (status === 'note') expect(remedy).toMatch(/^rollout device webgpu: .*rollout_device=cpu$/);
});

test('the decoder runs in a process of its own as well, as it does on CUDA', async () => {
  const logprobs = await scoreWithZeros('cpu', process.env);
  expect(logprobs).toBeAllclose([-Math.log(4), -Math.log(4)]);
});

test('rollouts on CUDA without a card are a note', async () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '');
  expect(await cudaRolloutsCheck('auto')).toEqual({
    name: 'rollouts on cuda',
    status: 'note',
    found: 'no NVIDIA GPU',
    remedy: 'Use rollout_device=cpu',
  });
});

test('operators that are not compiled are a note with the remedy', () => {
  vi.stubEnv('LORIKEET_CACHE', temporaryFolder());
  expect(operatorsCheck()).toMatchObject({
    status: 'note',
    found: 'not compiled; rollouts compute in float32, more slowly',
    remedy: 'Run `npx lorikeet setup`',
  });
});

test.skipIf(locateRuntime('cpu') === null)(
  'TensorFlow really multiplies, and is timed',
  async () => {
    const { status, found } = await tensorflowCheck('cpu');
    expect(status).toBe('ok');
    expect(found).toMatch(/device cpu, .* products at \d+ GFLOP\/s \(bfloat16 \d+ GFLOP\/s\)$/);
  },
);

test('without set-up the whole report is broken and names the command', async () => {
  vi.stubEnv('LORIKEET_CACHE', temporaryFolder());
  vi.stubEnv('CXX', 'no-such-compiler');
  const report = await runDoctor({ device: 'cpu' });
  expect(report.ok).toBe(false);
  const check = (name: string) => report.checks.find((item) => item.name === name);
  expect(check('tensorflow')?.remedy).toBe('Run `npx lorikeet setup device=cpu`');
  expect(check('compiler')).toMatchObject({
    status: 'broken',
    remedy: expect.stringContaining('CXX=no-such-compiler: no such program'),
  });
});

test('the report has a line for each check and one for each remedy', () => {
  const checks = [
    ok('node', '20.1'),
    note('sandbox', 'none', 'Install it'),
    broken('gpu', 'x', 'y'),
  ];
  expect(doctorText({ ok: false, checks })).toBe(
    [
      'ok      node     20.1',
      'note    sandbox  none',
      '                 → Install it',
      'BROKEN  gpu      x',
      '                 → y',
    ].join('\n'),
  );
});
