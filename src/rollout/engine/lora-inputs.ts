/**
 * The adapter as inputs of the graph. A new version is copied into memory that the graph reads from, B
 * multiplied by the adapter's scale. Modules that are computed as one projection stand one below the other
 * in A, [Σ r, in], and along the diagonal in B, [Σ out, Σ r]; modules without tensors take no room, so that
 * without an adapter the matrices have rank 0 and cost next to nothing.
 */

import type { DecoderSpec } from '../../model/spec.js';
import { linearModules } from '../../model/spec-modules.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, adapterHash, type LoraTensors, toFloat32 } from '../../weights/index.js';
import { loraA, loraB } from '../graph/names.js';
import { packedShape } from '../graph/native-layout.js';
import {
  allMergedProjections,
  allProjections,
  type Projection,
  type ProjectionPart,
} from '../graph/projections.js';
import type { LoadedKernels } from '../ort/kernels.js';
import { type HostTensor, type OrtTensor, tensorOver } from '../ort/tensor.js';

interface Slot {
  readonly projection: Projection;
  rank: number;
  a: HostTensor;
  b: HostTensor;
}

/** Packs matrices for our own operators. */
export interface LoraPacking {
  readonly type: 'float32' | 'bfloat16';
  readonly kernels: LoadedKernels;
}

export class LoraInputs {
  /** Content hash of the adapter that is in, or null. */
  hash: string | null = null;
  private readonly spec: DecoderSpec;
  private readonly modules: ReadonlySet<string>;
  private readonly slots: readonly Slot[];
  private readonly packing: LoraPacking | null;

  /** @throws InputError when a module is not one of the model's linear modules. */
  constructor(
    spec: DecoderSpec,
    loraModules: Iterable<string>,
    packing: LoraPacking | null = null,
  ) {
    this.spec = spec;
    this.packing = packing;
    this.modules = new Set(loraModules);
    const known = new Set(linearModules(spec).map(({ module }) => module));
    for (const module of this.modules) {
      if (!known.has(module)) {
        throw new InputError({
          where: 'loraModules',
          problem: `the model has no linear "${module}"`,
        });
      }
    }
    const projections = packing === null ? allProjections(spec) : allMergedProjections(spec);
    this.slots = projections
      .filter(({ parts }) => parts.some(({ module }) => this.modules.has(module)))
      .map((projection) => slotOf(projection, 0, packing));
  }

  /**
   * Takes over an adapter, or none.
   * @param version becomes `hash`; the adapter's content hash when absent
   * @returns whether the inputs are other tensors now, so that they must be bound anew
   * @throws InputError when the adapter does not fit the model or the modules with LoRA inputs
   */
  write(adapter: Adapter | null, version?: string): boolean {
    if (adapter !== null) this.check(adapter);
    let isReshaped = false;
    for (const slot of this.slots) {
      const ranks = slot.projection.parts.map((part) => rankOf(adapter, part));
      const rank = ranks.reduce((sum, r) => sum + r, 0);
      if (rank !== slot.rank) {
        resize(slot, rank, this.packing);
        isReshaped = true;
      }
      if (adapter !== null && rank > 0) fill(slot, adapter, this.packing);
    }
    this.hash = adapter === null ? null : (version ?? adapterHash(adapter));
    return isReshaped;
  }

  /** Every input by name. */
  inputs(): Map<string, OrtTensor> {
    const inputs = new Map<string, OrtTensor>();
    for (const { projection, a, b } of this.slots) {
      inputs.set(loraA(projection.name), a);
      inputs.set(loraB(projection.name), b);
    }
    return inputs;
  }

  dispose(): void {
    for (const { a, b } of this.slots) {
      a.dispose();
      b.dispose();
    }
  }

  private check(adapter: Adapter): void {
    const linears = new Map(linearModules(this.spec).map((linear) => [linear.module, linear]));
    for (const name of adapter.replaced?.keys() ?? []) {
      throw misfit(adapter, `it replaces "${name}", which has no input`);
    }
    for (const [module, tensors] of adapter.tensors) {
      if (tensors.magnitude !== undefined)
        throw misfit(adapter, `"${module}" has magnitudes (DoRA)`);
      const linear = linears.get(module);
      if (linear === undefined) throw misfit(adapter, `the model has no linear "${module}"`);
      if (!this.modules.has(module)) {
        throw misfit(adapter, `"${module}" was not among the modules set up for adapters`);
      }
      checkShapes(adapter, module, tensors, [linear.inFeatures, linear.outFeatures]);
    }
  }
}

