/** What a GPU computes, by the same operations on the CPU: layers over bfloat16 tensors against float32. */
import { expect, test } from 'vitest';
import { hasHalfTensors, hasNativeOps } from '../../src/tensor/index.js';
import type { LoraConfig } from '../../src/weights/index.js';
import { meanGap, relativeGap } from '../support/gaps.js';
import { goldenAnswers } from './golden-answers.js';

// Read when TensorFlow is loaded, by the first test.
process.env.LORIKEET_NATIVE_OPS = '0';
process.env.LORIKEET_BFLOAT16_TENSORS = '1';

/**
 * bfloat16 keeps 8 bits: a relative 2⁻⁹ a rounding, some dozens of roundings on the way. With AVX2 TensorFlow cuts
 * its products to 8 bits in place of rounding them, which makes twice the error.
 */
const LOGP_MEAN = 0.02;
const RELATIVE = 0.04;
const COSINE = 0.999;
/** Where LoRA of up to twenty times the scale enlarges the error. */
const SCALED = 0.1;

const FAMILIES = [
  'llama',
  'qwen3',
  'gemma2',
  'phi3',
  'olmo2',
  'granite',
  'cohere2',
  'starcoder2',
  'phi',
  'arcee',
  'hunyuan_v1_dense',
  'lfm2',
  'glm4',
  'qwen3_5',
  'qwen3_moe',
  // Each token goes through all experts, however its logits are rounded.
  'gpt_oss-plain',
];

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

test('this process has them', () => {
  expect([hasNativeOps(), hasHalfTensors()]).toEqual([false, true]);
});

interface Limits {
  readonly logps: number;
  readonly logits: number;
  readonly gradient: number;
  readonly cosine: number;
}

const LIMITS: Limits = { logps: LOGP_MEAN, logits: RELATIVE, gradient: RELATIVE, cosine: COSINE };

const OTHERS: Readonly<Record<string, Limits>> = {
  /** A convolution's result is a product of three rounded numbers. */
  lfm2: { ...LIMITS, logits: 1.5 * RELATIVE, gradient: 1.5 * RELATIVE },
  /** What a state gives is brought to one size, however small: so far is transformers in bfloat16 from float32. */
  qwen3_5: { logps: 2 * LOGP_MEAN, logits: 0.088, gradient: 0.333, cosine: 0.944 },
};

test.each(FAMILIES)('%s', async (name) => {
  const full = await goldenAnswers(name, { compute: 'float32' });
  const half = await goldenAnswers(name, { compute: 'bfloat16' });
  expect([full.fused, half.fused]).toEqual(['float32', 'bfloat16']);
  const mean = meanGap(full.logps, half.logps);
  expect(mean).toBeGreaterThan(0);
  const limits = OTHERS[name] ?? LIMITS;
  expect(mean).toBeLessThan(limits.logps);
  for (const part of ['logits', 'gradient', 'moved'] as const) {
    expect(relativeGap(half[part], full[part])).toBeLessThan(
      part === 'gradient' ? limits.gradient : limits.logits,
    );
    expect(cosine(half[part], full[part])).toBeGreaterThan(limits.cosine);
  }
  expect(relativeGap(half.moved, half.logits)).toBeGreaterThan(RELATIVE);
  expect([full.left, half.left]).toEqual([0, 0]);
  // Modules that share an input are held as one, and not besides.
  expect(half.held).toBe(full.held);
});

test.each<Partial<LoraConfig>>([
  { targetModules: ['q_proj', 'v_proj'] },
  { targetModules: ['k_proj', 'up_proj', 'o_proj'] },
  { rankPattern: { k_proj: 2, up_proj: 7 } },
  { loraDropout: 0.3 },
])('modules that share a product, %o', async (lora) => {
  for (const checkpointed of [false, true]) {
    const full = await goldenAnswers('qwen2', { compute: 'float32', lora, checkpointed });
    const half = await goldenAnswers('qwen2', { compute: 'bfloat16', lora, checkpointed });
    for (const part of ['logits', 'gradient', 'moved'] as const) {
      expect(relativeGap(half[part], full[part])).toBeLessThan(RELATIVE);
      expect(cosine(half[part], full[part])).toBeGreaterThan(COSINE);
    }
    expect(half.left).toBe(0);
  }
});

test.each([
  { name: 'mixtral', targetParameters: ['gate_up_proj', 'down_proj'] },
  { name: 'mixtral', targetParameters: ['down_proj'], alphaPattern: { down_proj: 2 } },
  { name: 'gpt_oss-plain', targetParameters: ['gate_up_proj', 'down_proj'] },
])('experts with LoRA, %o', async ({ name, ...experts }) => {
  // Here no token goes to another expert because of rounding.
  const lora = { ...experts, targetModules: ['q_proj'] };
  for (const checkpointed of [false, true]) {
    const full = await goldenAnswers(name, { compute: 'float32', lora, checkpointed });
    const half = await goldenAnswers(name, { compute: 'bfloat16', lora, checkpointed });
    for (const part of ['logits', 'gradient', 'moved'] as const) {
      expect(relativeGap(half[part], full[part])).toBeLessThan(RELATIVE);
      expect(cosine(half[part], full[part])).toBeGreaterThan(COSINE);
    }
    expect([full.left, half.left]).toEqual([0, 0]);
  }
});

test('the scales of modules that share a product may differ', async () => {
  const lora = { alphaPattern: { k_proj: 2, up_proj: 20 } };
  const full = await goldenAnswers('llama', { compute: 'float32', lora });
  const half = await goldenAnswers('llama', { compute: 'bfloat16', lora });
  const same = await goldenAnswers('llama', { compute: 'bfloat16' });
  for (const part of ['logits', 'gradient'] as const) {
    expect(relativeGap(half[part], full[part])).toBeLessThan(SCALED);
    expect(relativeGap(half[part], same[part])).toBeGreaterThan(SCALED);
  }
});

test('recomputed layers give the same gradient', async () => {
  const kept = await goldenAnswers('llama', { compute: 'bfloat16' });
  const again = await goldenAnswers('llama', { compute: 'bfloat16', checkpointed: true });
  expect(again.logps).toEqual(kept.logps);
  expect(relativeGap(again.gradient, kept.gradient)).toBeLessThan(1e-2);
});
