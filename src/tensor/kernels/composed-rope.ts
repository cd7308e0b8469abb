/**
 * Rotary embedding: a pair (a, b) becomes (a·cos − b·sin, b·cos + a·sin); what lies behind the rotated part of a head
 * passes. Pairs are of the two halves of that part, or neighbours. The gradient rotates back. Where a roll swaps the
 * members of all pairs, y = x·cos + swapped·sin over rows of all heads, whose angles are made once a batch.
 */
import { attr, executeOp } from '../execute.js';
import type { Rotation } from '../ops/rotation.js';
import { type Tensor, tf } from '../tf.js';
import { joined, parted } from './half-tensor.js';
import type { RopeForm } from './kernels.js';

export function composedRope(x: Tensor, rotation: Rotation, form: RopeForm): Tensor {
  const { cos, rotatesNeighbours } = rotation.table;
  const isWhole = rotatesNeighbours || 2 * cos.shape[1]! === form.headDim;
  return isWhole ? whole(x, rotation, form) : partial(x, rotation, form);
}

const ROLL = [attr.type('T', 'float32'), attr.type('Tshift', 'int32'), attr.type('Taxis', 'int32')];

function whole(x: Tensor, rotation: Rotation, { headDim, sign, still = 0 }: RopeForm): Tensor {
  const heads = x.shape[1]! / headDim;
  const { cos, sin } = rotation.wide({ heads, headDim, still });
  const span = rotation.table.rotatesNeighbours ? 2 : headDim;
  return tf.tidy(() => {
    const spans = x.reshape([-1, span]);
    const [shift, axis] = [tf.scalar(span / 2, 'int32'), tf.scalar(1, 'int32')];
    const turned = executeOp('Roll', ROLL, [spans, shift, axis]).reshape(x.shape).mul(sin);
    return sign === 1 ? x.mul(cos).add(turned) : x.mul(cos).sub(turned);
  });
}

/** Halves of a part of each head. */
function partial(x: Tensor, rotation: Rotation, { headDim, sign, still = 0 }: RopeForm): Tensor {
  return tf.tidy(() => {
    const [tokens, all] = x.shape as [number, number];
    const width = all - still * headDim;
    const [turning, ...behind] = still === 0 ? [x] : parted(x, [width, all - width], 1);
    const angles = rotation.angles();
    const half = angles.cos.shape[1]!;
    const cos = angles.cos.expandDims(1);
    const sin = angles.sin.mul(sign).expandDims(1);
    const byHead = turning!.reshape([tokens, width / headDim, headDim]);
    const [a, b, rest] = tf.split(byHead, [half, half, headDim - 2 * half], 2) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const rotated = [a.mul(cos).sub(b.mul(sin)), b.mul(cos).add(a.mul(sin))];
    return joined([tf.concat([...rotated, rest], 2).reshape([tokens, width]), ...behind], 1);
  });
}
