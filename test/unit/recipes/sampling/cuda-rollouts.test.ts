/** What sampling computes in where a card and ONNX Runtime for CUDA are there: both are files here, nothing is loaded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeEach, expect, it, vi } from 'vitest';
import type { RolloutPrecision } from '../../../../src/config/index.js';
import { samplersBytes } from '../../../../src/recipes/memory/samplers.js';
import {
  checkRolloutDevice,
  resolveRollouts,
  rolloutIdentity,
} from '../../../../src/recipes/sampling/rollout-engine.js';
import { goldenCase } from '../../../support/golden-models.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { folderOfTwoCards } from '../two-cards.js';

const { cards } = vi.hoisted(() => ({ cards: [] as string[] }));

vi.mock('../../../../src/tensor/gpu.js', async (original) => {
  const own = await original<typeof import('../../../../src/tensor/gpu.js')>();
  const cardOf = (choice: 'cuda') => own.cardOf(choice, cards);
  return { ...own, visibleCards: () => cards, cardOf };
});

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
const seen = (...names: string[]) => cards.splice(0, cards.length, ...names);
beforeEach(() => {
  seen('0', '1');
  vi.stubEnv('LORIKEET_CACHE', cache);
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

it('auto judges the card of the training', () => {
  vi.stubEnv('PATH', folderOfTwoCards());
  seen('GPU-bb', 'GPU-aa');
  expect(checkRolloutDevice('auto')).toBe('cpu');
  expect(checkRolloutDevice('auto', { device: 'cuda:1' })).toBe('cuda');
});

it('a card that nvidia-smi does not list does not sample', () => {
  vi.stubEnv('PATH', folderOfTwoCards());
  seen('GPU-cc');
  vi.stubEnv('CUDA_VISIBLE_DEVICES', 'GPU-cc');
  const problem = 'CUDA_VISIBLE_DEVICES names GPU-cc, which nvidia-smi does not list';
  expect(resolveRollouts(keysOf('auto', null), log)).toMatchObject({ device: 'cpu' });
  expect(lines).toEqual([`rollouts compute on the CPU: ${problem}`]);
  expect(() => resolveRollouts(keysOf('cuda', null), log)).toThrow(
    `rollout_device=cuda: ${problem}. Set CUDA_VISIBLE_DEVICES`,
  );
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

it('counts in the memory of this process where auto does not take the card', () => {
  const { spec } = goldenCase('llama');
  const base = {
    spec,
    stored: 'float32',
    isQuantized: false,
    isReloaded: false,
    adapter: 0,
  } as const;
  const bytes = (device: 'auto' | 'cuda', precision: RolloutPrecision | null) =>
    samplersBytes([{ keys: keysOf(device, precision), rows: 4, context: 64 }], base);
  expect(bytes('auto', 'int8')).toBeGreaterThan(0);
  expect(bytes('auto', null)).toBe(0);
  expect(bytes('auto', 'float16')).toBe(0);
  expect(bytes('cuda', null)).toBe(0);
});
