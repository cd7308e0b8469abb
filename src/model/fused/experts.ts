/**
 * Experts in place of a layer's MLP, by the kernels of layers: rows of one expert are multiplied together. Experts are
 * frozen; the gradient goes to the layer's input, through them and through the router's probabilities.
 */
import { castTo, joined, kernels, parted, rowsAt, type Tensor, tf } from '../../tensor/index.js';
import { type Routing, routingWeights } from '../routing.js';
import { expertWeights } from '../spec-modules.js';
import type { FusedContext } from './fused-source.js';
import type { Inner } from './sublayer.js';

/** Rows of experts, one below the other, as one tensor; they themselves are let go. */
function stacked(rows: readonly Tensor[]): Tensor {
  const all = joined(rows, 0);
  if (rows.length > 1) tf.dispose(rows as Tensor[]);
  return all;
}

export function fusedExperts(context: FusedContext, layer: number): Inner {
  const { spec, compute, routers } = context;
  const { activation: kind } = spec;
  const chosen = spec.experts!;
  const { router, experts } = expertWeights(spec, layer);
  const product = (a: Tensor, name: string, transpose: boolean) => {
    return { a, b: context.matrix(name), transpose };
  };

  const routingOf = (logits: Tensor) => routers!.routing(layer, logits);
  const present = ({ counts }: Routing) => experts.filter((_, expert) => counts[expert]! > 0);
  /** Of rows, those of each expert that has some. */
  const apart = (rows: Tensor, { counts }: Routing): Tensor[] => {
    const sizes = counts.filter((count) => count > 0);
    return parted(rows, sizes, 0);
  };
  /** What each row counts, `[T · perToken, 1]`. */
  const rowWeights = (logits: Tensor, routing: Routing): Tensor => {
    const weights = routingWeights(logits, routing, chosen).reshape([-1, 1]);
    return rowsAt(weights, routing.order, 'float32');
  };
  /** Float32 rows by token and place, `[T, perToken, …]`. */
  const byToken = (rows: Tensor, routing: Routing): Tensor =>
    rowsAt(rows, routing.rows, 'float32').reshape([-1, chosen.perToken, rows.shape[1]!]);

  return {
    linears: [],
    forward(h, _, { keeps }) {
      return tf.tidy(() => {
        const logits = kernels().gemm([product(h, router, true)], { out: 'float32' });
        const routing = routingOf(logits);
        const inputs = apart(rowsAt(h, routing.tokens, compute), routing);
        const each = present(routing).map(({ gate, up }, i) =>
          tf.tidy(() => {
            const x = inputs[i]!;
            const sides = [[product(x, gate, true)], [product(x, up, true)]] as const;
            return kernels().gatedGemm(sides, { kind, keeps });
          }),
        );
        const core = stacked(each.map(([y]) => y));
        return { core, saved: [logits, ...each.flatMap(([, ...trace]) => trace)] } as never;
      });
    },
    result: (core, [logits]) =>
      tf.tidy(() => {
        const routing = routingOf(logits!);
        const weights = apart(rowWeights(logits!, routing), routing);
        const cores = apart(core, routing);
        const rows = present(routing).map(({ down }, i) =>
          tf.tidy(() => {
            const y = kernels().gemm([product(cores[i]!, down, true)], { out: 'float32' });
            return y.mul(weights[i]!) as Tensor;
          }),
        );
        return byToken(stacked(rows), routing).sum(1);
      }),
    coreOf: ([logits]) => logits!,
    backward({ dcore: dy, saved: [logits, ...traces] }, _, { out, residual }) {
      const dh = tf.tidy(() => {
        const routing = routingOf(logits!);
        const weights = apart(rowWeights(logits!, routing), routing);
        const dys = apart(rowsAt(dy, routing.tokens, compute), routing);
        const each = present(routing).map(({ gate, up, down }, i) =>
          tf.tidy(() => {
            const trace = traces.slice(i * kernels().gatedTrace, (i + 1) * kernels().gatedTrace);
            const made = kernels().gemm([product(dys[i]!, down, false)], { out: compute });
            const dcore = castTo(made, compute, 'float32');
            const core = castTo(kernels().gatedAgain(trace, kind), compute, 'float32');
            const weighted = castTo(dcore.mul(weights[i]!), 'float32', compute);
            const [dgate, dup] = kernels().gatedGradient(trace, weighted, kind);
            const products = [product(dgate, gate, false), product(dup, up, false)];
            return [kernels().gemm(products, { out: 'float32' }), core.mul(dcore).sum(1, true)];
          }),
        );
        const through = byToken(stacked(each.map(([dx]) => dx!)), routing).sum(1);
        const dweights = byToken(stacked(each.map(([, dw]) => dw!)), routing).squeeze([2]);
        const dlogits = tf.grad((x) => routingWeights(x, routing, chosen))(logits!, dweights);
        const slopes = routers!.slopesOf(logits!);
        const all = slopes === null ? dlogits : dlogits.add(slopes);
        const toRouter = product(castTo(all, 'float32', compute), router, false);
        const rest = residual === undefined ? through : through.add(residual);
        return kernels().gemm([toRouter], { out, residual: rest as Tensor });
      });
      return { dh, gradients: [] };
    },
  };
}
