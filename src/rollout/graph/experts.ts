/**
 * Experts in place of an MLP, with the router before them: by our own operator, or by ONNX Runtime's `MoE`, whose CPU
 * kernel takes a softmax over the chosen, and gate and up in turns (its `swiglu`, here with alpha 1 and beta 0: SiLU).
 */
import { expertWeights } from '../../model/spec-experts.js';
import { toFloat32 } from '../../weights/index.js';
import type { Value } from '../onnx/graph-builder.js';
import { addWeight, type GraphContext, integers, modelNorm } from './context.js';
import { project } from './linear.js';
import { nativeExperts } from './native.js';
import type { Projection } from './projections.js';
import type { Weight } from './weight-source.js';

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
    parts: [{ module, bias: false, start: 0, count: outFeatures }],
  };
  if (native !== null) return nativeExperts(context, x, { layer, norm, router: projection });
  const hidden = norm === null ? x : modelNorm(context, x, norm, spec.hiddenSize);
  return onnxExperts(context, hidden, project(context, hidden, projection), layer);
}

function onnxExperts(context: GraphContext, hidden: Value, logits: Value, layer: number): Value {
  const { graph, spec } = context;
  const { perToken, normalized } = spec.experts!;
  const prefix = `layers.${layer}.experts`;
  const inward = addWeight(context, `${prefix}.gate_up.weight`, inTurns(context, layer));
  const outward = addWeight(context, `${prefix}.down.weight`, outwards(context, layer));
  const result = graph.node('MoE', [hidden, logits, inward, '', outward], {
    contrib: true,
    attributes: {
      k: perToken,
      activation_type: 'swiglu',
      swiglu_fusion: 1,
      activation_alpha: 1,
      activation_beta: 0,
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

/** Gate and up of each expert, row by row in turns, [count, 2 · inner, hidden]. */
function inTurns({ spec, source }: GraphContext, layer: number): Weight {
  const { hiddenSize: width, intermediateSize: inner } = spec;
  const { experts: each } = expertWeights(spec, layer);
  return {
    type: 'float32',
    shape: [each.length, 2 * inner, width],
    write(target) {
      const values = new Float32Array(target.buffer, target.byteOffset, target.byteLength / 4);
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
      const values = new Float32Array(target.buffer, target.byteOffset, target.byteLength / 4);
      for (const [expert, { down }] of each.entries()) {
        values.set(toFloat32(source(down)), expert * width * inner);
      }
    },
  };
}
