/** Lazy reader of one safetensors file: the header at once, each tensor by a positioned read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { collectBefore } from '../util/collect-garbage.js';
import { InputError } from '../util/errors.js';
import { assertFetched } from '../util/git-lfs.js';
import { notRead } from '../util/utf8.js';
import { BYTES_PER_ELEMENT, STORED_DTYPES } from './dtype.js';
import type { HostDtype, HostTensor } from './host-tensor.js';
import {
  damaged,
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';

const HOST_DTYPES: ReadonlyMap<string, HostDtype> = new Map(
  (Object.keys(STORED_DTYPES) as HostDtype[]).map((dtype) => [STORED_DTYPES[dtype], dtype]),
);

export interface ByteRange {
  /** From the tensor's first byte. */
  readonly offset: number;
  readonly bytes: number;
}

/** An open file; `close` it when done. */
export class SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  private descriptor: number | null;

  /** @throws InputError naming file and tensor when the file is missing, cut short or malformed. */
  constructor(path: string) {
    this.path = path;
    this.descriptor = null;
    try {
      this.descriptor = openSync(path, 'r');
      this.header = readHeader(path, this.descriptor);
    } catch (error) {
      this.close();
      throw error instanceof InputError ? error : notRead(path, error);
    }
  }

  names(): string[] {
    return [...this.header.entries.keys()];
  }

  has(name: string): boolean {
    return this.header.entries.has(name);
  }

  /** @throws InputError when the file has no such tensor. */
  entry(name: string): TensorEntry {
    const entry = this.header.entries.get(name);
    if (entry === undefined) {
      throw new InputError({ where: this.path, problem: `tensor "${name}" is missing` });
    }
    return entry;
  }

  /**
   * One tensor, whose bytes are a fresh copy at each reading, as long as the file is open.
   * @throws InputError when it is missing or not f32, f16 or bf16.
   */
  tensor(name: string): HostTensor {
    const { shape, offset, bytes } = this.entry(name);
    const read = () => this.readPart(name, { offset: 0, bytes });
    return {
      dtype: this.dtypeOf(name),
      shape,
      place: { path: this.path, offset },
      get bytes() {
        return read();
      },
    };
  }

  /** A fresh copy of one tensor. @throws InputError as `tensor` does. */
  read(name: string): HostTensor {
    const { dtype, shape, bytes } = this.tensor(name);
    return { dtype, shape, bytes };
  }

  /** A fresh copy of its first values, as a vector of up to `count`. @throws InputError as `tensor` does. */
  readFirst(name: string, count: number): HostTensor {
    const dtype = this.dtypeOf(name);
    const each = BYTES_PER_ELEMENT[dtype];
    const bytes = Math.min(this.entry(name).bytes, count * each);
    return { dtype, shape: [bytes / each], bytes: this.readPart(name, { offset: 0, bytes }) };
  }

  /** Whether a tensor is f32, f16 or bf16. @throws InputError when there is no such tensor. */
  isPlain(name: string): boolean {
    return HOST_DTYPES.has(this.entry(name).dtype);
  }

  private dtypeOf(name: string): HostDtype {
    const { dtype } = this.entry(name);
    const hostDtype = HOST_DTYPES.get(dtype);
    if (hostDtype !== undefined) return hostDtype;
    throw new InputError({
      where: this.path,
      problem: `tensor "${name}" has dtype ${dtype}`,
      remedy: 'Lorikeet reads F32, F16 and BF16',
    });
  }

  /** A part of a tensor's bytes. @throws InputError when the file has no such tensor. */
  readPart(name: string, { offset, bytes }: ByteRange): Uint8Array {
    const start = this.entry(name).offset;
    if (this.descriptor === null) throw new Error(`${this.path}: read after close`);
    collectBefore(bytes);
    return readExact(this.path, this.descriptor, { offset: start + offset, bytes });
  }

  close(): void {
    if (this.descriptor !== null) closeSync(this.descriptor);
    this.descriptor = null;
  }
}

/** What the header of one file says beside its tensors. */
export function readMetadata(path: string): Readonly<Record<string, string>> {
  const file = new SafetensorsFile(path);
  file.close();
  return file.header.metadata;
}

/** Every tensor of one file, in file order. */
export function readSafetensors(path: string): Map<string, HostTensor> {
  const file = new SafetensorsFile(path);
  try {
    return new Map(file.names().map((name) => [name, file.read(name)]));
  } finally {
    file.close();
  }
}

function readHeader(path: string, descriptor: number): SafetensorsHeader {
  const fileBytes = fstatSync(descriptor).size;
  if (fileBytes < 8) {
    throw damaged(path, `truncated: ${fileBytes} bytes hold no header`);
  }
  const prefix = Buffer.from(readExact(path, descriptor, { offset: 0, bytes: 8 }));
  const length = Number(prefix.readBigUInt64LE());
  if (length > MAX_HEADER_BYTES) {
    const bytes = Math.min(fileBytes, 64);
    assertFetched(path, readExact(path, descriptor, { offset: 0, bytes }));
    throw damaged(path, `not a safetensors file (header of ${length} bytes)`);
  }
  if (8 + length > fileBytes) {
    throw damaged(path, `truncated: header of ${length} bytes in a file of ${fileBytes}`);
  }
  const text = Buffer.from(readExact(path, descriptor, { offset: 8, bytes: length })).toString(
    'utf8',
  );
  return parseHeader({ where: path, text, dataStart: 8 + length, fileBytes });
}

/** One read call takes at most 2 GiB, so that large tensors come in pieces. */
const READ_BYTES = 1 << 30;

function readExact(path: string, descriptor: number, { offset, bytes }: ByteRange): Uint8Array {
  const buffer = Buffer.allocUnsafeSlow(bytes);
  for (let done = 0; done < bytes; ) {
    const count = readSync(
      descriptor,
      buffer,
      done,
      Math.min(bytes - done, READ_BYTES),
      offset + done,
    );
    if (count === 0) throw damaged(path, 'the file ended while reading');
    done += count;
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset, bytes);
}
