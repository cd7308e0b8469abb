/**
 * What attention's result is gated by, o ⊙ σ(gate), where the query projection gives gates too; nothing elsewhere. A
 * projection has queries and gate of a head side by side.
 */
import { castTo, joined, parted, reshaped, type Tensor, tf } from '../../tensor/index.js';
import { inColumns } from './columns.js';
import type { FusedContext } from './fused-source.js';

export class AttentionGate {
  /** Tensors with gates: one, or none. */
  readonly count: 0 | 1;
  private readonly context: FusedContext;

  constructor(context: FusedContext) {
    this.context = context;
    this.count = context.spec.attentionGate ? 1 : 0;
  }

  /** Of queries with gates, keys and values. */
  private get widths(): number[] {
    const { numHeads, numKvHeads, headDim } = this.context.spec;
    return [2 * numHeads, numKvHeads, numKvHeads].map((heads) => heads * headDim);
  }

  /** @param outputs Of the projections @returns Gates `[T, heads·D]`, and queries, keys and values */
  apart(outputs: readonly Tensor[]): {
    readonly gates: readonly Tensor[];
    readonly ungated: readonly Tensor[];
  } {
    if (this.count === 0) return { gates: [], ungated: outputs };
    const [pairs, k, v] = inColumns(outputs, 3, this.widths) as [Tensor, Tensor, Tensor];
    const { headDim } = this.context.spec;
    const [tokens, width] = pairs.shape as [number, number];
    const heads = parted(reshaped(pairs, [-1, 2 * headDim]), [headDim, headDim], 1);
    const [q, gate] = heads.map((x) => reshaped(x, [tokens, width / 2])) as [Tensor, Tensor];
    return { gates: [gate], ungated: [q, k, v] };
  }

  /** The way back for gradients, to as many tensors as there were outputs. */
  joined(
    dungated: readonly Tensor[],
    dgates: readonly Tensor[],
    outputs: number,
  ): readonly Tensor[] {
    if (this.count === 0) return dungated;
    const [dq, dk, dv] = dungated as [Tensor, Tensor, Tensor];
    const { headDim } = this.context.spec;
    const heads = [dq, dgates[0]!].map((x) => reshaped(x, [-1, headDim]));
    const pairs = reshaped(joined(heads, 1), [dq.shape[0]!, 2 * dq.shape[1]!]);
    return inColumns([pairs, dk, dv], outputs, this.widths);
  }

  /** @param attended `[T, heads·D]` in the compute type @returns The same */
  apply(attended: Tensor, [gate]: readonly Tensor[]): Tensor {
    if (gate === undefined) return attended;
    return this.inFloat([attended, gate], (o, raw) => [o.mul(tf.sigmoid(raw))])[0]!;
  }

  /** The gradient to what was attended, and to the gates. */
  gradient(
    attended: Tensor,
    [gate]: readonly Tensor[],
    dcore: Tensor,
  ): { readonly dy: Tensor; readonly dgates: readonly Tensor[] } {
    if (gate === undefined) return { dy: dcore, dgates: [] };
    const [dy, ...dgates] = this.inFloat([attended, gate, dcore], (o, raw, d) => {
      const open = tf.sigmoid(raw);
      const dopen = d.mul(open);
      return [dopen, dopen.mul(o).mul(open.neg().add(1))];
    }) as [Tensor, Tensor];
    return { dy, dgates };
  }

  /** Computed in float32 from and to tensors of the compute type. */
  private inFloat<Inputs extends readonly Tensor[]>(
    inputs: readonly [...Inputs],
    of: (...floats: Inputs) => Tensor[],
  ): Tensor[] {
    const { compute } = this.context;
    return tf.tidy(() => {
      const floats = inputs.map((x) => castTo(x, compute, 'float32'));
      return of(...(floats as unknown as Inputs)).map((y) => castTo(y, 'float32', compute));
    });
  }
}
