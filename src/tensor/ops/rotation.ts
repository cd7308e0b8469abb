/** The rotary angles of a batch's tokens. */
import { type Tensor, tf } from '../tf.js';

/** cos and sin by position, each `[P, rotaryDim / 2]`. */
export interface RotaryTable {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** For every element of a row, `[T, heads·2·half]`; sin is negative in the first half of each head. */
export interface WideAngles {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

export class Rotation {
  readonly table: RotaryTable;
  /** int32 `[T]` */
  readonly positions: Tensor;
  private readonly wideByHeads = new Map<number, WideAngles>();

  /** @param table Must outlive it, as the positions. */
  constructor(table: RotaryTable, positions: Tensor) {
    this.table = table;
    this.positions = positions;
  }

  /** Of the table's row of each token, `[T, half]`. */
  angles(): RotaryTable {
    const { cos, sin } = this.table;
    const [c, s] = [cos, sin].map((each) => tf.gather(each, this.positions as never));
    return { cos: c!, sin: s! };
  }

  /** Kept until `dispose`: all layers read the same. */
  wide(heads: number): WideAngles {
    const known = this.wideByHeads.get(heads);
    if (known !== undefined) return known;
    const [cos, sin] = tf.tidy(() => {
      const { cos: c, sin: s } = this.angles();
      return [tf.concat([c, c], 1), tf.concat([tf.neg(s), s], 1)].map((each) =>
        tf.keep(tf.tile(each, [1, heads])),
      );
    }) as [Tensor, Tensor];
    this.wideByHeads.set(heads, { cos, sin });
    return { cos, sin };
  }

  dispose(): void {
    for (const { cos, sin } of this.wideByHeads.values()) tf.dispose([cos, sin]);
    this.wideByHeads.clear();
  }
}
