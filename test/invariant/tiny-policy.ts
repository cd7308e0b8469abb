/** Tiny random policies, and the gradient that a training step hands to the optimizer. */
import { fourBitBase, Policy, planLora, specFromConfig } from '../../src/model/index.js';
import type { DecoderSpec } from '../../src/model/spec.js';
import type { StepOutcome, Trainer } from '../../src/train/index.js';
import type { Rng } from '../../src/util/rng.js';
import {
  type HostTensor,
  type LoraConfig,
  loraConfig,
  type Quantization,
  toFloat32,
} from '../../src/weights/index.js';
import { goldenTensor, goldenWeights } from '../support/golden-models.js';
import { adamwTrainer } from './adamw-trainer.js';

export type TinyFamily = 'llama' | 'qwen2' | 'qwen3_moe';

export const TINY_VOCABULARY = 96;

export interface TinyModel {
  readonly spec: DecoderSpec;
  /** N(0, 0.15²) matrices; norms around 1; biases where the family has them. */
  readonly weights: (name: string) => HostTensor;
}

export function tinyModel(family: TinyFamily): TinyModel {
  const spec = specFromConfig(family, {
    model_type: family,
    vocab_size: TINY_VOCABULARY,
    hidden_size: 32,
    intermediate_size: 48,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    head_dim: 16,
    max_position_embeddings: 128,
    tie_word_embeddings: family === 'qwen2',
    ...(family === 'qwen3_moe' && {
      ...{ moe_intermediate_size: 48, num_experts: 4, num_experts_per_tok: 2 },
      router_aux_loss_coef: 0.5,
    }),
  });
  return { spec, weights: goldenWeights(family, spec) };
}

export interface TinyPolicyOptions {
  readonly family?: TinyFamily;
  /** null trains all parameters; default: rank 4 on every linear module. */
  readonly lora?: Partial<LoraConfig> | null;
  readonly keepReference?: boolean;
  readonly checkpointedLayers?: number;
  /** null keeps the base as it is, the default. */
  readonly quantization?: Quantization | null;
}

/** LoRA's A and B are both random, so that the adapter matters from the start. */
export function tinyPolicy(options: TinyPolicyOptions = {}): Policy {
  const { family = 'llama', lora = {}, keepReference = false, checkpointedLayers = 0 } = options;
  const { quantization = null } = options;
  const { spec, weights: own } = tinyModel(family);
  const weights = fourBitBase(spec, own, quantization);
  const plan =
    lora === null
      ? null
      : planLora(spec, loraConfig({ r: 4, loraAlpha: 8, targetModules: 'all-linear', ...lora }));
  const initialLora = (plan?.shapes ?? []).map(({ name, shape }) =>
    toFloat32(goldenTensor(family, name, { shape, normMean: 0 })),
  );
  return new Policy({ spec, weights, lora: plan, initialLora, keepReference, checkpointedLayers });
}

export function randomIds(rng: Rng, length: number): number[] {
  return Array.from({ length }, () => rng.int(0, TINY_VOCABULARY - 1));
}

type Step = (step: number, learningRate: number) => Promise<StepOutcome>;

export interface StepGradient {
  readonly metrics: Readonly<Record<string, number>>;
  readonly gradient: Float32Array;
}

/** One step of a trainer whose optimizer keeps the gradient as it came (β₁ = 0, no clipping, rate 0). */
export async function stepGradient(
  policy: Policy,
  stepOf: (trainer: Trainer) => Step,
): Promise<StepGradient> {
  const trainer = adamwTrainer(policy, { beta1: 0, beta2: 0.9, maxGradNorm: 0, seed: 3 });
  const { metrics } = await stepOf(trainer)(0, 0);
  const { moments } = await trainer.optimizer.state();
  trainer.optimizer.dispose();
  return { metrics, gradient: moments.m! };
}
