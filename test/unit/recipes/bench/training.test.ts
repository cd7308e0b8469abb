/** The figures of `bench sft`, `dpo` and `grpo` on a tiny checkpoint: the phases are the step, and the rates agree. */
import { expect, it } from 'vitest';
import {
  benchDpoSchema,
  benchGrpoSchema,
  benchSftSchema,
  loadConfig,
} from '../../../../src/config/index.js';
import { trainingFlops } from '../../../../src/model/index.js';
import { benchDpo } from '../../../../src/recipes/bench/dpo.js';
import { benchGrpo } from '../../../../src/recipes/bench/grpo.js';
import { benchSft } from '../../../../src/recipes/bench/sft.js';
import { openModel } from '../../../../src/recipes/inputs/model-source.js';
import { SILENT } from '../../../support/context.js';
import { tinyModel } from '../../../support/tiny-model.js';

const { model } = tinyModel(['hidden_size=64', 'intermediate_size=128', 'num_hidden_layers=2']);

const overrides = (...words: string[]) => ({
  overrides: [`model=${model}`, 'steps=1', 'lora_rank=4', ...words],
});

type Figures = Awaited<ReturnType<typeof benchSft>>;

/** Up to what rounding to a millisecond each takes. */
function expectWhole({ phases, step_s }: Figures, beside = 0): void {
  const sum = Object.values(phases).reduce((total, seconds) => total + seconds, beside);
  expect(Math.abs(sum - step_s)).toBeLessThan(0.005);
}

it('sft: the utilisation is that of the operations that the model asks for', async () => {
  const figures = await benchSft(
    loadConfig(benchSftSchema, overrides('seq=32', 'batch=4')),
    SILENT,
  );
  expect(Object.keys(figures.phases)).toEqual([
    ...['forward', 'head', 'backward', 'optimizer', 'data'],
  ]);
  expectWhole(figures);
  const { spec, close } = await openModel({ model }, SILENT);
  close();
  // A and B of rank 4 on q and o (64, 64), k and v (64, 64: as many heads), gate, up and down (64, 128).
  const lora = 2 * 4 * (4 * (64 + 64) + 3 * (64 + 128));
  const flops = trainingFlops({ spec, lengths: [32, 32, 32, 32], lora });
  const rate = (flops * figures.tokens_per_s) / figures.tokens_per_step / 1e9;
  expect(Math.abs(figures.model_gflops! - rate)).toBeLessThan(0.51 + 0.01 * rate);
  expect(figures.utilisation).toBeCloseTo(rate / figures.gemm_gflops, 1);
  expect(figures.planned_mib).toBeGreaterThan(560);
});

it('ends before its next step when it is stopped', async () => {
  const stopped = { ...SILENT, signal: AbortSignal.abort('SIGTERM') };
  const call = benchSft(loadConfig(benchSftSchema, overrides('seq=32', 'batch=4')), stopped);
  await expect(call).rejects.toBe('SIGTERM');
});

it('dpo: the reference has a phase of its own', async () => {
  const figures = await benchDpo(loadConfig(benchDpoSchema, overrides('pairs=2')), SILENT);
  expect(figures.phases.reference).toBeGreaterThan(0);
  expectWhole(figures);
});

it('grpo: the update has its phases, beside the rollout', async () => {
  const words = ['prompts=2', 'num_generations=2', 'max_completion_length=8'];
  const figures = await benchGrpo(loadConfig(benchGrpoSchema, overrides(...words)), SILENT);
  expect(figures.phases.backward).toBeGreaterThan(0);
  expectWhole(figures, figures.step_s - figures.update_s);
});
