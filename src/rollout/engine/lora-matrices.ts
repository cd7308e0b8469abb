/**
 * The two matrices by which a projection gets its LoRA: A, [Σ r, in], with those of its modules one below the
 * other, and B, [Σ out, Σ r], with theirs along the diagonal, multiplied by the adapter's scale. Those of experts stand one
 * below the other, expert by expert.
 */
import { sum } from '../../util/numbers.js';
import { type Adapter, eachExpert, type LoraTensors, toFloat32 } from '../../weights/index.js';
import { type MatrixShape, packedShape } from '../graph/native-layout.js';
import type { Projection, ProjectionPart } from '../graph/projections.js';
import type { LoadedKernels } from '../ort/kernels.js';
import { type HostTensor, tensorOver } from '../ort/tensor.js';

/** Packs matrices for our own operators. */
export interface LoraPacking {
  readonly type: 'float32' | 'bfloat16';
  readonly kernels: LoadedKernels;
}

export interface LoraMatrices {
  readonly projection: Projection;
  /** Sum of the modules' ranks; 0: the projection has no LoRA. */
  rank: number;
  a: HostTensor;
  b: HostTensor;
}

/** The rank that an adapter gives a projection; 0 without one. */
export const rankOf = (adapter: Adapter | null, { parts, experts = 1 }: Projection): number =>
  sum(parts.map(({ module }) => adapter?.tensors.get(module)?.a.shape[0] ?? 0)) / experts;

function matrix(rows: number, columns: number): HostTensor {
  return tensorOver(new Float32Array(rows * columns), [rows, columns]);
}

/** Shapes of A and B; B of a packed adapter has as many columns as A has rows, padding included. */
function matrixShapes(
  { inFeatures, outFeatures, isGated = false }: Projection,
  rank: number,
): [MatrixShape, MatrixShape] {
  return [
    { n: rank, k: inFeatures, isPaired: false },
    { n: outFeatures, k: rank, isPaired: isGated },
  ];
}

function packedMatrix(shape: MatrixShape, count: number, { type }: LoraPacking): HostTensor {
  const [each, columns] = packedShape(type, shape);
  const rows = count * each;
  const data =
    type === 'float32' ? new Float32Array(rows * columns) : new Uint16Array(rows * columns);
  return tensorOver(data, [rows, columns], type);
}

/** The rank that is computed: packed adapters are padded with zeros to whole blocks. */
const computedRank = (rank: number, packing: LoraPacking | null): number =>
  packing === null ? rank : packedShape('float32', { n: rank, k: 1, isPaired: false })[0];

export function emptyMatrices(
  projection: Projection,
  rank: number,
  packing: LoraPacking | null,
): LoraMatrices {
  const [a, b] = matrixShapes(projection, computedRank(rank, packing));
  if (packing !== null) {
    const { experts = 1 } = projection;
    const [left, right] = [a, b].map((shape) => packedMatrix(shape, experts, packing));
    return { projection, rank, a: left!, b: right! };
  }
  return { projection, rank, a: matrix(a.n, a.k), b: matrix(b.n, b.k) };
}

export function resize(matrices: LoraMatrices, rank: number, packing: LoraPacking | null): void {
  matrices.a.dispose();
  matrices.b.dispose();
  Object.assign(matrices, emptyMatrices(matrices.projection, rank, packing));
}

export function fill(
  { projection, rank: ranks, a, b }: LoraMatrices,
  adapter: Adapter,
  packing: LoraPacking | null,
): void {
  const rank = computedRank(ranks, packing);
  const shapes = matrixShapes(projection, rank);
  (b.data as Float32Array | Uint16Array).fill(0);
  for (const block of blocks(projection, adapter)) {
    const { tensors, r, column, row, part, expert } = block;
    const left = toFloat32(tensors.a);
    const right = toFloat32(tensors.b).subarray(part.start * r, (part.start + part.count) * r);
    const { scale } = tensors;
    if (packing === null) {
      (a.data as Float32Array).set(left, column * shapes[0].k);
      const at = row * rank + column;
      scaleInto(b.data as Float32Array, right, { columns: r, at, stride: rank, scale });
    } else {
      const { kernels, type } = packing;
      const ofExpert = ({ data }: HostTensor) => {
        const size = data.length / (projection.experts ?? 1);
        return (data as Float32Array).subarray(expert * size, (expert + 1) * size);
      };
      kernels.pack(left, {
        ...shapes[0],
        type,
        row: column,
        column: 0,
        columns: shapes[0].k,
        scale: 1,
        target: ofExpert(a),
      });
      const target = ofExpert(b);
      kernels.pack(right, { ...shapes[1], type, row, column, columns: r, scale, target });
    }
  }
}

interface Block {
  readonly part: ProjectionPart;
  readonly tensors: LoraTensors;
  readonly r: number;
  /** First row in A and first column in B. */
  readonly column: number;
  /** First row in B. */
  readonly row: number;
  /** Whose it is; 0 where there are none. */
  readonly expert: number;
}

/** The adapter's matrices of one projection: one below the other in A, along the diagonal in B. */
function* blocks(projection: Projection, adapter: Adapter): Generator<Block> {
  const { parts, experts = 1, inTurns = false } = projection;
  let column = 0;
  let row = 0;
  for (const part of parts) {
    const all = adapter.tensors.get(part.module);
    if (all !== undefined) {
      const r = all.a.shape[0]! / experts;
      const each = experts === 1 ? [all] : eachExpert(all, { count: experts, inTurns });
      for (const [expert, tensors] of each.entries())
        yield { part, tensors, r, column, row, expert };
      column += r;
    }
    row += part.count;
  }
}

interface Placement {
  readonly columns: number;
  /** Index of the block's first element in the target. */
  readonly at: number;
  /** Row length of the target. */
  readonly stride: number;
  readonly scale: number;
}

/** Writes `scale · source` [rows, columns] as a block of the target. */
function scaleInto(target: Float32Array, source: Float32Array, placement: Placement): void {
  const { columns, at, stride, scale } = placement;
  const rows = source.length / columns;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      target[at + row * stride + column] = scale * source[row * columns + column]!;
    }
  }
}
