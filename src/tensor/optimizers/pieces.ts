/** Parts of the parameters that an update takes one after the other: what it computes on the way is no larger. */
import { deviceInfo } from '../tf.js';

export interface Piece {
  readonly begin: number;
  readonly size: number;
}

/**
 * Parameters of a piece. On the host 32 MiB, which glibc always hands back when they are freed (`native/memory.h`): what
 * smaller ones leave between activations serves nothing else. On a card each operation costs time.
 */
export const PIECE = { cpu: 2 ** 23, cuda: 2 ** 24 } as const;

/** Of one size, but for the last; together all parameters. */
export function piecesOf(size: number): Piece[] {
  const most = PIECE[deviceInfo().device];
  return Array.from({ length: Math.ceil(size / most) }, (_, i) => {
    const begin = i * most;
    return { begin, size: Math.min(most, size - begin) };
  });
}
