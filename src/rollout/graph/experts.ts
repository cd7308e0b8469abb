/**
 * Experts in place of an MLP, with the router before them: by our own operator, or by ONNX Runtime's `MoE`, whose CPU
 * kernel takes a softmax over the chosen, and gate and up in turns: its `swiglu` is g·σ(alpha·g)·(u + beta), both clamped.
 */
import type { Activation } from '../../model/spec.js';
import { biasOf, expertWeights } from '../../model/spec-experts.js';
import { toFloat32 } from '../../weights/index.js';
import type { Attributes, Value } from '../onnx/graph-builder.js';
import { addConstant, addWeight, type GraphContext, integers, modelNorm } from './context.js';
import { project } from './linear.js';
import { nativeExperts } from './native.js';
import type { Projection } from './projections.js';
import { floats, type Weight } from './weight-source.js';

/**
 * @param x The residual stream, [T, hidden] @param norm Before router and experts; null: none
 * @returns [T, hidden]
 */
export function experts(
  context: GraphContext,
  x: Value,
  layer: number,
  norm: string | null,
): Value {
  const { spec, native } = context;
  const { router } = expertWeights(spec, layer);
  const module = router.replace(/[.]weight$/, '');
  const outFeatures = spec.experts!.count;
  const projection: Projection = {
    name: `layers.${layer}.router`,
    inFeatures: spec.hiddenSize,
    outFeatures,
    parts: [{ module, bias: spec.experts!.biased, start: 0, count: outFeatures }],
  };
  if (native !== null) return nativeExperts(context, x, { layer, norm, router: projection });
  const hidden = norm === null ? x : modelNorm(context, x, norm, spec.hiddenSize);
  return onnxExperts(context, hidden, project(context, hidden, projection), layer);
}

/** What is clamped, or the same as SiLU. */
const SWIGLU: Readonly<Partial<Record<Activation, Attributes>>> = {
  silu: { activation_alpha: 1, activation_beta: 0 },
  clamped_silu: { activation_alpha: 1.702, activation_beta: 1, swiglu_limit: 7 },
};

function onnxExperts(context: GraphContext, hidden: Value, logits: Value, layer: number): Value {
  const { graph, spec } = context;
  const { perToken, normalized } = spec.experts!;
  const prefix = `layers.${layer}.experts`;
  const inward = addWeight(context, `${prefix}.gate_up.weight`, inTurns(context, layer));
  const outward = addWeight(context, `${prefix}.down.weight`, outwards(context, layer));
  const [inwardBias, outwardBias] = biases(context, layer, prefix);
  const inputs = [hidden, logits, inward, inwardBias, outward, outwardBias];
  const result = graph.node('MoE', inputs, {
    contrib: true,
    attributes: {
      k: perToken,
      activation_type: 'swiglu',
      swiglu_fusion: 1,
      ...SWIGLU[spec.activation],
      normalize_routing_weights: 1,
    },
  });
  if (normalized) return result;
  const likely = graph.node('Softmax', [logits], { attributes: { axis: -1 } });
  const names = [`${prefix}.shares`, `${prefix}.chosen`];
  graph.node('TopK', [likely, integers(context, [perToken])], { outputs: names });
  return graph.node('Mul', [
    result,
    graph.node('ReduceSum', [names[0]!, integers(context, [-1])], { attributes: { keepdims: 1 } }),
  ]);
}

/** As the weights have their rows, [count, 2 · inner] and [count, hidden]; absent ones are empty. */
function biases(context: GraphContext, layer: number, prefix: string): [Value, Value] {
  const { spec, source } = context;
  const { hiddenSize: width, intermediateSize: inner } = spec;
  if (!spec.experts!.biased) return ['', ''];
  const { experts: each } = expertWeights(spec, layer);
  const read = (name: string) => toFloat32(source(biasOf(name)));
  const pairs = each.flatMap(({ gate, up }) => {
    const [gates, ups] = [read(gate), read(up)];
    return [...gates].flatMap((value, i) => [value, ups[i]!]);
  });
  const downs = each.flatMap(({ down }) => [...read(down)]);
  const add = (name: string, values: number[], length: number) =>
    addConstant(context, `${prefix}.${name}.bias`, Float32Array.from(values), [
      each.length,
      length,
    ]);
  return [add('gate_up', pairs, 2 * inner), add('down', downs, width)];
}

/** Gate and up of each expert, row by row in turns, [count, 2 · inner, hidden]. */
function inTurns({ spec, source }: GraphContext, layer: number): Weight {
  const { hiddenSize: width, intermediateSize: inner } = spec;
  const { experts: each } = expertWeights(spec, layer);
  return {
    type: 'float32',
    shape: [each.length, 2 * inner, width],
    write(target) {
      const values = floats(target);
      for (const [expert, { gate, up }] of each.entries()) {
        for (const [turn, name] of [gate, up].entries()) {
          const matrix = toFloat32(source(name));
          for (let row = 0; row < inner; row++) {
            const at = (2 * (expert * inner + row) + turn) * width;
            values.set(matrix.subarray(row * width, (row + 1) * width), at);
          }
        }
      }
    },
  };
}

/** [count, hidden, inner] */
function outwards({ spec, source }: GraphContext, layer: number): Weight {
  const { hiddenSize: width, intermediateSize: inner } = spec;
  const { experts: each } = expertWeights(spec, layer);
  return {
    type: 'float32',
    shape: [each.length, width, inner],
    write(target) {
      const values = floats(target);
      for (const [expert, { down }] of each.entries()) {
        values.set(toFloat32(source(down)), expert * width * inner);
      }
    },
  };
}
