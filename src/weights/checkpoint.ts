/** A model checkpoint in Hugging Face layout: one safetensors file, or shards with an index. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../util/errors.js';
import { readJson } from '../util/files.js';
import { isObject } from '../util/json-object.js';
import { inDecoder, inModel, rootOf } from './decoder-root.js';
import type { HostTensor } from './host-tensor.js';
import type { TensorEntry } from './safetensors-header.js';
import { type ByteRange, SafetensorsFile } from './safetensors-reader.js';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const PICKLED = ['pytorch_model.bin', 'pytorch_model.bin.index.json'];

/**
 * An open checkpoint. Tensors are read from disk each time; nothing is kept. Of a model that reads images too
 * it has the tensors of the text decoder, by the names of a decoder by itself.
 */
export interface Checkpoint {
  readonly dir: string;
  /** Names of tensors of a model's other parts. */
  readonly outside: readonly string[];
  names(): string[];
  has(name: string): boolean;
  /** @throws InputError when there is no such tensor. */
  shape(name: string): readonly number[];
  /**
   * Its bytes are read anew at each use, as long as the checkpoint is open.
   * @throws InputError when there is no such tensor, or it is not f32, f16 or bf16.
   */
  tensor(name: string): HostTensor;
  /** Its first values, as a vector of up to `count`. @throws InputError as `tensor` does. */
  readFirst(name: string, count: number): HostTensor;
  /** Whether a tensor is f32, f16 or bf16. @throws InputError when there is no such tensor. */
  isPlain(name: string): boolean;
  /** What the header says of a tensor. @throws InputError when there is no such tensor. */
  entry(name: string): TensorEntry;
  /** A part of a tensor's bytes as they are on disk. @throws InputError when there is no such tensor. */
  readPart(name: string, part: ByteRange): Uint8Array;
  /** The name of a tensor in the files, whether it is there or not. */
  storedName(name: string): string;
  /** The file that holds a tensor. */
  fileOf(name: string): string;
  close(): void;
}

/**
 * Opens the checkpoint in `dir`, checking every header (not the tensor values).
 * @throws InputError when files are missing, cut short or malformed.
 */
export function openCheckpoint(dir: string): Checkpoint {
  const single = join(dir, SINGLE_FILE);
  if (existsSync(single)) {
    const file = new SafetensorsFile(single);
    return checkpointOf(dir, new Map(file.names().map((name) => [name, file])));
  }
  const index = join(dir, INDEX_FILE);
  if (existsSync(index)) return checkpointOf(dir, openShards(dir, index));
  const pickled = PICKLED.find((name) => existsSync(join(dir, name)));
  throw new InputError({
    where: dir,
    problem: `neither ${SINGLE_FILE} nor ${INDEX_FILE}${pickled === undefined ? '' : ` (only ${pickled})`}`,
    remedy:
      pickled === undefined
        ? 'Give a Hugging Face model folder, or make one with lorikeet init-model'
        : 'Save the model as safetensors; pickled weights can run code and are not read',
  });
}

function openShards(dir: string, index: string): Map<string, SafetensorsFile> {
  const opened = new Map<string, SafetensorsFile>();
  const located = new Map<string, SafetensorsFile>();
  try {
    for (const [name, shard] of readWeightMap(index)) {
      if (basename(shard) !== shard) {
        throw new InputError({
          where: index,
          problem: `shard "${shard}" is not a plain file name`,
        });
      }
      const file = opened.get(shard) ?? new SafetensorsFile(join(dir, shard));
      opened.set(shard, file);
      if (!file.has(name)) {
        throw new InputError({
          where: file.path,
          problem: `tensor "${name}" of ${INDEX_FILE} is missing`,
        });
      }
      located.set(name, file);
    }
  } catch (error) {
    for (const file of opened.values()) file.close();
    throw error;
  }
  return located;
}

/** [tensor, shard file] pairs. */
function readWeightMap(index: string): [string, string][] {
  const value = readJson(index);
  const map = isObject(value) ? value.weight_map : undefined;
  if (!isObject(map) || Object.values(map).some((shard) => typeof shard !== 'string')) {
    throw new InputError({ where: index, problem: 'no "weight_map" from tensor to file name' });
  }
  return Object.entries(map) as [string, string][];
}

/** A tensor's place: its file and its name there. */
interface Located {
  readonly file: SafetensorsFile;
  readonly own: string;
}

function checkpointOf(dir: string, located: ReadonlyMap<string, SafetensorsFile>): Checkpoint {
  const root = rootOf([...located.keys()]);
  const places = new Map<string, Located>();
  const outside: string[] = [];
  for (const [own, file] of located) {
    const name = inDecoder(root, own);
    if (name === null) outside.push(own);
    else places.set(name, { file, own });
  }
  const storedName = (name: string): string => inModel(root, name);
  const place = (name: string): Located => {
    const found = places.get(name);
    if (found !== undefined) return found;
    throw new InputError({ where: dir, problem: `tensor "${storedName(name)}" is missing` });
  };
  const read = <T>(name: string, from: (file: SafetensorsFile, own: string) => T): T => {
    const { file, own } = place(name);
    return from(file, own);
  };
  return {
    dir,
    outside,
    names: () => [...places.keys()],
    has: (name) => places.has(name),
    shape: (name) => read(name, (file, own) => file.entry(own).shape),
    tensor: (name) => read(name, (file, own) => file.tensor(own)),
    isPlain: (name) => read(name, (file, own) => file.isPlain(own)),
    readFirst: (name, count) => read(name, (file, own) => file.readFirst(own, count)),
    entry: (name) => read(name, (file, own) => file.entry(own)),
    readPart: (name, part) => read(name, (file, own) => file.readPart(own, part)),
    storedName,
    fileOf: (name) => place(name).file.path,
    close: () => {
      for (const file of new Set(located.values())) file.close();
    },
  };
}
