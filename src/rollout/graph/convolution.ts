/**
 * A causal convolution of each channel over a row's last tokens, by ONNX Runtime's operators in float32. The last inputs
 * of a row stay as its state; those of a row that begins are zeros, whatever the state holds. Where a run is padded on
 * the right, `STATE_ROWS` points at the last inputs of real tokens.
 */
import type { GatedDeltaLayer, ShortConvLayer } from '../../model/spec.js';
import { convWeights } from '../../model/spec-modules.js';
import { toFloat32 } from '../../weights/index.js';
import type { Value } from '../onnx/graph-builder.js';
import { keptInputs } from './cache-tensors.js';
import { type GraphContext, integers } from './context.js';
import { pastState, presentState, STARTED, STATE_ROWS } from './names.js';
import { tensorWeight } from './weight-source.js';

/** @param inputs [B, S, channels] @returns the same shape */
export function convolution(
  context: GraphContext,
  inputs: Value,
  layer: number,
  mixer: ShortConvLayer | GatedDeltaLayer,
): Value {
  const { graph, spec, source } = context;
  const { bias, channels } = convWeights(spec, layer, mixer);
  const kept = keptInputs(mixer);
  const shape = ['B', kept, channels];
  const state = graph.input(pastState(layer), 'float32', shape);
  const before = graph.node('Where', [isStarted(context), state, zero(context)]);
  const all = graph.node('Concat', [before, inputs], { attributes: { axis: 1 } });
  const present = { attributes: { batch_dims: 1 }, outputs: [presentState(layer)] };
  graph.output(graph.node('GatherND', [all, STATE_ROWS], present), 'float32', shape);
  const terms = Array.from({ length: mixer.taps }, (_, tap) => {
    const seen = tap === kept ? inputs : fromTap(context, all, { tap, kept });
    return graph.node('Mul', [seen, tapWeight(context, { layer, mixer, tap })]);
  });
  if (bias !== null) {
    terms.push(graph.weight(bias, tensorWeight(source, bias, [channels])));
  }
  return terms.reduce((sum, term) => graph.node('Add', [sum, term]));
}

/** S inputs, from the tap's distance behind each token on. */
function fromTap(
  context: GraphContext,
  all: Value,
  { tap, kept }: { readonly tap: number; readonly kept: number },
): Value {
  const bounds = [[tap], [tap - kept], [1]].map((values) => integers(context, values));
  return context.graph.node('Slice', [all, ...bounds]);
}

interface Tap {
  readonly layer: number;
  readonly mixer: ShortConvLayer | GatedDeltaLayer;
  readonly tap: number;
}

/** What a channel's input is multiplied by at one distance, [channels]. */
function tapWeight({ graph, spec, source }: GraphContext, { layer, mixer, tap }: Tap): Value {
  const { kernel, channels } = convWeights(spec, layer, mixer);
  const write = (target: Uint8Array) => {
    const values = toFloat32(source(kernel)).filter((_, i) => i % mixer.taps === tap);
    target.set(new Uint8Array(values.buffer));
  };
  return graph.weight(`${kernel}.${tap}`, { type: 'float32', shape: [channels], write });
}

/** [B, 1, 1], whether a row has tokens before this run. */
function isStarted({ graph }: GraphContext): Value {
  const name = 'is_started';
  if (graph.has(name)) return name;
  const half = graph.constant('scalar.half', Float32Array.of(0.5), []);
  return graph.node('Greater', [STARTED, half], { outputs: [name] });
}

function zero({ graph }: GraphContext): Value {
  const name = 'scalar.nothing';
  return graph.has(name) ? name : graph.constant(name, Float32Array.of(0), []);
}
