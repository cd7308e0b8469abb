/**
 * The decoder as an ONNX graph, from its spec: embedding, layers, head, softmax at a temperature. One
 * graph serves prefill, decoding and scoring; what differs is the shape of the inputs (names.ts).
 */
import type { DecoderSpec } from '../../model/spec.js';
import { EMBEDDING, finalNorm, HEAD_BIAS, LM_HEAD, layerNorms } from '../../model/spec-modules.js';
import { type BuiltGraph, GraphBuilder, type Value } from '../onnx/graph-builder.js';
import { attention } from './attention.js';
import { stateLength } from './cache-tensors.js';
import {
  addWeight,
  type GraphContext,
  inFloat,
  integers,
  modelNorm,
  scaled,
  softCapped,
} from './context.js';
import type { ComputeElement } from './element-type.js';
import { experts } from './experts.js';
import { gatedDelta } from './gated-delta.js';
import { checkHeadSizes } from './limits.js';
import { project } from './linear.js';
import { gatedActivation, gatedBy } from './mlp.js';
import {
  BATCH_SHAPE,
  INPUT_IDS,
  INVERSE_TEMPERATURE,
  PROBABILITIES,
  ROWS,
  SCORES,
  SEQLENS_K,
  STARTED,
  STATE_ROWS,
  TOTAL_LENGTH,
} from './names.js';
import { nativeAttention, nativeEmbedding, nativeLinear } from './native.js';
import type { NativeKernels } from './native-layout.js';
import { HEAD, layerProjections, mergedProjections, type Projection } from './projections.js';
import { shortConvolution } from './short-conv.js';
import { tensorWeight, type WeightSource } from './weight-source.js';

export interface DecoderGraphOptions {
  readonly spec: DecoderSpec;
  readonly source: WeightSource;
  /** Modules that get LoRA inputs, by full name. */
  readonly loraModules?: Iterable<string>;
  /** Longest row, prompt and completion together. */
  readonly maxContext: number;
  /** Our own operators, or null for ONNX Runtime's. */
  readonly native?: NativeKernels | null;
  /** What ONNX Runtime's operators compute in; default float32. */
  readonly type?: ComputeElement;
}

/** @throws InputError when the model's shape is not one that the operators take. */
export function decoderGraph(options: DecoderGraphOptions): BuiltGraph {
  const { spec, source, loraModules = [], maxContext, native = null, type = 'float32' } = options;
  checkHeadSizes(spec, native !== null);
  const graph = new GraphBuilder();
  const context: GraphContext = {
    graph,
    spec,
    source,
    loraModules: new Set(loraModules),
    maxContext,
    native,
    type,
  };
  declareInputs(context);
  let x = embedding(context);
  for (const layer of spec.layers.keys()) x = decoderLayer(context, x, layer);
  head(context, x);
  return graph.build(spec.family);
}

function declareInputs({ graph, native, spec }: GraphContext): void {
  graph.input(INPUT_IDS, 'int32', ['B', 'S']);
  graph.input(SEQLENS_K, 'int32', ['B']);
  const kept = stateLength(spec);
  if (native === null) graph.input(TOTAL_LENGTH, 'int32', [1]);
  if (native === null || kept !== null) graph.input(BATCH_SHAPE, 'int64', [3]);
  if (kept !== null) {
    graph.input(STATE_ROWS, 'int64', ['B', kept, 1]);
    graph.input(STARTED, 'float32', ['B', 1, 1]);
  }
  graph.input(ROWS, 'int32', ['N']);
  graph.input(INVERSE_TEMPERATURE, 'float32', ['N', 1]);
}

/** [B·S, hidden] */
function embedding(context: GraphContext): Value {
  const { graph, spec, source } = context;
  const ids = graph.node('Reshape', [INPUT_IDS, integers(context, [-1])]);
  if (context.native !== null) {
    return scaled(context, nativeEmbedding(context, EMBEDDING, ids), spec.embeddingScale);
  }
  const shape = [spec.vocabSize, spec.hiddenSize];
  addWeight(context, EMBEDDING, tensorWeight(source, EMBEDDING, shape));
  return scaled(context, graph.node('Gather', [EMBEDDING, ids]), spec.embeddingScale);
}

/** After the last layer's mixer only the wanted positions go on, so `x` shrinks from B·S to N rows. */
function decoderLayer(context: GraphContext, x: Value, layer: number): Value {
  const { graph, spec } = context;
  const { mixerOut, mlp } = layerProjections(spec, layer);
  const norms = layerNorms(spec, layer);
  let mixed = mixerOutput(context, x, layer, norms.beforeAttention);
  let residual = x;
  if (layer === spec.layers.length - 1) {
    mixed = graph.node('Gather', [mixed, ROWS]);
    residual = graph.node('Gather', [residual, ROWS]);
  }
  const middle = joined(context, mixed, {
    projection: mixerOut,
    norm: norms.afterAttention,
    residual,
  });
  const { beforeMlp, afterMlp: norm } = norms;
  const taken = spec.parallelMlp ? residual : middle;
  if (mlp === null) {
    const branch = experts(context, taken, layer, beforeMlp);
    return added(context, branch, { norm, residual: middle });
  }
  const gated = gatedHidden(context, taken, layer, beforeMlp);
  return joined(context, gated, { projection: mlp.down, norm, residual: middle });
}

