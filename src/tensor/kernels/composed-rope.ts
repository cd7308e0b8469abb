/**
 * Rotary embedding: a pair (a, b) becomes (a·cos − b·sin, b·cos + a·sin); what lies behind the rotated part of a head
 * passes. Pairs are of the two halves of that part, or neighbours. The gradient rotates back. Where the members of all
 * pairs stand along one axis, y = x·cos + reversed·sin over rows of all heads, whose angles are made once a batch.
 */
import type { Rotation } from '../ops/rotation.js';
import { type Tensor, tf } from '../tf.js';
import { joined, parted } from './half-tensor.js';
import type { RopeForm } from './kernels.js';

export function composedRope(x: Tensor, rotation: Rotation, form: RopeForm): Tensor {
  const { cos, rotatesNeighbours } = rotation.table;
  const isWhole = rotatesNeighbours || 2 * cos.shape[1]! === form.headDim;
  return isWhole ? whole(x, rotation, form) : partial(x, rotation, form);
}

function whole(x: Tensor, rotation: Rotation, { headDim, sign, still = 0 }: RopeForm): Tensor {
  const width = x.shape[1]!;
  const { cos, sin } = rotation.wide({ heads: width / headDim, headDim, still });
  return tf.tidy(() => {
    const swapped = rotation.table.rotatesNeighbours
      ? x.reshape([-1, width / 2, 2]).reverse(2)
      : x.reshape([-1, 2, headDim / 2]).reverse(1);
    const turned = swapped.reshape(x.shape).mul(sin);
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
