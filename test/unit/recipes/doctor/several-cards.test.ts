/** Which of several cards doctor, set-up and GRPO judge; the cards are names here, nvidia-smi is a program that lists two. */
import { beforeEach, expect, it, vi } from 'vitest';
import { grpoSchema, loadConfig, setupSchema } from '../../../../src/config/index.js';
import { gpuCheck } from '../../../../src/recipes/doctor/machine-checks.js';
import { cudaRolloutsCheck } from '../../../../src/recipes/doctor/onnx-check.js';
import { runGrpo } from '../../../../src/recipes/grpo.js';
import { runSetup } from '../../../../src/recipes/setup.js';
import { setUpTensorflow } from '../../../../src/setup/set-up.js';
import { logInto } from '../../../support/context.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { folderOfTwoCards } from '../two-cards.js';

const { cards, setUpCudaRollouts } = vi.hoisted(() => ({
  cards: [] as string[],
  setUpCudaRollouts: vi.fn(async () => 'found'),
}));

vi.mock('../../../../src/tensor/gpu.js', async (original) => {
  const own = await original<typeof import('../../../../src/tensor/gpu.js')>();
  return {
    ...own,
    visibleCards: () => cards,
    hasNvidiaGpu: () => cards.length > 0,
    cardOf: (choice: 'cuda') => own.cardOf(choice, cards),
    pickCard: (choice: 'cuda') => own.pickCard(choice, cards),
  };
});

vi.mock('../../../../src/setup/index.js', async (original) => ({
  ...(await original<object>()),
  setUpTensorflow: async () => ({
    outcome: 'found',
    runtime: { device: 'cuda', version: '2.21.0' },
  }),
  setUpOperators: async () => 'found',
  setUpCudaRollouts,
}));

const bin = folderOfTwoCards();

const seen = (...names: string[]) => {
  cards.splice(0, cards.length, ...names);
  vi.stubEnv('CUDA_VISIBLE_DEVICES', names.join());
};
beforeEach(() => {
  vi.stubEnv('PATH', bin);
  vi.stubEnv('LORIKEET_CACHE', temporaryFolder());
  setUpCudaRollouts.mockClear();
});
it.each(['7', 'GPU-cc'])('card %s, which nvidia-smi does not list, is named', async (card) => {
  seen(card);
  const problem = `CUDA_VISIBLE_DEVICES names ${card}, which nvidia-smi does not list`;
  const remedy = 'Set CUDA_VISIBLE_DEVICES to cards that `nvidia-smi -L` lists';
  expect(gpuCheck('auto')).toEqual({ name: 'gpu', status: 'broken', found: problem, remedy });
  const observer = { log: () => {}, progress: () => {}, stepDone: () => {} };
  const packageDir = temporaryFolder();
  const call = setUpTensorflow({ device: 'cuda', force: false, observer, packageDir });
  await expect(call).rejects.toThrow(`device=cuda: ${problem}. ${remedy}`);
});

it('doctor judges rollouts on the card that device names', async () => {
  seen('0', '1');
  expect((await cudaRolloutsCheck('auto')).found).toBe('not set up');
  expect((await cudaRolloutsCheck('cuda:1')).found).toContain('compute capability 6.1');
  expect((await cudaRolloutsCheck('cuda:2')).found).toBe('no such NVIDIA GPU');
});

it('grpo judges rollouts on the card that it trains on', async () => {
  seen('0', '1');
  const keys = ['model=m', 'dataset=gsm8k', 'rollout_device=cuda'];
  const grpo = (device: string) =>
    runGrpo(loadConfig(grpoSchema, { overrides: [...keys, `device=${device}`] }), logInto([]));
  await expect(grpo('cuda:1')).rejects.toThrow('compute capability 6.1');
  await expect(grpo('cuda:0')).rejects.toThrow('ONNX Runtime for CUDA is not set up');
});

it.each([
  [['0', '1'], 'cuda:1', 1],
  [['1', '0'], 'cuda:1', 1],
  [['1', '0'], 'cuda', 0],
] as const)(
  'of cards %j set-up device=%s provides rollouts %i times',
  async (names, device, times) => {
    seen(...names);
    const lines: string[] = [];
    const config = loadConfig(setupSchema, { overrides: [`device=${device}`] });
    await runSetup(config, logInto(lines));
    expect(setUpCudaRollouts).toHaveBeenCalledTimes(times);
    const reasons = lines.filter((line) => line.startsWith('no rollouts on CUDA: '));
    expect(reasons).toHaveLength(1 - times);
  },
);
