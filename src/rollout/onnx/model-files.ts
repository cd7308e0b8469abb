/**
 * From a built graph to what a session loads. Small weights go into the model's own bytes. Large ones are mapped into
 * memory by ONNX Runtime, which lets go of them tensor by tensor as it packs them, so that the weights do not stand in
 * memory twice: from the files where they stand already, or else from one data file.
 */
import { closeSync, openSync, realpathSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { RunError } from '../../util/errors.js';
import type { BuiltGraph, GraphWeight } from './graph-builder.js';
import { BYTES_PER_ELEMENT, ELEMENT_TYPES, encodeModel, type TensorProto } from './schema.js';
import { makeTempFolder, removeFolder } from './temp-folder.js';

/** Weights up to this total are put into the model, where encoding and parsing copy them twice. */
const MAX_INLINE_BYTES = 4 << 20;
/** Single weights smaller than this always are. */
const MIN_MAPPED_BYTES = 4096;
/** Weights up to this total are also put into it where all others stand in files already. */
const MAX_INLINE_BESIDE = 32 << 20;
const DATA_FILE = 'weights.bin';
/** Tensors start at multiples of this in the data file, as memory mapping likes it. */
const ALIGNMENT = 4096;

export interface ModelFiles {
  readonly model: Uint8Array;
  /** Folder of the files with weights, or null when the model holds everything. */
  readonly dataFolder: string | null;
  /** Removes the data file where there is one. Call it when the session is loaded. */
  dispose(): void;
}

/** The data file is in the system's folder for temporary ones. */
export function encodeGraph(
  graph: BuiltGraph,
  { maxInlineBytes = MAX_INLINE_BYTES }: { readonly maxInlineBytes?: number } = {},
): ModelFiles {
  const total = bytesOf(graph.weights);
  if (total <= maxInlineBytes) {
    const tensors = graph.weights.map(inlineTensor);
    return { model: withWeights(graph, tensors), dataFolder: null, dispose() {} };
  }
  const found = inFiles(graph.weights);
  if (found !== null) {
    return { model: withWeights(graph, found.tensors), dataFolder: found.folder, dispose() {} };
  }
  const dataFolder = makeTempFolder(tmpdir());
  const dispose = () => removeFolder(dataFolder);
  try {
    const mapped = writeDataFile(join(dataFolder, DATA_FILE), graph.weights.filter(isMapped));
    const small = graph.weights.filter((weight) => !isMapped(weight)).map(inlineTensor);
    return { model: withWeights(graph, [...mapped, ...small]), dataFolder, dispose };
  } catch (error) {
    dispose();
    throw isDiskFull(error) ? noRoom(total, error) : error;
  }
}

/** Weights as they stand in files of one folder, the rest inside the model; null where they do not. */
function inFiles(
  weights: readonly GraphWeight[],
): { readonly folder: string; readonly tensors: readonly TensorProto[] } | null {
  const external: TensorProto[] = [];
  const rest: GraphWeight[] = [];
  const folders = new Set<string>();
  for (const weight of weights) {
    const { place, type } = weight;
    if (isMapped(weight) && place !== undefined && place.offset % BYTES_PER_ELEMENT[type] === 0) {
      // ONNX Runtime follows no link that leads out of the folder.
      const path = realpathSync(place.path);
      folders.add(dirname(path));
      external.push(externalTensor(weight, { ...place, location: basename(path) }));
    } else rest.push(weight);
  }
  const [folder] = folders;
  if (folder === undefined || folders.size > 1 || bytesOf(rest) > MAX_INLINE_BESIDE) return null;
  return { folder, tensors: [...external, ...rest.map(inlineTensor)] };
}

const isMapped = ({ byteLength }: GraphWeight): boolean => byteLength >= MIN_MAPPED_BYTES;

const bytesOf = (weights: readonly GraphWeight[]): number =>
  weights.reduce((sum, { byteLength }) => sum + byteLength, 0);

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

function noRoom(bytes: number, cause: unknown): RunError {
  const parts = {
    where: tmpdir(),
    problem: `no room for ${Math.ceil(bytes / 2 ** 20)} MiB of weights`,
    remedy: 'Free some, or let TMPDIR name a folder on a larger disk',
  };
  return new RunError(parts, { cause });
}

function withWeights({ model }: BuiltGraph, tensors: readonly TensorProto[]): Uint8Array {
  const initializer = [...model.graph.initializer, ...tensors];
  return encodeModel({ ...model, graph: { ...model.graph, initializer } });
}

function header({ name, type, shape }: GraphWeight) {
  return { name, dims: shape, dataType: ELEMENT_TYPES[type] };
}

function inlineTensor(weight: GraphWeight): TensorProto {
  const rawData = new Uint8Array(weight.byteLength);
  weight.write(rawData);
  return { ...header(weight), rawData };
}

function writeDataFile(path: string, weights: readonly GraphWeight[]): TensorProto[] {
  const largest = Math.max(0, ...weights.map(({ byteLength }) => byteLength));
  const buffer = new Uint8Array(largest);
  const file = openSync(path, 'w');
  let offset = 0;
  try {
    return weights.map((weight) => {
      const bytes = buffer.subarray(0, weight.byteLength);
      weight.write(bytes);
      writeFully(file, bytes, offset);
      const tensor = externalTensor(weight, { location: DATA_FILE, offset });
      offset = Math.ceil((offset + weight.byteLength) / ALIGNMENT) * ALIGNMENT;
      return tensor;
    });
  } finally {
    closeSync(file);
  }
}

function writeFully(file: number, bytes: Uint8Array, position: number): void {
  for (let done = 0; done < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - done, 1 << 30);
    done += writeSync(file, bytes, done, length, position + done);
  }
}

function externalTensor(
  weight: GraphWeight,
  { location, offset }: { readonly location: string; readonly offset: number },
): TensorProto {
  return {
    ...header(weight),
    externalData: [
      { key: 'location', value: location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(weight.byteLength) },
    ],
    dataLocation: 1,
  };
}
