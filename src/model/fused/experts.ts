/**
 * Experts in place of a layer's MLP, by the kernels of layers: rows of one expert are multiplied together. Experts are
 * frozen; the gradient goes to the layer's input, through them and through the router's probabilities.
 */
import { castTo, joined, kernels, parted, rowsAt, type Tensor, tf } from '../../tensor/index.js';
import { type Routing, routed, routingWeights } from '../routing.js';
import { expertWeights } from '../spec-modules.js';
import type { FusedContext } from './fused-source.js';
import type { Inner } from './sublayer.js';

export function fusedExperts(context: FusedContext, layer: number): Inner {
  const { spec, compute } = context;
  const { activation: kind } = spec;
  const { perToken, ...rest } = spec.experts!;
  const { router, experts } = expertWeights(spec, layer);
  const product = (a: Tensor, name: string, transpose: boolean) => ({
    a,
    b: context.matrix(name),
    transpose,
  });

  const routedBy = (logits: Tensor): Routing => routed(logits, { perToken, ...rest });
  const weightsOf = (logits: Tensor, routing: Routing): Tensor =>
    routingWeights(logits, routing, { perToken, ...rest });
  /** Rows of each expert that has some. @param x `[T, …]` in the compute type */
  const rowsOf = (x: Tensor, { tokens, counts }: Routing): Tensor[] =>
    parted(
      rowsAt(x, tokens, compute),
      counts.filter((count) => count > 0),
      0,
    );
  /** A row for each place of each token. @param rows Of each expert, float32 @returns `[T, perToken, …]` */
  const byToken = (rows: readonly Tensor[], routing: Routing): Tensor =>
    rowsAt(joined(rows, 0), routing.rows, 'float32').reshape([-1, perToken, rows[0]!.shape[1]!]);
  const present = ({ counts }: Routing) => experts.filter((_, expert) => counts[expert]! > 0);

  return {
    linears: [],
    forward(h, _, { keeps }) {
      const logits = kernels().gemm([product(h, router, true)], { out: 'float32' });
      const routing = routedBy(logits);
      const inputs = rowsOf(h, routing);
      const each = present(routing).map(({ gate, up, down }, i) =>
        tf.tidy(() => {
          const x = inputs[i]!;
          const sides = [[product(x, gate, true)], [product(x, up, true)]] as const;
          const [core, ...trace] = kernels().gatedGemm(sides, { kind, keeps });
          return [kernels().gemm([product(core, down, true)], { out: 'float32' }), ...trace];
        }),
      );
      const results = byToken(
        each.map(([y]) => y!),
        routing,
      );
      const core = results.mul(weightsOf(logits, routing).expandDims(2)).sum(1);
      return { core, saved: [logits, ...each.flatMap(([, ...trace]) => trace)] };
    },
    coreOf: ([logits]) => logits!,
    backward({ dcore: dy, saved: [logits, ...traces] }, _, { out, residual }) {
      const routing = routedBy(logits!);
      const weights = weightsOf(logits!, routing).reshape([-1, 1]);
      const counts = routing.counts.filter((count) => count > 0);
      const weightsEach = parted(rowsAt(weights, routing.order, 'float32'), counts, 0);
      const dys = rowsOf(dy, routing);
      const each = present(routing).map(({ gate, up, down }, i) =>
        tf.tidy(() => {
          const trace = traces.slice(i * kernels().gatedTrace, (i + 1) * kernels().gatedTrace);
          const made = kernels().gemm([product(dys[i]!, down, false)], { out: compute });
          const dcore = castTo(made, compute, 'float32');
          const core = castTo(kernels().gatedAgain(trace, kind), compute, 'float32');
          const weighted = castTo(dcore.mul(weightsEach[i]!), 'float32', compute);
          const [dgate, dup] = kernels().gatedGradient(trace, weighted, kind);
          const products = [product(dgate, gate, false), product(dup, up, false)];
          return [kernels().gemm(products, { out: 'float32' }), core.mul(dcore).sum(1, true)];
        }),
      );
      const parts = (index: 0 | 1) =>
        byToken(
          each.map((pair) => pair[index]!),
          routing,
        );
      const dlogits = tf.grad((x) => weightsOf(x, routing))(logits!, parts(1).squeeze([2]));
      const through = parts(0).sum(1);
      const dh = kernels().gemm([product(castTo(dlogits, 'float32', compute), router, false)], {
        out,
        residual: residual === undefined ? through : through.add(residual),
      });
      return { dh, gradients: [] };
    },
  };
}
