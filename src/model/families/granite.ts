/**
 * Granite 3: Llama with a multiplier on embeddings, attention scores, sub-layer outputs and logits.
 * GraniteMoE: the same with experts, of which a token takes the best by logits and then a softmax over them.
 * GraniteMoeHybrid: of Granite 4 the decoders without Mamba layers and without experts, whose shared MLP is all there is.
 * HyperCLOVA X: the same with norms after each sub-layer too, and a logit multiplier where Granite divides.
 */
import type { DecoderSpec } from '../spec.js';
import { expertsFrom } from './experts.js';
import type { ConfigFields } from './fields.js';
import { attends } from './layer-types.js';
import { type FamilyTraits, llamaLike } from './llama.js';

/** @param attentionScale Where there is no `attention_multiplier`; absent: 1/√headDim. */
function graniteLike(
  fields: ConfigFields,
  traits: Pick<FamilyTraits, 'family'> & Partial<FamilyTraits>,
  attentionScale?: number,
): DecoderSpec {
  const spec = llamaLike(fields, {
    maxPositions: 2048,
    biases: ['attention_bias', 'mlp_bias'],
    ...traits,
  });
  return {
    ...spec,
    embeddingScale: fields.positive('embedding_multiplier', 1),
    attentionScale: fields.positive('attention_multiplier', attentionScale ?? spec.attentionScale),
    residualScale: fields.positive('residual_multiplier', 1),
  };
}

export function granite(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, { family: 'granite' }, 1);
  return { ...spec, logitScale: 1 / fields.positive('logits_scaling', 1) };
}

export function graniteMoe(fields: ConfigFields): DecoderSpec {
  const traits = { family: 'granitemoe', vocabSize: 32_000, biases: ['attention_bias'] } as const;
  const spec = graniteLike(fields, traits, 1);
  const experts = {
    ...{ count: 8, perToken: 2, normalized: true, auxLossCoef: 0.001 },
    ...{ stacked: true, module: 'block_sparse_moe.experts' },
  };
  return {
    ...spec,
    names: { ...spec.names, mlp: 'block_sparse_moe', router: 'router.layer' },
    experts: expertsFrom(fields, experts),
    logitScale: 1 / fields.positive('logits_scaling', 1),
  };
}

/** They concern Mamba layers, experts and the first weights. */
const OF_OTHERS = [
  ...['chunk_size', 'conv_bias', 'd_conv', 'd_head', 'd_state', 'expand', 'n_groups', 'n_heads']
    .concat('proj_bias')
    .map((name) => `mamba_${name}`),
  ...['time_step_limit', 'intermediate_size', 'num_experts_per_tok', 'output_router_logits'],
  ...['router_aux_loss_coef', 'init_method'],
];

export function graniteMoeHybrid(fields: ConfigFields): DecoderSpec {
  for (const key of OF_OTHERS) fields.raw(key);
  fields.oneOf('normalization_function', ['rmsnorm']);
  const experts = fields.wholeNumber('num_local_experts', 8);
  if (experts > 0) throw fields.wrong('num_local_experts', experts, '0: a shared MLP alone');
  const spec = graniteLike(
    fields,
    {
      family: 'granitemoehybrid',
      vocabSize: 32_000,
      intermediateSize: fields.positiveInteger('shared_intermediate_size', 1024),
      biases: ['attention_bias'],
    },
    1,
  );
  const rotates = fields.oneOf('position_embedding_type', ['nope', 'rope']) === 'rope';
  checkTypes(fields, spec.layers.length);
  return {
    ...spec,
    layers: spec.layers.map(() => attends(null, rotates ? 0 : null)),
    names: { ...spec.names, mlp: 'shared_mlp', gateUp: 'input_linear', down: 'output_linear' },
    fusedProjections: { qkv: false, gateUp: true },
    logitScale: 1 / fields.positive('logits_scaling', 1),
  };
}

const KINDS = ['attention', 'full_attention', 'mamba', 'linear_attention'] as const;

/** Without a list of them transformers makes every layer one of Mamba. */
function checkTypes(fields: ConfigFields, layers: number): void {
  const key = fields.raw('layers_block_type') === undefined ? 'layer_types' : 'layers_block_type';
  const types = fields.words(key, layers, KINDS);
  const isAttention = (type: string) => type === 'attention' || type === 'full_attention';
  if (types?.every(isAttention)) return;
  const other = types?.find((type) => !isAttention(type));
  throw fields.wrong(key, other, '"attention" in each layer: Mamba is not supported');
}

export function hyperclovax(fields: ConfigFields): DecoderSpec {
  const spec = graniteLike(fields, { family: 'hyperclovax' });
  const after = fields.boolean('use_post_norm', true)
    ? { afterAttention: 'post_norm1', afterMlp: 'post_norm2' }
    : {};
  return {
    ...spec,
    norms: { ...spec.norms, ...after },
    logitScale: fields.positive('logits_scaling', 1),
  };
}
