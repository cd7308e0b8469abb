/**
 * Experts whose checkpoint has two tensors for those of a layer: gate and up of each one below the other, `[count,
 * 2·inner, hidden]`, and down, `[count, hidden, inner]` (Granite). All but the files knows a matrix of an expert by itself.
 */
import { elementCount } from '../util/shape.js';
import { BYTES_PER_ELEMENT, type Checkpoint, type HostTensor } from '../weights/index.js';
import type { DecoderSpec } from './spec.js';
import { expertWeights, mlpModule } from './spec-experts.js';
import { parameterShapes } from './spec-modules.js';

/** A tensor of a file, and the matrices that stand in it one behind the other. */
interface Stack {
  readonly name: string;
  readonly shape: readonly number[];
  readonly matrices: readonly string[];
}

function stacksOf(spec: DecoderSpec): Stack[] {
  if (spec.experts?.stacked !== true) return [];
  const { hiddenSize: hidden, intermediateSize: inner, experts } = spec;
  return spec.layers.flatMap((_, layer) => {
    const module = mlpModule(spec, layer);
    const { experts: each } = expertWeights(spec, layer);
    return [
      {
        name: `${module}.input_linear.weight`,
        shape: [experts.count, 2 * inner, hidden],
        matrices: each.flatMap(({ gate, up }) => [gate, up]),
      },
      {
        name: `${module}.output_linear.weight`,
        shape: [experts.count, hidden, inner],
        matrices: each.map(({ down }) => down),
      },
    ];
  });
}

/** `parameterShapes` as files have them. */
export function storedShapes(spec: DecoderSpec): Map<string, readonly number[]> {
  const shapes = parameterShapes(spec);
  for (const { name, shape, matrices } of stacksOf(spec)) {
    for (const matrix of matrices) shapes.delete(matrix);
    shapes.set(name, shape);
  }
  return shapes;
}

/** The decoder's tensors, of those in a checkpoint. */
export function fromStored(
  spec: DecoderSpec,
  checkpoint: Pick<Checkpoint, 'tensor' | 'readPart'>,
): (name: string) => HostTensor {
  const shapes = parameterShapes(spec);
  const stacks = new Map(
    stacksOf(spec).flatMap(({ name: stack, matrices }) =>
      matrices.map((name, index) => [name, { stack, index, shape: shapes.get(name)! }] as const),
    ),
  );
  return (name) => {
    const found = stacks.get(name);
    return found === undefined ? checkpoint.tensor(name) : matrixOf(checkpoint, found);
  };
}

interface Stacked {
  readonly stack: string;
  /** Of the matrix among those in the stack. */
  readonly index: number;
  readonly shape: readonly number[];
}

function matrixOf(
  checkpoint: Pick<Checkpoint, 'tensor' | 'readPart'>,
  { stack, index, shape }: Stacked,
): HostTensor {
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
  for (const { name, shape, matrices } of stacksOf(spec)) {
    const parts = matrices.map((matrix) => tensors.get(matrix)!);
    for (const matrix of matrices) stored.delete(matrix);
    stored.set(name, {
      dtype: parts[0]!.dtype,
      shape,
      get bytes() {
        return new Uint8Array(Buffer.concat(parts.map(({ bytes }) => bytes)));
      },
    });
  }
  return stored;
}
