/**
 * Experts whose checkpoint has two tensors for those of a layer: gate and up of each one below the other, `[count,
 * 2·inner, hidden]`, and down, `[count, hidden, inner]` (Granite); or these transposed, gate and up column by column in turns,
 * with biases likewise (gpt-oss, see transposed.ts), or row by row in MXFP4. All but the files knows a matrix of an expert by
 * itself.
 */
import { elementCount } from '../util/shape.js';
import {
  BYTES_PER_ELEMENT,
  type Checkpoint,
  fromMxfp4,
  type HostTensor,
  MXFP4_BLOCK,
} from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { biasOf, expertWeights, mlpModule } from './spec-experts.js';
import { parameterShapes } from './spec-modules.js';
import { everyTurn, fromTurns, inTurns } from './transposed.js';

/** A tensor of a file, and the matrices or biases that stand in it one behind the other. */
interface Stack {
  readonly name: string;
  readonly shape: readonly number[];
  readonly matrices: readonly string[];
  /** So many in a row are transposed and stand column by column in turns; null: as they are. */
  readonly turns: number | null;
}

/** By the names of Granite's checkpoints. */
function stacksOf(spec: DecoderSpec): Stack[] {
  if (spec.experts?.stacked !== true) return [];
  const { hiddenSize: hidden, intermediateSize: inner, experts } = spec;
  if (experts.inTurns) return transposedStacks(spec);
  return spec.layers.flatMap((_, layer) => {
    const module = mlpModule(spec, layer);
    const { experts: each } = expertWeights(spec, layer);
    return [
      {
        name: `${module}.input_linear.weight`,
        shape: [experts.count, 2 * inner, hidden],
        matrices: each.flatMap(({ gate, up }) => [gate, up]),
        turns: null,
      },
      {
        name: `${module}.output_linear.weight`,
        shape: [experts.count, hidden, inner],
        matrices: each.map(({ down }) => down),
        turns: null,
      },
    ];
  });
}

/** By the names of gpt-oss's. */
function transposedStacks(spec: DecoderSpec): Stack[] {
  const { hiddenSize: hidden, intermediateSize: inner } = spec;
  const { count } = spec.experts!;
  return spec.layers.flatMap((_, layer) => {
    const module = `${mlpModule(spec, layer)}.experts`;
    const { experts: each } = expertWeights(spec, layer);
    const pairs = each.flatMap(({ gate, up }) => [gate, up]);
    const downs = each.map(({ down }) => down);
    const stack = (name: string, matrices: string[], turns: number, sizes: number[]): Stack => ({
      name: `${module}.${name}`,
      shape: [count, ...sizes],
      matrices,
      turns,
    });
    return [
      stack('gate_up_proj', pairs, 2, [hidden, 2 * inner]),
      stack('gate_up_proj_bias', pairs.map(biasOf), 2, [2 * inner]),
      stack('down_proj', downs, 1, [inner, hidden]),
      stack('down_proj_bias', downs.map(biasOf), 1, [hidden]),
    ];
  });
}

const blocksOf = (stack: string): string => `${stack}_blocks`;
const scalesOf = (stack: string): string => `${stack}_scales`;

/** `parameterShapes` as the files of a checkpoint have them; of none: as they are written. */
export function storedShapes(
  spec: DecoderSpec,
  checkpoint: Pick<Checkpoint, 'has'> | null,
): Map<string, readonly number[]> {
  const shapes = parameterShapes(spec);
  for (const { name, shape, matrices } of stacksOf(spec)) {
    for (const matrix of matrices) shapes.delete(matrix);
    if (!checkpoint?.has(blocksOf(name))) {
      shapes.set(name, shape);
      continue;
    }
    const [count, inputs, rows] = shape as [number, number, number];
    const blocks = [count, rows, inputs / MXFP4_BLOCK];
    shapes.set(blocksOf(name), [...blocks, MXFP4_BLOCK / 2]);
    shapes.set(scalesOf(name), blocks);
  }
  return shapes;
}

