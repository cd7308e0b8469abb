import { afterEach, expect, test, vi } from 'vitest';
import { machineFacts } from '../../../src/report/run/run-record.js';
import { describeMachine, knownFeatures } from '../../../src/util/machine.js';

afterEach(() => {
  vi.restoreAllMocks();
});

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

test("a container's limit is the memory, also of what run.json says of the machine", () => {
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(2 ** 30);
  expect(describeMachine().memory).toBe(2 ** 30);
  expect(machineFacts().memory_gib).toBe(1);
});
