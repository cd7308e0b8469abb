import { isDeepStrictEqual } from 'node:util';
import { describe, expect, test } from 'vitest';
import { sftLoss } from '../../src/losses/index.js';
import { specFromConfig } from '../../src/model/index.js';
import type { Activation, AttentionLayer, DecoderSpec } from '../../src/model/spec.js';
import { elementCount } from '../../src/util/shape.js';
import { toFloat32 } from '../../src/weights/index.js';
import { relativeGap } from '../support/gaps.js';
import { FAMILIES, type GoldenCase, goldenCase, ROPE_CASES } from '../support/golden-models.js';
import { goldenPolicy } from '../support/golden-policy.js';
import { batchOf } from '../support/token-rows.js';
import { logitGap } from './logit-gap.js';

/** Largest difference of log-softmax. */
const LOGIT_LIMIT = 1e-4;
/** Of ‖g − g*‖ / ‖g*‖, per tensor. */
const GRADIENT_LIMIT = 1e-3;

/** Largest difference of log-softmax over all positions and tokens; `spec` may be another than the case's. */
async function logitError(golden: GoldenCase, spec: DecoderSpec = golden.spec): Promise<number> {
  const policy = goldenPolicy(golden.name, { spec, lora: null });
  const gap = await logitGap(policy, golden.rows, golden.logits);
  policy.dispose();
  return gap;
}

/** Loss and the relative gradient error of every trained tensor, full training or LoRA. */
async function gradientErrors(
  golden: GoldenCase,
  options: { readonly withLora: boolean; readonly checkpointedLayers: number },
) {
  const { withLora, checkpointedLayers } = options;
  const policy = goldenPolicy(golden.name, { lora: withLora ? {} : null, checkpointedLayers });
  const batch = batchOf(golden.rows);
  const { gradient, loss } = await policy.gradients(batch, (scores) =>
    sftLoss(scores, { lossType: 'nll', labelSmoothing: 0, totalTokens: batch.targets.length }),
  );
  const found = (await gradient.data()) as Float32Array;
  const errors = new Map<string, number>();
  let offset = 0;
  for (const { name: parameter, shape } of policy.parameters.shapes) {
    const size = elementCount(shape);
    const key = `${options.withLora ? 'lora' : 'grad'}.${parameter}`;
    const expected = golden.gradients.get(key);
    expect(expected?.shape, key).toEqual(shape);
    const part = found.subarray(offset, offset + size);
    errors.set(parameter, relativeGap(part, toFloat32(expected!)));
    offset += size;
  }
  gradient.dispose();
  policy.dispose();
  return { loss, errors };
}

describe.each(FAMILIES)('%s equals transformers', (name) => {
  const golden = goldenCase(name);

  test('logits', async () => {
    const error = await logitError(golden);
    expect(error).toBeLessThanOrEqual(LOGIT_LIMIT);
  });

  test.each([
    { withLora: false, checkpointedLayers: 0 },
    { withLora: false, checkpointedLayers: golden.spec.layers.length },
    { withLora: true, checkpointedLayers: 0 },
    { withLora: true, checkpointedLayers: golden.spec.layers.length },
  ])('gradients %o', async (options) => {
    const { loss, errors } = await gradientErrors(golden, options);
    expect(Math.abs(loss - (options.withLora ? golden.loraLoss : golden.loss))).toBeLessThan(1e-5);
    const prefix = options.withLora ? 'lora.' : 'grad.';
    const expected = [...golden.gradients.keys()].filter((key) => key.startsWith(prefix));
    expect(errors.size).toBe(expected.length);
    for (const [parameter, value] of errors)
      expect(value, parameter).toBeLessThanOrEqual(GRADIENT_LIMIT);
  });
});

test.each(ROPE_CASES)('%s: logits equal transformers', async (name) => {
  const error = await logitError(goldenCase(name));
  expect(error).toBeLessThanOrEqual(LOGIT_LIMIT);
});

const OTHER_ACTIVATION: Readonly<Record<Activation, Activation>> = {
  silu: 'gelu',
  gelu_tanh: 'gelu',
  gelu: 'silu',
  relu: 'silu',
  clamped_silu: 'silu',
};

/** The layers with attention in another way. */
const attending =
  (changes: (layer: AttentionLayer) => Partial<AttentionLayer>) =>
  ({ layers }: DecoderSpec) => ({
    layers: layers.map((layer) =>
      layer.mixer === 'attention' ? { ...layer, ...changes(layer) } : layer,
    ),
  });

