/**
 * From a built graph to what a session loads. Small weights go into the model's own bytes. Large ones go
 * into one data file, which ONNX Runtime maps into memory and lets go of tensor by tensor as it packs them,
 * so that the weights do not stand in memory twice.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunError } from '../../util/errors.js';
import type { BuiltGraph, GraphWeight } from './graph-builder.js';
import { ELEMENT_TYPES, encodeModel, type TensorProto } from './schema.js';
import { makeTempFolder, removeFolder } from './temp-folder.js';

/** Weights up to this total are put into the model, where encoding and parsing copy them twice. */
const MAX_INLINE_BYTES = 4 << 20;
/** Single weights smaller than this always are. */
const MIN_MAPPED_BYTES = 4096;
const DATA_FILE = 'weights.bin';
/** Tensors start at multiples of this in the data file, as memory mapping likes it. */
const ALIGNMENT = 4096;

export interface ModelFiles {
  readonly model: Uint8Array;
  /** Folder of the data file, or null when the model holds everything. */
  readonly dataFolder: string | null;
  /** Removes the data file. Call it when the session is loaded. */
  dispose(): void;
}

export interface EncodeOptions {
  /** Where the data file's temporary folder is made; the system's folder for such when absent. */
  readonly tempDir?: string | undefined;
  readonly maxInlineBytes?: number;
}

export function encodeGraph(graph: BuiltGraph, options: EncodeOptions = {}): ModelFiles {
  const { tempDir = tmpdir(), maxInlineBytes = MAX_INLINE_BYTES } = options;
  const total = graph.weights.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (total <= maxInlineBytes) {
    const tensors = graph.weights.map(inlineTensor);
    return { model: withWeights(graph, tensors), dataFolder: null, dispose() {} };
  }
  const dataFolder = makeTempFolder(tempDir);
  const dispose = () => removeFolder(dataFolder);
  try {
    const isMapped = ({ byteLength }: GraphWeight) => byteLength >= MIN_MAPPED_BYTES;
    const mapped = writeDataFile(join(dataFolder, DATA_FILE), graph.weights.filter(isMapped));
    const small = graph.weights.filter((weight) => !isMapped(weight)).map(inlineTensor);
    return { model: withWeights(graph, [...mapped, ...small]), dataFolder, dispose };
  } catch (error) {
    dispose();
    throw isDiskFull(error) ? noRoom(tempDir, total, error) : error;
  }
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}

function noRoom(tempDir: string, bytes: number, cause: unknown): RunError {
  const parts = {
    where: tempDir,
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
      const tensor = externalTensor(weight, offset);
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

function externalTensor(weight: GraphWeight, offset: number): TensorProto {
  return {
    ...header(weight),
    externalData: [
      { key: 'location', value: DATA_FILE },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(weight.byteLength) },
    ],
    dataLocation: 1,
  };
}
