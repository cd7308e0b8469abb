/**
 * Rotary embedding in the half-split layout of Hugging Face checkpoints: with x = [a, b] (two halves of the
 * rotated part), y = [a·cos − b·sin, b·cos + a·sin]; what lies behind it passes. The gradient rotates back. Where
 * the whole head is rotated, y = x·cos + [b, a]·sin over rows of all heads, whose angles are made once a batch.
 */
import { attr, executeOp } from '../execute.js';
import type { Rotation } from '../ops/rotation.js';
import { type Tensor, tf } from '../tf.js';
import { joined, parted } from './half-tensor.js';
import type { RopeForm } from './kernels.js';

export function composedRope(x: Tensor, rotation: Rotation, form: RopeForm): Tensor {
  const half = rotation.table.cos.shape[1]!;
  return 2 * half === form.headDim ? whole(x, rotation, form) : partial(x, rotation, form);
}

const ROLL = [attr.type('T', 'float32'), attr.type('Tshift', 'int32'), attr.type('Taxis', 'int32')];

function whole(x: Tensor, rotation: Rotation, { headDim, sign, still = 0 }: RopeForm): Tensor {
  const heads = x.shape[1]! / headDim;
  const { cos, sin } = rotation.wide(heads - still, still);
  return tf.tidy(() => {
    const byHead = x.reshape([-1, heads, headDim]);
    const [shift, axis] = [tf.scalar(headDim / 2, 'int32'), tf.scalar(2, 'int32')];
    const turned = executeOp('Roll', ROLL, [byHead, shift, axis]).reshape(x.shape).mul(sin);
    return sign === 1 ? x.mul(cos).add(turned) : x.mul(cos).sub(turned);
  });
}

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