function misfit(adapter: Adapter, problem: string): InputError {
  return new InputError({
    where: `adapter of ${adapter.baseModel ?? 'an unnamed base'}`,
    problem,
    remedy: 'Use the adapter with the base model and the target modules it was trained with',
  });
}

function checkShapes(
  adapter: Adapter,
  module: string,
  { a, b }: LoraTensors,
  [inFeatures, outFeatures]: readonly [number, number],
): void {
  const rank = a.shape[0];
  const fits =
    a.shape.length === 2 &&
    b.shape.length === 2 &&
    a.shape[1] === inFeatures &&
    b.shape[0] === outFeatures &&
    b.shape[1] === rank;
  if (fits) return;
  throw misfit(
    adapter,
    `"${module}" has A [${a.shape.join(', ')}] and B [${b.shape.join(', ')}], expected [r, ${inFeatures}] and [${outFeatures}, r]`,
  );
}

function rankOf(adapter: Adapter | null, { module }: ProjectionPart): number {
  return adapter?.tensors.get(module)?.a.shape[0] ?? 0;
}

function matrix(rows: number, columns: number): HostTensor {
  return tensorOver(new Float32Array(rows * columns), [rows, columns]);
}

interface MatrixShape {
  readonly n: number;
  readonly k: number;
  readonly isPaired: boolean;
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

function packedMatrix(shape: MatrixShape, { type }: LoraPacking): HostTensor {
  const [rows, columns] = packedShape(type, shape);
  const data =
    type === 'float32' ? new Float32Array(rows * columns) : new Uint16Array(rows * columns);
  return tensorOver(data, [rows, columns], type);
}

/** The rank that is computed: packed adapters are padded with zeros to whole blocks. */
const computedRank = (rank: number, packing: LoraPacking | null): number =>
  packing === null ? rank : packedShape('float32', { n: rank, k: 1, isPaired: false })[0];

function slotOf(projection: Projection, rank: number, packing: LoraPacking | null): Slot {
  const [a, b] = matrixShapes(projection, computedRank(rank, packing));
  if (packing !== null) {
    return { projection, rank, a: packedMatrix(a, packing), b: packedMatrix(b, packing) };
  }
  return { projection, rank, a: matrix(a.n, a.k), b: matrix(b.n, b.k) };
}

function resize(slot: Slot, rank: number, packing: LoraPacking | null): void {
  slot.a.dispose();
  slot.b.dispose();
  Object.assign(slot, slotOf(slot.projection, rank, packing));
}

function fill(slot: Slot, adapter: Adapter, packing: LoraPacking | null): void {
  const { a, b } = slot;
  const rank = computedRank(slot.rank, packing);
  const shapes = matrixShapes(slot.projection, rank);
  (b.data as Float32Array | Uint16Array).fill(0);
  for (const block of blocks(slot.projection, adapter)) {
    const { tensors, r, column, row, part } = block;
    const left = toFloat32(tensors.a);
    const right = toFloat32(tensors.b).subarray(part.start * r, (part.start + part.count) * r);
    const { scale } = tensors;
    if (packing === null) {
      (a.data as Float32Array).set(left, column * shapes[0].k);
      const at = row * rank + column;
      scaleInto(b.data as Float32Array, right, { columns: r, at, stride: rank, scale });
    } else {
      const { kernels, type } = packing;
      kernels.pack(left, {
        ...shapes[0],
        type,
        row: column,
        column: 0,
        columns: shapes[0].k,
        scale: 1,
        target: a.data,
      });
      kernels.pack(right, { ...shapes[1], type, row, column, columns: r, scale, target: b.data });
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
}

/** The adapter's matrices of one projection: one below the other in A, along the diagonal in B. */
function* blocks({ parts }: Projection, adapter: Adapter): Generator<Block> {
  let column = 0;
  let row = 0;
  for (const part of parts) {
    const tensors = adapter.tensors.get(part.module);
    if (tensors !== undefined) {
      const r = tensors.a.shape[0]!;
      yield { part, tensors, r, column, row };
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