/** What mixes tokens, on the normalised residual stream, before its output projection. */
function mixerOutput(context: GraphContext, x: Value, layer: number, norm: string | null): Value {
  const { native, spec } = context;
  const mixer = spec.layers[layer]!;
  if (mixer.mixer !== 'attention') {
    const inputs =
      native === null
        ? project(context, normed(context, x, norm), layerProjections(spec, layer).mixerIn[0]!)
        : nativeLinear(context, x, mergedProjections(spec, layer).mixerIn, { norm });
    return mixer.mixer === 'short_conv'
      ? shortConvolution(context, inputs, layer, mixer)
      : gatedDelta(context, inputs, layer, mixer);
  }
  if (native !== null) return nativeAttention(context, x, layer, norm);
  return attention(context, normed(context, x, norm), layer, layerProjections(spec, layer));
}

/** The gated hidden layer on the normalised residual stream, before the down projection. */
function gatedHidden(context: GraphContext, x: Value, layer: number, norm: string | null): Value {
  const { spec, native } = context;
  if (native !== null) {
    const projected = nativeLinear(context, x, mergedProjections(spec, layer).mlp!.gateUp, {
      norm,
    });
    return spec.mlpGate === 'linear' ? projected : gatedBy(context, projected, null);
  }
  return gatedActivation(context, normed(context, x, norm), layerProjections(spec, layer).mlp!);
}

function normed(context: GraphContext, x: Value, name: string | null): Value {
  return name === null ? x : modelNorm(context, x, name, context.spec.hiddenSize);
}

interface Joint {
  readonly projection: Projection;
  readonly norm: string | null;
  readonly residual: Value;
}

/** `residual + residualScale · norm(projection(x))`, the sum inside the projection where nothing is between. */
function joined(context: GraphContext, x: Value, { projection, norm, residual }: Joint): Value {
  const { residualScale } = context.spec;
  if (norm === null && residualScale === 1) return project(context, x, projection, residual);
  return added(context, project(context, x, projection), { norm, residual });
}

/** `residual + residualScale · norm(branch)` */
function added(
  context: GraphContext,
  branch: Value,
  { norm, residual }: Omit<Joint, 'projection'>,
): Value {
  const output = normed(context, branch, norm);
  return context.graph.node('Add', [residual, scaled(context, output, context.spec.residualScale)]);
}

/**
 * Scores and probabilities of the wanted rows. The temperature goes into the hidden states, H numbers a
 * row in place of V, except where a soft cap stands between or the hidden states have two bytes.
 */
function head(context: GraphContext, x: Value): void {
  const { graph, spec } = context;
  if (context.native === null) onnxHead(context, x);
  else nativeHead(context, x);
  graph.node('Softmax', [SCORES], { attributes: { axis: -1 }, outputs: [PROBABILITIES] });
  for (const name of [SCORES, PROBABILITIES]) graph.output(name, 'float32', ['N', spec.vocabSize]);
}

function nativeHead(context: GraphContext, x: Value): void {
  const { graph, spec } = context;
  const module = (spec.tieWordEmbeddings ? EMBEDDING : LM_HEAD).replace(/[.]weight$/, '');
  const projection: Projection = {
    name: HEAD,
    inFeatures: spec.hiddenSize,
    outFeatures: spec.vocabSize,
    parts: [{ module, bias: spec.headBias, start: 0, count: spec.vocabSize }],
  };
  const factor = scaled(context, INVERSE_TEMPERATURE, spec.logitScale);
  if (spec.logitSoftcap === null) {
    nativeLinear(context, x, projection, { norm: finalNorm(spec), factor, output: SCORES });
    return;
  }
  const logits = nativeLinear(context, x, projection, { norm: finalNorm(spec) });
  const capped = softCapped(context, scaled(context, logits, spec.logitScale), spec.logitSoftcap);
  graph.node('Mul', [capped, INVERSE_TEMPERATURE], { outputs: [SCORES] });
}

function onnxHead(context: GraphContext, x: Value): void {
  const { graph, spec, source } = context;
  let hidden = modelNorm(context, x, finalNorm(spec), spec.hiddenSize);
  hidden = scaled(context, hidden, spec.logitScale);
  const isEarly = spec.logitSoftcap === null && context.type === 'float32' && !spec.headBias;
  if (isEarly) hidden = graph.node('Mul', [hidden, INVERSE_TEMPERATURE]);
  const matrix = spec.tieWordEmbeddings
    ? EMBEDDING
    : addWeight(context, LM_HEAD, tensorWeight(source, LM_HEAD, [spec.vocabSize, spec.hiddenSize]));
  const inputs = [hidden, matrix];
  if (spec.headBias) {
    inputs.push(addWeight(context, HEAD_BIAS, tensorWeight(source, HEAD_BIAS, [spec.vocabSize])));
  }
  const product = { attributes: { transB: 1 } };
  if (isEarly) {
    graph.node('Gemm', inputs, { ...product, outputs: [SCORES] });
    return;
  }
  const logits = inFloat(context, graph.node('Gemm', inputs, product));
  const capped = softCapped({ ...context, type: 'float32' }, logits, spec.logitSoftcap);
  graph.node('Mul', [capped, INVERSE_TEMPERATURE], { outputs: [SCORES] });
}
