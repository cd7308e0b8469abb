/** What sampling computes in where a card and ONNX Runtime for CUDA are there: both are files here, nothing is loaded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { RolloutPrecision } from '../../../../src/config/index.js';
import {
  resolveRollouts,
  rolloutIdentity,
} from '../../../../src/recipes/sampling/rollout-engine.js';
import { temporaryFolder } from '../../../support/temporary.js';

vi.mock('../../../../src/tensor/gpu.js', async (original) => ({
  ...(await original<object>()),
  visibleCards: () => ['0', '1'],
}));

const cache = temporaryFolder();
const { version } = createRequire(import.meta.url)('onnxruntime-node/package.json') as {
  version: string;
};
const folder = join(cache, 'onnxruntime', `${version}-cuda-${process.platform}-${process.arch}`);
for (const made of ['onnxruntime/capi', 'nvidia'])
  mkdirSync(join(folder, made), { recursive: true });
writeFileSync(join(folder, 'onnxruntime/capi/libonnxruntime.so.1'), '');
writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ wheels: [] }));

const lines: string[] = [];
const log = (line: string) => lines.push(line);
const keysOf = (rollout_device: 'auto' | 'cuda', rollout_precision: RolloutPrecision | null) => ({
  rollout_device,
  rollout_precision,
  rollout_memory_limit: null,
});
beforeEach(() => vi.stubEnv('LORIKEET_CACHE', cache));
afterEach(() => {
  vi.unstubAllEnvs();
  lines.length = 0;
});

it.each(['auto', 'cuda'] as const)('%s takes bfloat16, and says on which card', (device) => {
  const found = { device: 'cuda', precision: 'bfloat16', type: 'bfloat16' };
  expect(resolveRollouts(keysOf(device, null), log)).toMatchObject(found);
  expect(lines).toEqual([
    'rollouts compute on cuda in bfloat16, card 0 of 2 visible, in a process of its own',
  ]);
});

it('computes in float16 where that is asked for', () => {
  const found = { precision: 'float16', type: 'float16' };
  expect(resolveRollouts(keysOf('cuda', 'float16'), log)).toMatchObject(found);
});

it('refuses float32 by the name of the key', () => {
  expect(() => resolveRollouts(keysOf('cuda', 'float32'), log, 'judge.')).toThrow(
    'judge.rollout_precision=float32: rollouts on cuda compute in bfloat16 or float16. Leave it out',
  );
});

it('auto leaves float32 to the CPU, and says so', () => {
  expect(resolveRollouts(keysOf('auto', 'float32'), log)).toMatchObject({ device: 'cpu' });
  expect(lines).toEqual(['rollouts compute on the CPU: CUDA does not compute in float32']);
});

it('auto says that a card is not set up', () => {
  vi.stubEnv('LORIKEET_CACHE', join(cache, 'empty'));
  expect(resolveRollouts(keysOf('auto', null), log)).toMatchObject({ device: 'cpu' });
  expect(lines).toEqual([
    'rollouts compute on the CPU: ONNX Runtime for CUDA is not set up (lorikeet setup device=cuda)',
  ]);
});

it('counts as the device and the type that are meant here', () => {
  const onCard = { device: 'cuda', precision: 'bfloat16' };
  expect(rolloutIdentity(keysOf('auto', null))).toEqual(onCard);
  expect(rolloutIdentity(keysOf('cuda', 'bfloat16'))).toEqual(onCard);
  vi.stubEnv('LORIKEET_CACHE', join(cache, 'empty'));
  const here = { device: 'cpu', precision: 'float32' };
  expect(rolloutIdentity(keysOf('auto', null))).toEqual(here);
  // What is named counts where it is not set up: completions that are kept need none of it.
  expect(rolloutIdentity(keysOf('cuda', 'bfloat16'))).toEqual(onCard);
  expect(() => resolveRollouts(keysOf('cuda', 'bfloat16'), log)).toThrow('is not set up');
});
