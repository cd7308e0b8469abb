/**
 * The header of a safetensors file: 8 bytes little-endian length, then JSON of name → dtype, shape,
 * data_offsets (relative to the end of the header). Format: github.com/huggingface/safetensors.
 * Everything is checked before any tensor is read: the tensors must tile the rest of the file.
 */
import { InputError, messageOf } from '../util/errors.js';
import { isObject, parseJson } from '../util/json-object.js';
import { elementCount } from '../util/shape.js';

/** Bytes per element of the dtypes that the format defines (sub-byte ones left out). */
const DTYPE_BYTES: ReadonlyMap<string, number> = new Map([
  ...(['F64', 'I64', 'U64'] as const).map((name) => [name, 8] as const),
  ...(['F32', 'I32', 'U32'] as const).map((name) => [name, 4] as const),
  ...(['F16', 'BF16', 'I16', 'U16'] as const).map((name) => [name, 2] as const),
  ...(['F8_E4M3', 'F8_E5M2', 'I8', 'U8', 'BOOL'] as const).map((name) => [name, 1] as const),
]);

/** The format's own bound; a larger number means that the file is something else. */
export const MAX_HEADER_BYTES = 100_000_000;

export interface TensorEntry {
  readonly name: string;
  /** As written in the file, e.g. `BF16`. */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** From the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

export interface SafetensorsHeader {
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface HeaderSource {
  /** File name for messages. */
  readonly where: string;
  /** The JSON text, without the length. */
  readonly text: string;
  /** First byte after the header. */
  readonly dataStart: number;
  readonly fileBytes: number;
}

/** A file that is not as its writer left it. */
export const damaged = (where: string, problem: string): InputError =>
  new InputError({ where, problem, remedy: 'Download or copy the file again' });

/** @throws InputError naming the file, and the tensor where one is at fault. */
export function parseHeader(source: HeaderSource): SafetensorsHeader {
  const { where, text, dataStart } = source;
  const entries = new Map<string, TensorEntry>();
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, value] of Object.entries(headerObject(where, text))) {
    if (name === '__metadata__') metadata = parseMetadata(where, value);
    else entries.set(name, parseEntry({ where, name, value, dataStart }));
  }
  checkTiling(source, entries.values());
  return { entries, metadata };
}

function headerObject(where: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw damaged(where, `safetensors header is not JSON: ${messageOf(error)}`);
  }
  if (isObject(value)) return value;
  throw damaged(where, 'safetensors header is not a JSON object');
}

function isNaturals(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function parseMetadata(where: string, value: unknown): Readonly<Record<string, string>> {
  if (isObject(value) && Object.values(value).every((text) => typeof text === 'string')) {
    return value as Record<string, string>;
  }
  throw damaged(where, '__metadata__ must map strings to strings');
}

interface EntrySource {
  readonly where: string;
  readonly name: string;
  readonly value: unknown;
  readonly dataStart: number;
}

function parseEntry({ where, name, value, dataStart }: EntrySource): TensorEntry {
  const fail = (problem: string): never => {
    throw damaged(where, `tensor "${name}": ${problem}`);
  };
  const { dtype, shape, data_offsets: offsets } = isObject(value) ? value : {};
  if (typeof dtype !== 'string' || !isNaturals(shape) || !isNaturals(offsets)) {
    return fail('needs dtype, shape and data_offsets (whole numbers)');
  }
  const [start = 0, end = -1] = offsets;
  const size = DTYPE_BYTES.get(dtype);
  if (size === undefined) return fail(`unknown dtype "${dtype}"`);
  const bytes = end - start;
  const expected = size * elementCount(shape);
  if (bytes !== expected) {
    return fail(
      `offsets [${offsets.join(', ')}] hold ${bytes} bytes, but ${dtype} [${shape.join(', ')}] takes ${expected}`,
    );
  }
  return { name, dtype, shape, offset: dataStart + start, bytes };
}

function checkTiling(
  { where, dataStart, fileBytes }: HeaderSource,
  entries: Iterable<TensorEntry>,
): void {
  let end = dataStart;
  const inOrder = [...entries].sort((a, b) => a.offset - b.offset || a.bytes - b.bytes);
  for (const { name, offset, bytes } of inOrder) {
    if (offset !== end) {
      const what =
        offset < end ? 'overlaps the tensor before it' : `leaves a gap of ${offset - end} bytes`;
      throw damaged(where, `tensor "${name}" ${what} (offset ${offset - dataStart})`);
    }
    end = offset + bytes;
  }
  if (end > fileBytes) {
    throw damaged(where, `truncated: the header describes ${end} bytes, the file has ${fileBytes}`);
  }
  if (end < fileBytes) {
    throw damaged(where, `${fileBytes - end} bytes after the last tensor`);
  }
}