type Files = Pick<Checkpoint, 'has' | 'tensor' | 'readPart'>;

/** The decoder's tensors, of those in a checkpoint. */
export function fromStored(spec: DecoderSpec, checkpoint: Files): (name: string) => HostTensor {
  const shapes = parameterShapes(spec);
  const stacks = new Map(
    stacksOf(spec).flatMap(({ name: stack, matrices, turns }) =>
      matrices.map(
        (name, index) => [name, { stack, index, turns, shape: shapes.get(name)! }] as const,
      ),
    ),
  );
  return (name) => {
    const found = stacks.get(name);
    if (found === undefined) return checkpoint.tensor(name);
    if (found.turns === null) return matrixOf(checkpoint, found);
    const isPacked = checkpoint.has(blocksOf(found.stack));
    return isPacked ? packedOf(checkpoint, found) : turnOf(checkpoint, found);
  };
}

interface Stacked {
  readonly stack: string;
  /** Of the matrix among those in the stack. */
  readonly index: number;
  readonly turns: number | null;
  readonly shape: readonly number[];
}

/** A matrix in MXFP4, whose rows take turns with those of others. */
function packedOf(checkpoint: Files, { stack, index, turns, shape }: Stacked): HostTensor {
  const [count, row] = [turns!, shape[1]! / MXFP4_BLOCK];
  /** Its rows of so many bytes each. */
  const rows = (name: string, length: number): Uint8Array => {
    const bytes = count * shape[0]! * length;
    const offset = Math.floor(index / count) * bytes;
    const all = checkpoint.readPart(name, { offset, bytes });
    return everyTurn(all, index % count, { turns: count, length });
  };
  return {
    dtype: 'bfloat16',
    shape,
    get bytes() {
      const packed = rows(blocksOf(stack), (row * MXFP4_BLOCK) / 2);
      return fromMxfp4(packed, rows(scalesOf(stack), row));
    },
  };
}

/** A matrix that is read with those that it takes turns with. */
function turnOf(checkpoint: Files, { stack, index, turns, shape }: Stacked): HostTensor {
  const { dtype } = checkpoint.tensor(stack);
  const [count, each] = [turns!, BYTES_PER_ELEMENT[dtype]];
  const bytes = count * elementCount(shape) * each;
  const part = { offset: Math.floor(index / count) * bytes, bytes };
  const form = { rows: shape[0]!, turns: count, bytes: each };
  return {
    dtype,
    shape,
    get bytes() {
      return fromTurns(checkpoint.readPart(stack, part), index % count, form);
    },
  };
}

function matrixOf(checkpoint: Files, { stack, index, shape }: Stacked): HostTensor {
  const { dtype, place } = checkpoint.tensor(stack);
  const bytes = elementCount(shape) * BYTES_PER_ELEMENT[dtype];
  const offset = index * bytes;
  return {
    dtype,
    shape,
    get bytes() {
      return checkpoint.readPart(stack, { offset, bytes });
    },
    ...(place && { place: { ...place, offset: place.offset + offset } }),
  };
}

/** @param tensors Of the decoder. @returns Those that a checkpoint stores; what is one of many is made when it is read */
export function toStored(
  spec: DecoderSpec,
  tensors: ReadonlyMap<string, HostTensor>,
): ReadonlyMap<string, HostTensor> {
  const stored = new Map(tensors);
  for (const { name, shape, matrices, turns } of stacksOf(spec)) {
    const parts = matrices.map((matrix) => tensors.get(matrix)!);
    for (const matrix of matrices) stored.delete(matrix);
    const { dtype, shape: own } = parts[0]!;
    const form = { rows: own[0]!, turns: turns ?? 1, bytes: BYTES_PER_ELEMENT[dtype] };
    stored.set(name, {
      dtype,
      shape,
      get bytes() {
        if (turns !== null) return inTurns(parts, form);
        return new Uint8Array(Buffer.concat(parts.map(({ bytes }) => bytes)));
      },
    });
  }
  return stored;
}
