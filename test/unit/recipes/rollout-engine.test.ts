/** Which device and precision sampling gets. */
import { expect, it } from 'vitest';
import { resolveRollouts } from '../../../src/recipes/rollout-engine.js';
import { InputError } from '../../../src/util/errors.js';

it('computes on the CPU in the precision that is asked for', () => {
  const keys = { rollout_device: 'cpu', rollout_precision: 'float32' } as const;
  expect(resolveRollouts(keys, () => undefined)).toEqual({ device: 'cpu', precision: 'float32' });
});

it('takes float32 on WebGPU and says so', () => {
  const lines: string[] = [];
  const keys = { rollout_device: 'webgpu', rollout_precision: 'auto' } as const;
  expect(resolveRollouts(keys, (line) => lines.push(line))).toEqual({
    device: 'webgpu',
    precision: 'float32',
  });
  expect(lines).toEqual(['rollouts compute on webgpu in float32']);
});

it.each(['bfloat16', 'int8'] as const)('refuses %s on WebGPU', (precision) => {
  const keys = { rollout_device: 'webgpu', rollout_precision: precision } as const;
  expect(() => resolveRollouts(keys, () => undefined)).toThrow(InputError);
});
