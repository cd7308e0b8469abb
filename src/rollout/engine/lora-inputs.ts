/**
 * The adapter as inputs of the graph. A new version is copied into memory that the graph reads from, B
 * multiplied by the adapter's scale. Modules that are computed as one projection stand one below the other
 * in A, [Σ r, in], and along the diagonal in B, [Σ out, Σ r]; modules without tensors take no room, so that
 * without an adapter the matrices have rank 0 and cost next to nothing.
 */
import { type DecoderSpec, linearModules } from '../../model/spec.js';
import { InputError } from '../../util/errors.js';
import { type Adapter, adapterHash, type LoraTensors, toFloat32 } from '../../weights/index.js';
import { loraA, loraB } from '../graph/names.js';
import { allProjections, type Projection, type ProjectionPart } from '../graph/projections.js';
import { type OrtTensor, tensorOver } from '../ort/tensor.js';

interface Slot {
  readonly projection: Projection;
  rank: number;
  a: OrtTensor;
  b: OrtTensor;
}

export class LoraInputs {
  /** Content hash of the adapter that is in, or null. */
  hash: string | null = null;
  private readonly spec: DecoderSpec;
  private readonly modules: ReadonlySet<string>;
  private readonly slots: readonly Slot[];

  /** @throws InputError when a module is not one of the model's linear modules. */
  constructor(spec: DecoderSpec, loraModules: Iterable<string>) {
    this.spec = spec;
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
    this.slots = allProjections(spec)
      .filter(({ parts }) => parts.some(({ module }) => this.modules.has(module)))
      .map((projection) => emptySlot(projection));
  }

  /**
   * Takes over an adapter, or none.
   * @returns whether tensors changed their shape, so that they must be bound anew
   * @throws InputError when the adapter does not fit the model or the modules with LoRA inputs
   */
  write(adapter: Adapter | null): boolean {
    if (adapter !== null) this.check(adapter);
    let isReshaped = false;
    for (const slot of this.slots) {
      const ranks = slot.projection.parts.map((part) => rankOf(adapter, part));
      const rank = ranks.reduce((sum, r) => sum + r, 0);
      if (rank !== slot.rank) {
        resize(slot, rank);
        isReshaped = true;
      }
      if (adapter !== null && rank > 0) fill(slot, adapter);
    }
    this.hash = adapter === null ? null : adapterHash(adapter);
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

function matrix(rows: number, columns: number): OrtTensor {
  return tensorOver(new Float32Array(rows * columns), [rows, columns]);
}

function emptySlot(projection: Projection): Slot {
  const { inFeatures, outFeatures } = projection;
  return { projection, rank: 0, a: matrix(0, inFeatures), b: matrix(outFeatures, 0) };
}

function resize(slot: Slot, rank: number): void {
  slot.a.dispose();
  slot.b.dispose();
  slot.a = matrix(rank, slot.projection.inFeatures);
  slot.b = matrix(slot.projection.outFeatures, rank);
  slot.rank = rank;
}

function fill({ projection, rank, a, b }: Slot, adapter: Adapter): void {
  const { inFeatures, parts } = projection;
  let column = 0;
  let row = 0;
  for (const part of parts) {
    const tensors = adapter.tensors.get(part.module);
    if (tensors !== undefined) {
      const r = tensors.a.shape[0]!;
      (a.data as Float32Array).set(toFloat32(tensors.a), column * inFeatures);
      const source = toFloat32(tensors.b).subarray(part.start * r, (part.start + part.count) * r);
      const at = row * rank + column;
      const { scale } = tensors;
      scaleInto(b.data as Float32Array, source, { columns: r, at, stride: rank, scale });
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
