import { expect, test } from 'vitest';
import { describeMachine, knownFeatures } from '../../../src/setup/machine.js';
import { parseNvidiaSmi } from '../../../src/setup/nvidia.js';

test('the processor features that matter are those that decide about kernels', () => {
  expect(knownFeatures(['fpu', 'amx_bf16', 'avx512f', 'avx512fp16', 'avx2'])).toEqual([
    ...['avx2', 'avx512f', 'amx_bf16'],
  ]);
  expect(knownFeatures([])).toEqual([]);
});

test('the machine has cores and memory', () => {
  const { cores, memory, availableMemory } = describeMachine();
  expect(cores).toBeGreaterThanOrEqual(1);
  expect(memory).toBeGreaterThan(1e8);
  expect(availableMemory).toBeLessThanOrEqual(memory);
});

test("nvidia-smi's rows become GPUs; its messages do not", () => {
  expect(parseNvidiaSmi('NVIDIA H200, 570.86.15, 9.0\nTesla T4, 525.60, 7.5\n')).toEqual([
    { name: 'NVIDIA H200', driver: '570.86.15', capability: '9.0' },
    { name: 'Tesla T4', driver: '525.60', capability: '7.5' },
  ]);
  expect(parseNvidiaSmi('No devices were found\n')).toEqual([]);
});
