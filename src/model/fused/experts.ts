/**
 * Experts in place of a layer's MLP: each is one, over the rows of tokens that go to it. Of y = w·f(x), with w the router's
 * weight of a row, f gets w·dy, and Σ core·dcore is then the gradient to log w, as f's last layer is linear; with a bias there,
 * Σ bias·w·dy besides.
 */
import { castTo, kernels, type Tensor, tf } from '../../tensor/index.js';
import { routingLogWeights } from '../routing.js';
import { biasOf, expertWeights } from '../spec-experts.js';
import {
  type ExpertLinears,
  expertLinears,
  parameterGradients,
  trainedNames,
} from './expert-linears.js';
import { ExpertRows, stacked } from './expert-rows.js';
import type { FusedContext } from './fused-source.js';
import { backwardGroup, type FusedLinear, forwardGroup, lowRank } from './linear-group.js';
import { mlpOf } from './mlp.js';
import type { Inner } from './sublayer.js';

export function fusedExperts(context: FusedContext, layer: number): Inner {
  const { spec, compute, routers } = context;
  const trained = trainedNames(context, layer);
  const { router: name } = expertWeights(spec, layer);
  const router = (a: Tensor, transpose: boolean) => {
    return { a, b: context.matrix(name), transpose };
  };
  const bias = spec.experts!.biased ? context.float32(biasOf(name)) : null;
  /** Where tokens go, and what `make` makes of each expert that gets some. */
  const open = (logits: Tensor) => {
    const routing = routers!.routing(layer, logits);
    const rows = new ExpertRows(context, routing);
    const each = <T>(make: (linears: ExpertLinears, index: number) => T): T[] =>
      rows
        .present(expertLinears(context, layer))
        .map((linears, i) => tf.tidy(() => make(linears, i) as never) as T);
    return { routing, rows, each };
  };

  return {
    linears: [],
    trained,
    forward(h, _, { keeps }) {
      return tf.tidy(() => {
        const logits = kernels().gemm([router(h, true)], { out: 'float32', bias });
        const { rows, each } = open(logits);
        const inputs = rows.inputs(h);
        const traces = each((linears, i) =>
          mlpOf(context, linears).forward(inputs[i]!, linears.slice(0, -1), { keeps }),
        );
        const core = stacked(traces.map((trace) => trace.core));
        return { core, saved: [logits, ...traces.flatMap(({ saved }) => saved)] } as never;
      });
    },
    result: (core, [logits]) =>
      tf.tidy(() => {
        const { rows, each } = open(logits!);
        const [weights, cores] = [rows.weights(logits!), rows.apart(core)];
        const results = each(([, , down], i) => {
          const x = cores[i]!;
          const lows = lowRank(x, [down], compute);
          const [y] = forwardGroup({ x, lows }, [down], { out: 'float32' });
          return y!.mul(weights[i]!) as Tensor;
        });
        return rows.byToken(results).sum(1);
      }),
    coreOf: ([logits]) => logits!,
    backward({ h, dcore: dy, saved: [logits, ...saved] }, _, { out, residual }) {
      const [dh, ...gradients] = tf.tidy(() => {
        const { routing, rows, each } = open(logits!);
        const [weights, dys] = [rows.weights(logits!), rows.inputs(dy)];
        // Read by gradients of LoRA alone.
        const inputs = trained.length === 0 ? dys : rows.inputs(h);
        const size = saved.length / dys.length;
        const parts = each((linears, i) => {
          const d = castTo(dys[i]!, compute, 'float32').mul(weights[i]!) as Tensor;
          const trace = saved.slice(i * size, (i + 1) * size);
          const args = { x: inputs[i]!, dy: castTo(d, 'float32', compute), trace };
          return throughExpert(context, linears, args);
        });
        const through = rows.byToken(parts.map(([dx]) => dx!)).sum(1);
        const toLog = rows.byToken(parts.map(([, dlog]) => dlog!)).squeeze([2]);
        const weigh = (x: Tensor) => routingLogWeights(x, routing, spec.experts!);
        const dlogits = tf.grad(weigh)(logits!, toLog);
        const slopes = routers!.slopesOf(logits!);
        const all = castTo(slopes === null ? dlogits : dlogits.add(slopes), 'float32', compute);
        const rest = residual === undefined ? through : through.add(residual);
        const back = kernels().gemm([router(all, false)], { out, residual: rest as Tensor });
        if (trained.length === 0) return [back];
        const own = rows.ofAll(parts.map(([, , ...gradients]) => gradients));
        return [back, ...parameterGradients(context, layer, own)];
      });
      return { dh: dh!, gradients };
    },
  };
}

interface ExpertGradientInputs {
  readonly x: Tensor;
  /** Times the router's weight. */
  readonly dy: Tensor;
  /** What the forward pass saved. */
  readonly trace: readonly Tensor[];
}

/** @returns dx, Σ core·dcore of each row, then the gradients to LoRA of gate, up and down. */
function throughExpert(
  context: FusedContext,
  linears: ExpertLinears,
  { x, dy, trace }: ExpertGradientInputs,
): Tensor[] {
  const { compute } = context;
  const mlp = mlpOf(context, linears);
  const [inner, last] = [linears.slice(0, -1), linears.slice(-1)];
  const core = mlp.coreOf(trace);
  const group = { x: core, dys: [dy], linears: last, lows: lowRank(core, last, compute) };
  const upper = backwardGroup(group, { out: compute, compute });
  const dcore = upper.dx;
  const lower = mlp.backward({ h: x, dcore, saved: trace }, inner, { out: 'float32' });
  const products = castTo(core, compute, 'float32').mul(castTo(dcore, compute, 'float32'));
  const [{ bias }] = last as [FusedLinear];
  const toLog = products.sum(1, true);
  const ofBias = bias && castTo(dy, compute, 'float32').mul(bias).sum(1, true);
  const all = ofBias === null ? toLog : toLog.add(ofBias);
  return [lower.dh, all as Tensor, ...lower.gradients, ...upper.gradients];
}