/** Each takes one trait away or changes it a little. */
const CHANGES: Readonly<Record<string, (spec: DecoderSpec) => Partial<DecoderSpec>>> = {
  'no window': attending(() => ({ window: null })),
  'window one longer': attending(({ window }) => ({ window: window && window + 1 })),
  'one rope for all': attending(() => ({ rope: 0 })),
  'no positions': attending(() => ({ rope: null })),
  'other frequencies': ({ ropes }) => ({
    ropes: ropes.map((rope) => ({ ...rope, invFreq: rope.invFreq.map((f) => 0.99 * f) })),
  }),
  // A norm after the rotation takes it out again.
  'other rope scale': ({ ropes, qkNormLast }) => ({
    ropes: ropes.map((rope) => ({ ...rope, scale: rope.scale * (qkNormLast ? 1 : 1.02) })),
  }),
  'other pairs': ({ ropes }) => ({
    ropes: ropes.map(({ rotatesNeighbours, ...rope }) => ({
      ...rope,
      // Of two dimensions there is one pair.
      rotatesNeighbours: rope.rotaryDim > 2 && !rotatesNeighbours,
    })),
  }),
  'norm offset': ({ normOffset }) => ({ normOffset: 1 - normOffset }),
  'centred norms': ({ centredNorms }) => ({ centredNorms: !centredNorms }),
  'parallel MLP': ({ parallelMlp, norms }) =>
    norms.beforeAttention === norms.beforeMlp ? { parallelMlp: !parallelMlp } : {},
  'no norm bias': () => ({ normBias: false }),
  'MLP without a gate': ({ mlpGate }) =>
    mlpGate === 'linear' ? {} : { mlpGate: mlpGate === 'none' ? 'itself' : 'none' },
  'no bias of the head': () => ({ headBias: false }),
  'norm eps': () => ({ normEps: 1e-3 }),
  'query and key norms': ({ qkNorm }) => (qkNorm === 'none' ? {} : { qkNorm: 'none' }),
  'order of rotation and norms': ({ qkNorm, qkNormLast }) =>
    qkNorm === 'head' ? { qkNormLast: !qkNormLast } : {},
  activation: ({ activation }) => ({ activation: OTHER_ACTIVATION[activation] }),
  'attention scale': ({ headDim, attentionScale }) => ({
    attentionScale: attentionScale === headDim ** -0.5 ? 1.02 * attentionScale : headDim ** -0.5,
  }),
  'attention soft cap': () => ({ attentionSoftcap: null }),
  'attention sinks': () => ({ attentionSinks: false }),
  'logit soft cap': () => ({ logitSoftcap: null }),
  'embedding scale': ({ embeddingScale }) => (embeddingScale === 1 ? {} : { embeddingScale: 1 }),
  'residual scale': () => ({ residualScale: 1 }),
  'logit scale': () => ({ logitScale: 1 }),
  'experts of a token': ({ experts }) => ({
    experts: experts && { ...experts, perToken: experts.perToken - 1 },
  }),
  'biases of experts': ({ experts }) => ({ experts: experts && { ...experts, biased: false } }),
  'what experts count': ({ experts }) => ({
    experts: experts && {
      ...experts,
      // Those of all experts add up to one.
      normalized: experts.normalized !== experts.perToken < experts.count,
    },
  }),
};

describe.each(FAMILIES)('%s notices', (name) => {
  const golden = goldenCase(name);
  const changed = Object.entries(CHANGES)
    .map(([change, apply]) => ({ change, spec: { ...golden.spec, ...apply(golden.spec) } }))
    .filter(({ spec }) => !isDeepStrictEqual(spec, golden.spec));

  test.each(changed)('$change', async ({ spec }) => {
    expect(await logitError(golden, spec)).toBeGreaterThan(LOGIT_LIMIT);
  });
});

test.each(ROPE_CASES)('%s notices whether its scaling is applied', async (name) => {
  const golden = goldenCase(name);
  const plain = specFromConfig(name, { ...golden.config, rope_scaling: null });
  const error = await logitError(golden, plain);
  // Dynamic scaling begins beyond max_position_embeddings.
  if (name === 'llama-dynamic') expect(error).toBeLessThanOrEqual(LOGIT_LIMIT);
  else expect(error).toBeGreaterThan(LOGIT_LIMIT);
});
