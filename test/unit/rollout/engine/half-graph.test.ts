/** The graph in a type of two bytes, as CUDA computes it, against the one in float32; on the CPU. */
import { expect, it } from 'vitest';
import { PLAIN_SAMPLING } from '../../../../src/rollout/index.js';
import { goldenAdapter, goldenCase } from '../../../support/golden-rollouts.js';
import { goldenRequests, goldenSampler } from '../../../support/golden-sampler.js';

/** float16 keeps 11 bits: a relative 2⁻¹² a rounding, some dozens of roundings on the way. */
const LARGEST = 0.02;

const FAMILIES = ['llama', 'qwen3', 'gemma2', 'phi3', 'olmo2', 'granite', 'lfm2', 'glm', 'qwen3_5'];

async function answers(name: string, type: 'float32' | 'float16') {
  const golden = goldenCase(name);
  // Fewer slots than completions, so that rows of the cache are moved.
  const sampler = await goldenSampler(golden, { maxBatch: 3, type });
  try {
    sampler.setAdapter(goldenAdapter(golden));
    const params = { ...PLAIN_SAMPLING, temperature: 0, maxNewTokens: 8, seed: 1 };
    const rows = await sampler.generate(goldenRequests(golden), params);
    const scores = await sampler.score(golden.prompts);
    return { tokens: rows.flatMap(({ ids }) => ids), scores: scores.flatMap((row) => [...row]) };
  } finally {
    sampler.dispose();
  }
}

it.each(FAMILIES)('%s', async (name) => {
  const full = await answers(name, 'float32');
  const half = await answers(name, 'float16');
  const gaps = full.scores.map((value, i) => Math.abs(value - half.scores[i]!));
  expect(Math.max(...gaps)).toBeGreaterThan(0);
  expect(Math.max(...gaps)).toBeLessThan(LARGEST);
  const same = full.tokens.filter((id, i) => id === half.tokens[i]).length;
  expect(same / full.tokens.length).toBeGreaterThan(0.9);
});
