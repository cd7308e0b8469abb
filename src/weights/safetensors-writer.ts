/**
 * Writer of one safetensors file: whole or not at all, tensor by tensor, so that a large model is
 * never held twice. The same tensors give the same bytes.
 */
import { writePieces } from '../util/atomic-file.js';
import { InputError } from '../util/errors.js';
import { BYTES_PER_ELEMENT, byteLength, STORED_DTYPES } from './dtype.js';
import type { HostTensor } from './host-tensor.js';

/** transformers refuses files without a `format`. */
const DEFAULT_METADATA: Readonly<Record<string, string>> = { format: 'pt' };

/**
 * Writes tensors by dtype (wider first, which keeps each aligned) and name, as the reference library.
 * `bytes` of each tensor is read once, at its turn: a getter may produce it then.
 * @throws InputError when a tensor's bytes do not fit its dtype and shape.
 */
export function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): void {
  const ordered = [...tensors].sort(byWidthThenName);
  writePieces(path, (append) => {
    append(headerBytes(ordered, { ...DEFAULT_METADATA, ...metadata }));
    for (const [name, tensor] of ordered) append(checkedBytes(path, name, tensor));
  });
}

type Named = readonly [string, HostTensor];

function byWidthThenName([name, one]: Named, [otherName, other]: Named): number {
  const wider = BYTES_PER_ELEMENT[other.dtype] - BYTES_PER_ELEMENT[one.dtype];
  if (wider !== 0) return wider;
  return name < otherName ? -1 : 1;
}

function headerBytes(
  ordered: readonly Named[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  let offset = 0;
  const entries = ordered.map(([name, tensor]) => {
    const start = offset;
    offset += byteLength(tensor);
    const { dtype, shape } = tensor;
    return [name, { dtype: STORED_DTYPES[dtype], shape, data_offsets: [start, offset] }] as const;
  });
  const json = Buffer.from(
    JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }),
  );
  const padded = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + padded, ' ');
  header.writeBigUInt64LE(BigInt(padded));
  json.copy(header, 8);
  return header;
}

function checkedBytes(path: string, name: string, tensor: HostTensor): Uint8Array {
  const expected = byteLength(tensor);
  const { bytes } = tensor;
  if (bytes.byteLength === expected) return bytes;
  const what = `${tensor.dtype} [${tensor.shape.join(', ')}] takes ${expected}`;
  throw new InputError({
    where: path,
    problem: `tensor "${name}" has ${bytes.byteLength} bytes, but ${what}`,
  });
}
