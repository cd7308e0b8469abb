/**
 * Layers by TensorFlow's own operations over bfloat16 tensors, which is how a GPU computes them: products take
 * bfloat16 and add up in float32; norms, rotations, softmax and activations are computed in float32, from
 * bfloat16 and back to it. LoRA matrices come in bfloat16 as well (`ParameterVector.halves`): the low-rank update
 * is a summand of the result, never a part of a rounded weight. Float32 inputs pass as they are.
 */
import { type ComputeType, castTo } from '../native/calls.js';
import { type Tensor, tf } from '../tf.js';
import { composedKernels as plain } from './composed.js';
import { withTrace } from './composed-gated.js';
import { composedNormRate } from './composed-norm.js';
import { halfGemm, halfGemmOverRows } from './half-gemm.js';
import { full, typeOf } from './half-tensor.js';
import type { LayerKernels } from './kernels.js';

const back = (x: Tensor, type: ComputeType): Tensor => castTo(x, 'float32', type);

export const halfKernels: LayerKernels = {
  normRate: (x, w, options) => tf.tidy(() => composedNormRate(full(x), w, options)),
  norm: (x, w, options, rate) =>
    tf.tidy(() => back(plain.norm(full(x), w, options, rate), options.out)),
  normGradient: ({ x, dy, ...rest }, options) =>
    tf.tidy(() => {
      const dx = plain.normGradient({ x: full(x), dy: full(dy), ...rest }, options);
      return back(dx, options.out);
    }),
  rope: (x, table, options) => tf.tidy(() => back(plain.rope(full(x), table, options), typeOf(x))),
  headTensors: 1,
  attentionResults: plain.attentionResults,
  attention: (heads, layout, shape) =>
    tf.tidy(() =>
      plain.attention(heads.map(full), layout, shape).map((o) => back(o, typeOf(heads[0]!))),
    ),
  attentionGradient: ({ heads, saved, dy }, layout, shape) =>
    tf.tidy(() => {
      const inputs = { heads: heads.map(full), saved: saved.map(full), dy: full(dy) };
      const gradients = plain.attentionGradient(inputs, layout, shape);
      return gradients.map((d) => back(d, typeOf(heads[0]!)));
    }),
  convolution: plain.convolution,
  convolutionGradient: plain.convolutionGradient,
  deltaRule: plain.deltaRule,
  deltaRuleGradient: plain.deltaRuleGradient,
  gatedTrace: 2,
  gated: (gate, up, kind) => [halfKernels.gatedAgain([gate, up], kind), gate, up],
  gatedAgain: ([gate, up], kind) =>
    tf.tidy(() => back(plain.gated(full(gate!), full(up!), kind)[0], typeOf(gate!))),
  gatedGradient: ([gate, up], dy, kind) =>
    tf.tidy(() => {
      const [dgate, dup] = plain.gatedGradient([full(gate!), full(up!)], full(dy), kind);
      return [back(dgate, typeOf(gate!)), back(dup, typeOf(gate!))];
    }),
  gatedGemm([gates, ups], { kind, keeps }) {
    const type = typeOf(gates[0]!.a);
    const [gate, up] = [gates, ups].map((side) => halfGemm(side, { out: type }));
    return withTrace(halfKernels.gated(gate!, up!, kind), keeps);
  },
  gemm: halfGemm,
  gemmOverRows: halfGemmOverRows,
  dropout: (x, { rate, seed, addend }) =>
    tf.tidy(() => {
      const options = { rate, seed, ...(addend !== undefined && { addend: full(addend) }) };
      return back(plain.dropout(full(x), options), typeOf(x));
    }),
};
