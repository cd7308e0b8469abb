/** The rotary angles of a batch's tokens. */
import { joined } from '../kernels/half-tensor.js';
import { type Tensor, tf } from '../tf.js';
import { rowsAt } from './gather.js';

/** cos and sin by position, each `[P, rotaryDim / 2]`. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** For every element of a row, `[T, heads·2·half]`; sin is negative in the first half of each head, and 0 where none turns. */
export interface WideAngles {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export class Rotation {
  readonly table: RotaryTable;
  /** int32 `[T]` */
  readonly positions: Tensor;
  private readonly wideByHeads = new Map<string, WideAngles>();

  /** @param table Must outlive it, as the positions. */
  constructor(table: RotaryTable, positions: Tensor) {
    this.table = table;
    this.positions = positions;
  }

  /** Of the table's row of each token, `[T, half]`. */
  angles(): RotaryTable {
    const { cos, sin } = this.table;
    const [c, s] = [cos, sin].map((each) => rowsAt(each, this.positions, 'float32'));
    return { cos: c!, sin: s! };
  }

  /**
   * Kept until `dispose`: all layers read the same.
   * @param still Heads behind the others that no angle turns
   */
  wide(heads: number, still = 0): WideAngles {
    const key = `${heads} ${still}`;
    const known = this.wideByHeads.get(key);
    if (known !== undefined) return known;
    const [cos, sin] = tf.tidy(() => {
      const { cos: c, sin: s } = this.angles();
      const [tokens, half] = c.shape as [number, number];
      const wide = [tf.concat([c, c], 1), tf.concat([tf.neg(s), s], 1)];
      return wide.map((each, i) => {
        const parts = [tf.tile(each, [1, heads])];
        if (still > 0) parts.push(tf.fill([tokens, 2 * half * still], 1 - i));
        return tf.keep(joined(parts, 1));
      });
    }) as [Tensor, Tensor];
    this.wideByHeads.set(key, { cos, sin });
    return { cos, sin };
  }

  dispose(): void {
    for (const { cos, sin } of this.wideByHeads.values()) tf.dispose([cos, sin]);
    this.wideByHeads.clear();
  }
}
