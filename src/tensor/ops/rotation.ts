/** The rotary angles of a batch's tokens. */
import { joined } from '../kernels/half-tensor.js';
import { type Tensor, tf } from '../tf.js';
import { rowsAt } from './gather.js';

/** cos and sin of angles. */
interface Angles {
  readonly cos: Tensor;
  readonly sin: Tensor;
}

/** By position, `[P, rotaryDim / 2]`. */
export interface RotaryTable extends Angles {
  /** A rotated pair are two neighbours; else two dimensions half of `rotaryDim` apart. */
  readonly rotatesNeighbours: boolean;
}

/** Of rows of heads. */
interface Width {
  /** All of them. */
  readonly heads: number;
  readonly headDim: number;
  /** The last ones, that no angle turns. */
  readonly still: number;
}

export class Rotation {
  readonly table: RotaryTable;
  /** int32 `[T]` */
  readonly positions: Tensor;
  private readonly wideByWidth = new Map<string, Angles>();

  /** @param table Must outlive it, as the positions. */
  constructor(table: RotaryTable, positions: Tensor) {
    this.table = table;
    this.positions = positions;
  }

  /** Of the table's row of each token, `[T, half]`. */
  angles(): Angles {
    const { cos, sin } = this.table;
    const [c, s] = [cos, sin].map((each) => rowsAt(each, this.positions, 'float32'));
    return { cos: c!, sin: s! };
  }

  /**
   * For every element of a row, `[T, heads·headDim]`; sin is negative for the first of a pair. Kept until `dispose`: all
   * layers read the same.
   */
  wide({ heads, headDim, still }: Width): Angles {
    const key = `${heads} ${headDim} ${still}`;
    const known = this.wideByWidth.get(key);
    if (known !== undefined) return known;
    const [cos, sin] = tf.tidy(() => {
      const { cos: c, sin: s } = this.angles();
      const [tokens, half] = c.shape as [number, number];
      const axis = this.table.rotatesNeighbours ? 2 : 1;
      const inPairs = (first: Tensor, second: Tensor) =>
        tf.stack([first, second], axis).reshape([tokens, 2 * half]);
      return [inPairs(c, c), inPairs(tf.neg(s), s)].map((each, i) => {
        const then = (part: Tensor, columns: number) =>
          columns === 0 ? part : joined([part, tf.fill([tokens, columns], 1 - i)], 1);
        const head = then(each, headDim - 2 * half);
        return tf.keep(then(tf.tile(head, [1, heads - still]), headDim * still));
      });
    }) as [Tensor, Tensor];
    this.wideByWidth.set(key, { cos, sin });
    return { cos, sin };
  }

  dispose(): void {
    for (const { cos, sin } of this.wideByWidth.values()) tf.dispose([cos, sin]);
    this.wideByWidth.clear();
  }
}
