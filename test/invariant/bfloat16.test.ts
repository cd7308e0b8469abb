/** Fused layers in bfloat16 against the same in float32: as near as two bytes allow. */
import { expect, test } from 'vitest';
import { hasNativeOps } from '../../src/tensor/index.js';
import { meanGap, relativeGap } from '../support/gaps.js';
import { EXPERT_CASES } from '../support/golden-models.js';
import { goldenAnswers } from './golden-answers.js';

/** bfloat16 keeps 8 bits: a relative 2⁻⁹ a rounding, some dozens of roundings on the way. */
const LOGP_MEAN = 0.05;
const GRADIENT = 0.06;

const FAMILIES = [
  'llama',
  'qwen3',
  'gemma2',
  'phi3',
  'glm',
  'ernie4_5',
  'olmo2',
  'granite',
  'cohere2',
  'starcoder2',
  'phi',
  'arcee',
  'hunyuan_v1_dense',
  ...EXPERT_CASES,
];

test.skipIf(!hasNativeOps()).each(FAMILIES)('%s', async (name) => {
  const full = await goldenAnswers(name, { compute: 'float32' });
  const half = await goldenAnswers(name, { compute: 'bfloat16' });
  expect([full.fused, half.fused]).toEqual(['float32', 'bfloat16']);
  const mean = meanGap(full.logps, half.logps);
  expect(mean).toBeGreaterThan(0);
  expect(mean).toBeLessThan(LOGP_MEAN);
  expect(relativeGap(half.gradient, full.gradient)).toBeLessThan(GRADIENT);
});
