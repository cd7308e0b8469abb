/**
 * The decoder's linear maps and attention on our own operators (src/rollout/native): norm, product, adapter,
 * bias, sum or gated activation in one node, and attention that updates the cache in place.
 */
import { type Activation, attentionLayer } from '../../model/spec.js';
import { expertWeights } from '../../model/spec-experts.js';
import { headNorms, parameterShapes, sinksOf } from '../../model/spec-modules.js';
import type { Value } from '../onnx/graph-builder.js';
import { gated, queriesAndGates } from './attention-gate.js';
import { type GraphContext, isAdaptable, modelNorm, split } from './context.js';
import { loraA, loraB, pastKey, pastValue, SEQLENS_K } from './names.js';
import {
  cacheType,
  type NativeKernels,
  type NativePrecision,
  productType,
} from './native-layout.js';
import { expertProjections, HEAD, mergedProjections, type Projection } from './projections.js';
import { ropeAttributes, ropeInputs } from './rope-inputs.js';
import { checkpointWeight, stackedBias, tensorWeight } from './weight-source.js';

const KINDS: Readonly<Record<NativePrecision, number>> = {
  float32: 0,
  bfloat16: 1,
  int8: 2,
  int8_weight_only: 1,
  int4_weight_only: 1,
};
const GATED: Readonly<Record<Activation, number>> = {
  silu: 1,
  gelu_tanh: 2,
  gelu: 3,
  relu: 4,
  clamped_silu: 5,
};
const NORMS = { none: 0, head: 1, full: 2 } as const;

interface LinearOptions {
  /** Weight of the norm applied to the input first. */
  readonly norm?: string | null;
  /** Added to the output. */
  readonly addend?: Value;
  /** [T, 1]: multiplies each row of the output. */
  readonly factor?: Value;
  /** Name of the result. */
  readonly output?: Value;
  /** Default: that of the graph. */
  readonly precision?: NativePrecision;
}

/** @returns [T, out], or act(first half) · second half for a gated projection */
export function nativeLinear(
  context: GraphContext,
  x: Value,
  projection: Projection,
  { norm = null, addend = '', factor = '', output, precision }: LinearOptions,
): Value {
  const { graph, spec } = context;
  const kept = precision ?? kernels(context).precision;
  const weights = [...new Set(projection.parts.map(({ module }) => `${module}.weight`))];
  const [taken, weight] = normInputs(context, x, norm, projection.inFeatures);
  const inputs = [
    ...[taken, weight, addend, factor],
    ...[biasOf(context, projection), ...adapterOf(context, projection)],
    ...weights.map((name) => declared(context, name)),
  ];
  return graph.node('Linear', inputs, {
    domain: 'lorikeet',
    ...(output !== undefined && { outputs: [output] }),
    attributes: {
      kind: KINDS[kept],
      weight_bits: weightBits(kept, projection),
      parts: weights.length,
      gated: projection.isGated ? GATED[spec.activation] : 0,
      epsilon: spec.normEps,
      threads: kernels(context).threads,
    },
  });
}

/** What a linear map takes, and the weight of the norm that it begins with; LayerNorm is an operator before it. */
function normInputs(
  context: GraphContext,
  x: Value,
  norm: string | null,
  length: number,
): readonly [taken: Value, weight: Value] {
  if (norm === null) return [x, ''];
  if (context.spec.centredNorms) return [modelNorm(context, x, norm, length), ''];
  return [x, normWeight(context, norm, length)];
}

interface ExpertsOptions {
  readonly layer: number;
  /** RMSNorm weight applied to the input first; null: none. */
  readonly norm: string | null;
  /** In float32 whatever the graph computes in: its result decides where a token goes. */
  readonly router: Projection;
}

/** @param x [T, hidden] @returns [T, hidden] */
export function nativeExperts(
  context: GraphContext,
  x: Value,
  { layer, norm, router }: ExpertsOptions,
): Value {
  const { graph, spec } = context;
  const { precision, threads } = kernels(context);
  const { count, perToken, normalized } = spec.experts!;
  const logits = nativeLinear(context, x, router, { norm, precision: 'float32' });
  const { experts: each } = expertWeights(spec, layer);
  const weights = each.flatMap(({ gate, up, down }) =>
    [gate, up, down].map((name) => declared(context, name)),
  );
  const biases = [each.flatMap(({ gate, up }) => [gate, up]), each.map(({ down }) => down)].map(
    (matrices, i) => expertBiases(context, `layers.${layer}.experts.${i}.bias`, matrices),
  );
  const { gateUp, down } = expertProjections(spec, layer);
  const adapters = [gateUp, down].flatMap((projection) => adapterOf(context, projection));
  return graph.node('Experts', [x, norm ?? '', logits, ...adapters, ...biases, ...weights], {
    domain: 'lorikeet',
    attributes: {
      kind: KINDS[precision],
      weight_bits: weightBits(precision, router),
      experts: count,
      per_token: perToken,
      normalized: normalized ? 1 : 0,
      gated: GATED[spec.activation],
      epsilon: spec.normEps,
      threads,
    },
  });
}

