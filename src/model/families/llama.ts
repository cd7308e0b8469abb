/** Llama 2 and 3.x, and checkpoints that call themselves so (SmolLM2). */
import type { Activation, DecoderSpec, LayerSpec, RopeSpec } from '../spec.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { LLAMA_NAMES } from './names.js';
import { PRE_NORMS } from './norms.js';
import { type RopeContext, ropeFromConfig } from './rope.js';

/** `config.json`'s names of activations. */
const ACTIVATIONS = {
  silu: 'silu',
  swish: 'silu',
  gelu_pytorch_tanh: 'gelu_tanh',
  gelu_new: 'gelu_tanh',
  gelu: 'gelu',
} as const satisfies Record<string, Activation>;

type ActivationName = keyof typeof ACTIVATIONS;

/** Linear modules whose biases a field switches. */
type BiasField = 'attention_bias' | 'mlp_bias';

type RopeTraits = Omit<RopeContext, 'headDim' | 'maxPositions' | 'theta'>;

/** Where a Llama-like family differs, and transformers' defaults for what its `config.json` may leave out. */
export interface FamilyTraits {
  readonly family: string;
  readonly maxPositions: number;
  /** Absent: the checkpoint must say it. */
  readonly vocabSize?: number;
  readonly heads?: number;
  /** Absent: as many as query heads. */
  readonly keyValueHeads?: number;
  /** Absent, or `head_dim` null: hidden size over query heads. */
  readonly headDim?: number;
  /** Absent: the checkpoint must say it, as `intermediate_size`. */
  readonly intermediateSize?: number;
  readonly normEps?: number;
  /** Absent: `rms_norm_eps`. */
  readonly normEpsField?: string;
  readonly tied?: boolean;
  readonly theta?: number;
  /** What its ropes have besides; `partial` is the default of `partial_rotary_factor`, which only such a family has. */
  readonly rope?: RopeTraits;
  /** Bias fields that the family has; the others must be false or absent. */
  readonly biases?: readonly BiasField[];
  /** Field that names the activation, and its default; or the only one there is. */
  readonly activation?: readonly [field: string, fallback: ActivationName] | Activation;
  /** Absent: one rope from `rope_scaling` or `rope_parameters`. */
  readonly ropes?: (context: RopeContext) => readonly RopeSpec[];
}

/** What the Llama-like families have in common; a family overrides what differs. */
export function llamaLike(fields: ConfigFields, traits: FamilyTraits): DecoderSpec {
  const hiddenSize = fields.positiveInteger('hidden_size');
  const numHeads = fields.positiveInteger('num_attention_heads', traits.heads);
  const headDim =
    fields.positiveIntegerOrNull('head_dim', traits.headDim ?? null) ??
    fields.positiveInteger('head_dim', hiddenSize / numHeads);
  const maxPositions = fields.positiveInteger('max_position_embeddings', traits.maxPositions);
  const numLayers = layerCount(fields);
  const context = {
    headDim,
    maxPositions,
    theta: traits.theta ?? 10_000,
    ...ropeTraits(fields, traits),
  };
  const ropes = traits.ropes?.(context) ?? [ropeFromConfig(fields, context)];
  const layers: LayerSpec[] = Array.from({ length: numLayers }, () => attends(null));
  const hasBias = (field: BiasField) =>
    traits.biases?.includes(field) ? fields.boolean(field, false) : fields.oneOf(field, [false]);
  const attention = hasBias('attention_bias');
  fields.oneOf('lm_head_bias', [false]);
  return {
    family: traits.family,
    root: 'model',
    vocabSize: fields.positiveInteger('vocab_size', traits.vocabSize),
    hiddenSize,
    intermediateSize: traits.intermediateSize ?? fields.positiveInteger('intermediate_size'),
    experts: null,
    numHeads,
    numKvHeads: keyValueHeads(fields, numHeads, traits),
    headDim,
    maxPositions: Math.min(maxPositions, ...ropes.map(({ maxLength = maxPositions }) => maxLength)),
    layers,
    ropes,
    normEps: fields.positive(traits.normEpsField ?? 'rms_norm_eps', traits.normEps ?? 1e-6),
    normOffset: 0,
    centredNorms: false,
    normBias: false,
    norms: PRE_NORMS,
    parallelMlp: false,
    names: LLAMA_NAMES,
    qkNorm: 'none',
    qkNormLast: false,
    attentionGate: false,
    activation: activation(fields, traits),
    mlpGate: 'linear',
    bias: { q: attention, k: attention, v: attention, o: attention, mlp: hasBias('mlp_bias') },
    fusedProjections: { qkv: false, gateUp: false },
    attentionScale: headDim ** -0.5,
    attentionSoftcap: null,
    attentionSinks: false,
    logitSoftcap: null,
    embeddingScale: 1,
    residualScale: 1,
    logitScale: 1,
    tieWordEmbeddings: fields.boolean('tie_word_embeddings', traits.tied ?? false),
    headBias: false,
  };
}

function ropeTraits(fields: ConfigFields, { rope = {} }: FamilyTraits): RopeTraits {
  const { partial } = rope;
  if (partial === undefined) return rope;
  return { ...rope, partial: fields.positive('partial_rotary_factor', partial) };
}

/** More than any model has: such a count is damage, and its layers would not fit into memory. */
const MAX_LAYERS = 10_000;

function layerCount(fields: ConfigFields): number {
  const key = 'num_hidden_layers';
  const count = fields.positiveInteger(key);
  if (count <= MAX_LAYERS) return count;
  throw fields.wrong(key, count, `a positive integer up to ${MAX_LAYERS}`);
}

function keyValueHeads(fields: ConfigFields, numHeads: number, traits: FamilyTraits): number {
  const key = 'num_key_value_heads';
  const count = fields.positiveIntegerOrNull(key, traits.keyValueHeads ?? numHeads) ?? numHeads;
  if (numHeads % count === 0) return count;
  throw fields.wrong(key, count, `a divisor of num_attention_heads (${numHeads})`);
}

function activation(fields: ConfigFields, { activation: named }: FamilyTraits): Activation {
  if (typeof named === 'string') return named;
  const [field, fallback] = named ?? ['hidden_act', 'silu'];
  const names = Object.keys(ACTIVATIONS) as ActivationName[];
  return ACTIVATIONS[fields.oneOf(field, [fallback, ...names.filter((name) => name !== fallback)])];
}

export function llama(fields: ConfigFields): DecoderSpec {
  fields.oneOf('rope_interleaved', [false]);
  return llamaLike(fields, {
    family: 'llama',
    maxPositions: 2048,
    biases: ['attention_bias', 'mlp_bias'],
  });
}
