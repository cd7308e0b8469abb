/** Which device and precision sampling gets. */
import { expect, it, vi } from 'vitest';
import {
  checkRelease,
  checkRolloutDevice,
  resolveRollouts,
  rolloutIdentity,
} from '../../../../src/recipes/sampling/rollout-engine.js';
import { InputError, SetupError } from '../../../../src/util/errors.js';

const NO_LIMIT = { rollout_memory_limit: null } as const;

it('computes on the CPU in the precision that is asked for', () => {
  const keys = { rollout_device: 'cpu', rollout_precision: 'float32', ...NO_LIMIT } as const;
  expect(resolveRollouts(keys, () => undefined)).toMatchObject({
    device: 'cpu',
    precision: 'float32',
  });
});

it('takes float32 on WebGPU and says so', () => {
  const lines: string[] = [];
  const keys = { rollout_device: 'webgpu', rollout_precision: 'auto', ...NO_LIMIT } as const;
  expect(resolveRollouts(keys, (line) => lines.push(line))).toEqual({
    device: 'webgpu',
    precision: 'float32',
  });
  expect(lines).toEqual(['rollouts compute on webgpu in float32']);
});

it.each(['cpu', 'webgpu'] as const)('takes float32 on %s where nothing is asked for', (device) => {
  const keys = { rollout_device: device, rollout_precision: null, ...NO_LIMIT } as const;
  expect(resolveRollouts(keys, () => undefined)).toMatchObject({ device, precision: 'float32' });
});

it.each(['bfloat16', 'int8'] as const)('refuses %s on WebGPU', (precision) => {
  const keys = { rollout_device: 'webgpu', rollout_precision: precision, ...NO_LIMIT } as const;
  expect(() => resolveRollouts(keys, () => undefined)).toThrow(InputError);
});

it('refuses float16 and a limit of a card on the CPU', () => {
  const keys = { rollout_device: 'cpu', rollout_precision: 'float16', ...NO_LIMIT } as const;
  expect(() => resolveRollouts(keys, () => undefined)).toThrow(/^rollout_precision=float16: /);
  const limited = { ...keys, rollout_precision: 'auto', rollout_memory_limit: 2 } as const;
  expect(() => resolveRollouts(limited, () => undefined)).toThrow(/^rollout_memory_limit: /);
});

it('a limit of a card limits nothing where auto takes the CPU, and says so', () => {
  const lines: string[] = [];
  const keys = {
    rollout_device: 'auto',
    rollout_precision: null,
    rollout_memory_limit: 2,
  } as const;
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
  const found = resolveRollouts(keys, (line) => lines.push(line));
  expect(found).toMatchObject({ device: 'cpu', precision: 'float32' });
  expect(lines).toEqual(['rollout_memory_limit=2 limits nothing: rollouts compute on the CPU']);
});

it('gives memory back only where a process of its own holds it', () => {
  expect(() => checkRelease({ device: 'cpu', precision: 'float32' })).toThrow(
    /^rollout_release_memory: rollouts on cpu do not run in a process of their own/,
  );
  expect(() => checkRelease({ device: 'cuda', precision: 'bfloat16', childEnv: {} })).not.toThrow();
});

it('knows what CUDA computes in without a card', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
  const keys = { rollout_device: 'cuda', ...NO_LIMIT } as const;
  for (const rollout_precision of [null, 'auto', 'bfloat16'] as const) {
    expect(rolloutIdentity({ ...keys, rollout_precision })).toEqual({
      device: 'cuda',
      precision: 'bfloat16',
    });
  }
});

it('refuses CUDA without a card, and takes the CPU by itself', () => {
  vi.stubEnv('CUDA_VISIBLE_DEVICES', '-1');
  expect(() => checkRolloutDevice('cuda')).toThrow(SetupError);
  expect(() => checkRolloutDevice('cuda')).toThrow(
    /^rollout_device=cuda: no NVIDIA GPU is visible .* use rollout_device=cpu$/,
  );
  expect(() => checkRolloutDevice('cuda', { section: 'eval.' })).toThrow(
    /^eval.rollout_device=cuda: /,
  );
  expect(checkRolloutDevice('auto')).toBe('cpu');
});
