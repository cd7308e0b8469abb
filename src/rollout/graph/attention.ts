/**
 * Grouped-query attention (Ainslie et al. 2023) on ONNX Runtime's fused operator: rotary embedding, update
 * of the key/value cache and causal attention (windowed, soft-capped) in one node.
 */
import { attentionLayer } from '../../model/spec.js';
import { headNorms, sinksOf } from '../../model/spec-modules.js';
import type { Attributes, Value } from '../onnx/graph-builder.js';
import { gated, queriesAndGates } from './attention-gate.js';
import { addWeight, batched, type GraphContext, inRows, modelNorm } from './context.js';
import { project } from './linear.js';
import { pastKey, pastValue, presentKey, presentValue, SEQLENS_K, TOTAL_LENGTH } from './names.js';
import type { LayerProjections } from './projections.js';
import { positions, ropeAttributes, ropeInputs, rotationAttributes } from './rope-inputs.js';
import { tensorWeight } from './weight-source.js';

const CACHE_SHAPE = 'cache_capacity';

/**
 * Attention of one layer, up to but not including its output projection.
 * @param x normalised hidden states [B·S, hidden]
 * @returns [B·S, heads · headDim]
 */
export function attention(
  context: GraphContext,
  x: Value,
  layer: number,
  { mixerIn }: LayerProjections,
): Value {
  const { graph, spec } = context;
  const projected = mixerIn.map((projection) => project(context, x, projection));
  const [queries, gate] = spec.attentionGate
    ? queriesAndGates(context, projected[0]!)
    : [projected[0]!, null];
  const queriesKeysValues = [queries, ...projected.slice(1)];
  const inputs =
    queriesKeysValues.length === 1
      ? [batched(context, queriesKeysValues[0]!), '', '']
      : normalised(context, queriesKeysValues, layer);
  const caches = cacheInputs(context, layer);
  const rope = spec.qkNormLast ? [] : ropeInputs(context, layer);
  const output = graph.node(
    'GroupQueryAttention',
    [...inputs, ...caches, SEQLENS_K, TOTAL_LENGTH, ...rope, ...sinks(context, layer, rope.length)],
    {
      contrib: true,
      attributes: attentionAttributes(context, layer),
      outputs: [`attention.${layer}`, presentKey(layer), presentValue(layer)],
    },
  );
  declareCacheOutputs(context, layer);
  const attended = inRows(context, output, spec.numHeads * spec.headDim);
  return gate === null ? attended : gated(context, attended, gate);
}

function attentionAttributes(context: GraphContext, layer: number): Attributes {
  const { spec } = context;
  const { rope, window } = attentionLayer(spec, layer);
  return {
    num_heads: spec.numHeads,
    kv_num_heads: spec.numKvHeads,
    scale: spec.attentionScale,
    do_rotary: rope === null || spec.qkNormLast ? 0 : 1,
    ...ropeAttributes(context, layer),
    ...(window === null ? {} : { local_window_size: window }),
    ...(spec.attentionSoftcap === null ? {} : { softcap: spec.attentionSoftcap }),
  };
}

/**
 * RMSNorm on queries and keys, over each head or over the whole projection; values as they are. Norms that come after
 * the rotation have it here, too, where attention would have it first.
 */
function normalised(context: GraphContext, qkv: readonly Value[], layer: number): Value[] {
  const { spec } = context;
  const norms = headNorms(spec, layer) ?? [];
  return qkv.map((value, i) => {
    const norm = norms[i];
    if (norm === undefined) return batched(context, value);
    const { name, length } = norm;
    const x = spec.qkNormLast
      ? rotated(context, batched(context, value), {
          layer,
          heads: [spec.numHeads, spec.numKvHeads][i]!,
        })
      : value;
    return batched(context, modelNorm(context, inRows(context, x, length), name, length));
  });
}

/** @param x [B, S, heads · headDim] */
function rotated(
  context: GraphContext,
  x: Value,
  { layer, heads }: { readonly layer: number; readonly heads: number },
): Value {
  const tables = ropeInputs(context, layer);
  if (tables.length === 0) return x;
  return context.graph.node('RotaryEmbedding', [x, positions(context), ...tables], {
    contrib: true,
    attributes: { num_heads: heads, ...rotationAttributes(context, layer) },
  });
}

/** Of each head a score that no value goes with: the operator's fifth optional input, of which `given` are there. */
function sinks(context: GraphContext, layer: number, given: number): Value[] {
  const name = sinksOf(context.spec, layer);
  if (name === null) return [];
  addWeight(context, name, tensorWeight(context.source, name, [context.spec.numHeads]));
  return [...new Array<Value>(4 - given).fill(''), name];
}

function cacheInputs({ graph, spec, type }: GraphContext, layer: number): Value[] {
  const shape = ['B', spec.numKvHeads, CACHE_SHAPE, spec.headDim];
  return [pastKey(layer), pastValue(layer)].map((name) => graph.input(name, type, shape));
}

function declareCacheOutputs({ graph, spec, type }: GraphContext, layer: number): void {
  const shape = ['B', spec.numKvHeads, CACHE_SHAPE, spec.headDim];
  for (const name of [presentKey(layer), presentValue(layer)]) graph.output(name, type, shape);
}