/** Biases of matrices side by side; none where they have none. */
function expertBiases(
  { graph, spec, source }: GraphContext,
  name: string,
  matrices: readonly string[],
): Value {
  if (!spec.experts!.biased) return '';
  const shapes = parameterShapes(spec);
  const parts = matrices.map((matrix) => ({
    module: matrix.replace(/[.]weight$/, ''),
    bias: true,
    start: 0,
    count: shapes.get(matrix)![0]!,
  }));
  return graph.weight(name, stackedBias(source, parts));
}

/** The head stays in 8 bits: rounding there goes straight into the logits. */
function weightBits(precision: NativePrecision, { name }: Projection): number {
  if (precision === 'int4_weight_only') return name === HEAD ? 8 : 4;
  return precision === 'int8_weight_only' ? 8 : 16;
}

const kernels = ({ native }: GraphContext): NativeKernels => native!;

function normWeight({ graph, spec, source }: GraphContext, name: string, length: number): Value {
  if (graph.has(name)) return name;
  return graph.weight(name, tensorWeight(source, name, [length], spec.normOffset));
}

/** A weight as the checkpoint stores it; the operator packs it when it is created. */
function declared({ graph, source }: GraphContext, name: string): Value {
  return graph.has(name) ? name : graph.weight(name, checkpointWeight(source, name));
}

function biasOf({ graph, source }: GraphContext, { name, parts }: Projection): Value {
  if (!parts.some(({ bias }) => bias)) return '';
  return graph.weight(`${name}.bias`, stackedBias(source, parts));
}

function adapterOf(context: GraphContext, projection: Projection): Value[] {
  if (!isAdaptable(context, projection)) return ['', ''];
  const type = productType(kernels(context));
  const { name } = projection;
  return [loraA(name), loraB(name)].map((input, i) =>
    context.graph.input(input, type, [`rank.${name}`, `columns.${name}.${i}`]),
  );
}

/**
 * Attention of one layer from the residual stream on, up to but not including its output projection.
 * @param x [B·S, hidden]
 * @returns [B·S, heads · headDim]
 */
export function nativeAttention(
  context: GraphContext,
  x: Value,
  layer: number,
  norm: string | null,
): Value {
  const { graph, spec } = context;
  const projected = nativeLinear(context, x, mergedProjections(spec, layer).mixerIn, { norm });
  const [qkv, gate] = spec.attentionGate ? withoutGates(context, projected) : [projected, null];
  const rope = ropeInputs(context, layer);
  const inputs = [
    ...[qkv, ...caches(context, layer), SEQLENS_K],
    ...(rope.length === 0 ? ['', ''] : rope),
    ...queryKeyNorms(context, layer),
    attentionSinks(context, layer),
  ];
  const { window } = attentionLayer(spec, layer);
  const attended = graph.node('Attention', inputs, {
    domain: 'lorikeet',
    attributes: {
      num_heads: spec.numHeads,
      kv_num_heads: spec.numKvHeads,
      scale: spec.attentionScale,
      norm: NORMS[spec.qkNorm],
      norm_last: spec.qkNormLast ? 1 : 0,
      epsilon: spec.normEps,
      ...ropeAttributes(context, layer),
      ...(window === null ? {} : { local_window_size: window }),
      ...(spec.attentionSoftcap === null ? {} : { softcap: spec.attentionSoftcap }),
    },
  });
  return gate === null ? attended : gated(context, attended, gate);
}

/** Queries, keys and values side by side as attention takes them, and the gates. */
function withoutGates(context: GraphContext, projected: Value): [Value, Value] {
  const { graph, spec } = context;
  const heads = [2 * spec.numHeads, spec.numKvHeads, spec.numKvHeads];
  const widths = heads.map((count) => count * spec.headDim);
  const parts = split(context, projected, widths);
  const [queries, gate] = queriesAndGates(context, parts[0]!);
  return [graph.node('Concat', [queries, ...parts.slice(1)], { attributes: { axis: -1 } }), gate];
}

function caches(context: GraphContext, layer: number): Value[] {
  const { graph, spec } = context;
  const shape = ['B', spec.numKvHeads, 'cache_capacity', spec.headDim];
  const type = cacheType(kernels(context));
  return [pastKey(layer), pastValue(layer)].map((name) => graph.input(name, type, shape));
}

/** Two, absent ones too. */
function queryKeyNorms(context: GraphContext, layer: number): Value[] {
  const norms = headNorms(context.spec, layer);
  if (norms === null) return ['', ''];
  return norms.map(({ name, length }) => normWeight(context, name, length));
}

function attentionSinks({ graph, spec, source }: GraphContext, layer: number): Value {
  const name = sinksOf(spec, layer);
  return name === null ? '' : graph.weight(name, tensorWeight(source, name, [spec.numHeads]));
}

/** Token embeddings [B·S, hidden] from the checkpoint's own matrix. */
export function nativeEmbedding(context: GraphContext, name: string, ids: Value): Value {
  const { graph, source } = context;
  const weight = checkpointWeight(source, name);
  graph.weight(name, weight);
  const rows = graph.node('Gather', [name, ids]);
  return weight.type === 'float32' ? rows : graph.node('Cast', [rows], { attributes: { to: 1 } });
}
